"""Databases of one server under other names: made beside the old one, exchanged in one transaction, ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import errors
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import address, translated

REPLACED = "_replaced"
LEAVING = 2.0  # seconds: a connection that was just closed is seen a little longer
OTHERS = """
    SELECT count(*), string_agg(DISTINCT nullif(application_name, ''), ', ') FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid()
"""


def in_use(url: str) -> str | None:
    """Return who works with the database, in words; None = nobody."""
    deadline = time.monotonic() + LEAVING
    with _server(url) as connection, connection.cursor() as cursor:
        while True:
            cursor.execute(OTHERS, (_name(url),))
            number, programs = cursor.fetchone() or (0, None)
            if not number:
                return None
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
    who = f" ({programs})" if programs else ""
    return (
        f'{number} connection{"" if number == 1 else "s"} to the database "{_name(url)}" of other programs{who}: '
        "end `omics dev`, notebooks and services that use it, then restore again"
    )


def create_beside(url: str) -> None:
    """Make the empty database of `url`; one that a killed restore left is ended first.

    Raises:
        StorageError: the account may not make databases.
    """
    end_beside(url)
    with _server(url) as connection, connection.cursor() as cursor:
        name = pg.quote_ident(_name(url), connection)
        try:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        except errors.InsufficientPrivilege as error:
            told = "an administrator of the server must say: ALTER ROLE <this account> CREATEDB"
            raise StorageError(f"{translated(error)}; {told}") from None


def end_beside(url: str) -> None:
    """Drop the database of `url` if it is there."""
    with _server(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {pg.quote_ident(_name(url), connection)} WITH (FORCE)")


def put_in_place(pairs: Mapping[str, str]) -> None:
    """Exchange each new database (key) for the old one (value); those of one server in one transaction.

    Raises:
        StorageError: somebody works with an old one; nothing was exchanged on that server.
    """
    servers: dict[str, list[tuple[str, str]]] = {}
    for new, old in pairs.items():
        servers.setdefault(urlsplit(old).netloc, []).append((new, old))
    for each in servers.values():
        for _, old in each:
            end_beside(_suffixed(old))
        with _server(each[0][1], autocommit=False) as connection, connection.cursor() as cursor:
            for new, old in each:
                there, gone, comes = (
                    pg.quote_ident(_name(url), connection) for url in (old, _suffixed(old), new)
                )
                cursor.execute(f"ALTER DATABASE {there} RENAME TO {gone}")
                cursor.execute(f"ALTER DATABASE {comes} RENAME TO {there}")
            connection.commit()
        for _, old in each:
            end_beside(_suffixed(old))


@contextmanager
def _server(url: str, *, autocommit: bool = True) -> Iterator[pg.connection]:
    """Connect to the server of `url`, to its database `postgres`."""
    connection = None
    try:
        connection = psycopg2.connect(address(urlunsplit(urlsplit(url)._replace(path="/postgres"))))
        connection.autocommit = autocommit
        yield connection
    except psycopg2.Error as error:
        raise translated(error) from error
    finally:
        if connection is not None:
            connection.close()


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.removeprefix("/"))


def _suffixed(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}{REPLACED}"))
