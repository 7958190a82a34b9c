"""A connection that only reads, and what is told when a database refuses: never its own words, which quote values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from omics_orchestrator.errors import DeliveryError, NotConfigured

CONNECT_SECONDS = 30
PASSWORD = re.compile(r"(password|passwd|pwd)['\"]?\s*=", re.IGNORECASE)
NO_HOST = "no machine bears the name of the database's host: look at the address and the network"
NO_SERVER = "the database server does not answer: look at host and port, and whether it runs"
REFUSED = {
    "password authentication failed": "the database refuses user and password: correct the address in its secret",
    "no password supplied": "the database asks for a password: name a secret that holds the whole address",
    "could not translate host name": NO_HOST,
    "name or service not known": NO_HOST,
    "name resolution": NO_HOST,
    "getaddrinfo failed": NO_HOST,
    "connection refused": NO_SERVER,
    "timeout expired": NO_SERVER,
    "does not exist": "the server knows no such database or user: correct the address",
    "pg_hba": "the server admits no connection of this user from this machine",
    "unable to open database": "the database file cannot be opened: may this user read it and its folder?",
    "not a database": "the file is no SQLite database, or is encrypted: look at what lies there",
    "could not decode to utf-8": "a column holds text that is no UTF-8: turn it into text in a query, or leave it out",
    "malformed": "the database file is damaged or cut off: copy it again",
}
STATES = {
    "42501": "permission denied: the user needs the right SELECT on it",
    "42P01": "the table, or one that the query names, does not exist: was it renamed?",
    "42703": "a column that is asked for does not exist: was it renamed?",
    "42601": "the query is not understood by this database",
    "57014": "the database took longer than `timeout`: try later, or raise it",
    "25006": "the query would write; only reading is allowed",
}
LOST = (
    "closed",
    "terminat",
    "locked",
    "system is starting up",
    "system is shutting down",
    "recovery mode",
    "too many clients",
    "connection slots",
)  # a refused connection bears no SQLSTATE
PASSING = ("08", "40", "53", "55", "57")  # classes of SQLSTATE that may be over at the next try


def parsed(url: str) -> URL:
    """Return the parts of an address.

    Raises:
        ValueError: it is none; the address itself is not told.
    """
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            "url is an address such as postgresql://user@host/database or sqlite:///file"
        ) from None


def bears_password(url: URL) -> bool:
    """Tell whether an address holds a password, in its place or among the words behind `?`."""
    said = (f"{word}={value}" for word, value in url.query.items())
    return url.password is not None or any(PASSWORD.search(one) for one in said)


def file_of(url: URL) -> Path | None:
    """Return the file of an SQLite database; None = it is on a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


@contextmanager
def reading(url: URL, seconds: float) -> Iterator[Connection]:
    """Yield a connection in one transaction that only reads and, where there is such a thing, sees one moment.

    Raises:
        DeliveryError: the database refuses, or is lost on the way (then `retry`).
        NotConfigured: its driver is not installed.
    """
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            _begin(connection, seconds)
            yield connection
    except DBAPIError as error:
        raise refused(error) from None  # its own words quote addresses and values
    except SQLAlchemyError as error:
        raise DeliveryError(f"the database cannot be read ({type(error).__name__})") from None
    finally:
        engine.dispose()


def _engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    if (file := file_of(url)) is not None:
        if not file.is_file():
            raise DeliveryError(
                "the database file is not there: look at url, and whether its disk is mounted", retry=True
            )
        place = f"file:{quote(str(file.resolve()))}"
        url = url.set(
            database=place, query={"mode": "ro", "uri": "true"}
        )  # otherwise SQLite would make the file
    if backend == "postgresql" and url.get_driver_name() == "psycopg2":
        url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise NotConfigured(
            f"no driver for {url.drivername}:// is known here: install its SQLAlchemy dialect"
        ) from None
    except ModuleNotFoundError as error:
        raise NotConfigured(
            f"the driver of {url.drivername}:// is not installed: pip install {error.name}"
        ) from None


def _begin(connection: Connection, seconds: float) -> None:
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        for word, said in (
            ("statement_timeout", str(int(seconds * 1000))),
            ("timezone", "UTC"),
            ("datestyle", "ISO"),
            ("intervalstyle", "iso_8601"),
            ("extra_float_digits", "1"),
        ):
            connection.exec_driver_sql(f"SET LOCAL {word} = '{said}'")
    elif backend == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    elif backend in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def refused(error: DBAPIError) -> DeliveryError:
    """Return what is told of a database's error: our words and its code."""
    state = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None) or ""
    said = str(error.orig).lower()
    if state in STATES:
        return DeliveryError(STATES[state], retry=state == "57014")
    told = next((ours for theirs, ours in REFUSED.items() if theirs in said), "")
    if told:
        return DeliveryError(told, retry=told in (NO_HOST, NO_SERVER))
    lost = error.connection_invalidated or any(word in said for word in LOST)
    if lost or state.startswith(PASSING):
        return DeliveryError(
            "the connection to the database was lost, or it is busy or locked by somebody: try later",
            retry=True,
        )
    return DeliveryError(f"the database refuses ({state or type(error.orig).__name__})")
