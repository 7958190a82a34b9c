"""The data database: address, transactions, errors. tables.py writes its tables, reading.py reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import errorcodes, errors
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import Settings, with_driver
from omics_orchestrator.storage.embedded import ensure_server

if TYPE_CHECKING:
    from sqlalchemy import Engine

CONTENT = ("22", "23")  # SQLSTATE classes whose messages quote values
COPY_COLUMN = re.compile(r"^COPY .*, line \d+, column ([^:\n]+)", re.MULTILINE)
TRANSIENT = re.compile("08...|40...|53300|55P03|57P0[123]")
ADVICE = {  # SQLSTATE, or its class: what to do; None = the connection broke
    None: "see that Postgres runs and can be reached, then run again: tables are written whole or not at all",
    "08": "see that Postgres runs and can be reached, then run again: tables are written whole or not at all",
    "53100": "the disk of Postgres is full: free space or enlarge it, then run again; the old tables stand",
    "57P": "run again when Postgres is back: tables are written whole or not at all",
}


@dataclass(frozen=True)
class Database:
    """The data database at a plain `postgresql://` URL; cheap to make and to pickle, holds no connection."""

    url: str

    @classmethod
    def open(cls, settings: Settings) -> Database:
        """Return the database that `settings` name, else `omics` on our own server; created when missing."""
        return cls(_existing(settings.database_url or ensure_server(settings).url("omics")))

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[pg.connection]:
        """Open a connection for one transaction: committed at the end, rolled back when anything is raised.

        Raises:
            StorageError: for every error of Postgres, without values; `retry` when it may pass by itself.
        """
        try:
            connection = _connect(self.url)
            try:
                connection.set_session(readonly=read_only)
                yield connection
                connection.commit()
            finally:  # rolls back what was not committed, and hides no error where the connection is broken
                connection.close()
        except psycopg2.Error as error:
            raise translated(error) from (None if hides_values(error.pgcode) else error)

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's engine for the fixed tables (schema.py)."""
        from sqlalchemy import create_engine

        return create_engine(with_driver(self.url), pool_pre_ping=True)

    def __reduce__(self) -> tuple[type[Database], tuple[str]]:
        return type(self), (self.url,)


def dagster_database_url(settings: Settings) -> str:
    """Return the plain URL of Dagster's database, else `dagster` on the same server; created when missing."""
    if url := settings.dagster_database_url:
        return _existing(url)
    if settings.database_url:
        return _existing(_sibling(settings.database_url, "dagster"))
    return _existing(ensure_server(settings).url("dagster"))


def hides_values(sqlstate: str | None) -> bool:
    """Tell whether messages of this SQLSTATE may quote the content of cells."""
    return (sqlstate or "").startswith(CONTENT)


def is_transient(sqlstate: str | None) -> bool:
    """Tell whether trying again makes sense; without a SQLSTATE the connection itself failed."""
    return not sqlstate or bool(TRANSIENT.fullmatch(sqlstate))


def translated(error: psycopg2.Error) -> StorageError:
    """Return `error` as ours: names of tables, columns and constraints, never the content of cells."""
    diagnosis = error.diag
    if not hides_values(error.pgcode):
        retry = is_transient(error.pgcode) and isinstance(
            error, (psycopg2.OperationalError, psycopg2.InterfaceError)
        )
        said = diagnosis.message_primary or str(error).strip()
        return StorageError(f"Postgres: {said}{_advice(error)}", retry=retry)
    column = COPY_COLUMN.search(diagnosis.context or "")
    places = {
        "table": diagnosis.table_name,
        "column": diagnosis.column_name or (column and column[1]),
        "constraint": diagnosis.constraint_name,
    }
    where = "".join(f', {word} "{name}"' for word, name in places.items() if name)
    reason = (
        errorcodes.lookup(error.pgcode).lower().replace("_", " ") if error.pgcode else type(error).__name__
    )
    return StorageError(f"Postgres refused the content: {reason}{where}")


def _advice(error: psycopg2.Error) -> str:
    state = error.pgcode
    if state is None and not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return ""
    full = "No space left" in str(error) or "File too large" in str(error)
    for known in ("53100",) if full else (state, (state or "")[:3], (state or "")[:2]):
        if known in ADVICE:
            return f"; {ADVICE[known]}"
    return ""


def address(url: str) -> str:
    """Return `url` for libpq; text crosses as UTF-8 whatever PGCLIENTENCODING says."""
    return pg.make_dsn(url, client_encoding="utf8", fallback_application_name="omics", connect_timeout=10)


def _connect(url: str) -> pg.connection:
    return psycopg2.connect(address(url))


def _sibling(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _existing(url: str) -> str:
    """Return `url` after creating its database when the server has none of that name."""
    try:
        _connect(url).close()
    except psycopg2.OperationalError as error:
        try:
            _create(url)
        except psycopg2.Error:
            raise translated(error) from error
    return url


def _create(url: str) -> None:
    """Create the database of `url` through the server's database `postgres`; somebody may be faster."""
    name = unquote(urlsplit(url).path.removeprefix("/"))
    connection = _connect(_sibling(url, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if not cursor.fetchone():
                template = "TEMPLATE template0 ENCODING 'UTF8'"
                cursor.execute(f"CREATE DATABASE {pg.quote_ident(name, connection)} {template}")
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        pass
    finally:
        connection.close()
