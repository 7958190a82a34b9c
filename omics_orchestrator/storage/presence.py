"""Who lives: a process holds a named lock of Postgres while it lives; the server frees it however the process ends.

Locks of transactions are in state.py, locks of the embedded server in embedded.py.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

import psycopg2
from psycopg2 import extensions as pg

from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database, address, translated

DAEMON, WORKER, CLIENT = (
    "daemon",
    "run",
    "client",
)  # names of locks; the latter two stand before a run's id, a number
LOOK_SECONDS = 3.0  # so often a holder sees whether its connection still stands
# A machine that lost its power is noticed after a minute; Postgres would wait two hours.
KEEPALIVE = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
TAKE = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
# Read off the list of locks: asking for the lock itself would keep its holder from taking it.
HOLDERS = """
    SELECT a.application_name, a.backend_start
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid), hashtextextended(%s, 0) AS h (key)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid::bigint = (h.key >> 32) & 4294967295 AND l.objid::bigint = h.key & 4294967295
"""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: machine and process number as it calls itself, and since when."""

    name: str
    since: datetime


class Presence:
    """The lock of one name, on a connection of its own; a thread takes it again when Postgres was away.

    Used as a context it waits until nobody else holds the lock. `lost` is called, from the thread, when another
    process took the lock while Postgres was away; without it the thread goes on asking.
    """

    def __init__(self, database: Database, *name: str, lost: Callable[[], None] | None = None) -> None:
        self._database, self._name, self._lost = database, _joined(name), lost
        self._connection: pg.connection | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="presence", daemon=True)

    def __enter__(self) -> Presence:
        while not self.take():
            self._ended.wait(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> bool:
        """Take the lock unless another process holds it; from then on it is kept.

        Raises:
            StorageError: Postgres cannot be reached.
        """
        try:
            taken = self._try()
        except psycopg2.Error as error:
            raise translated(error) from error
        if taken:
            self._thread.start()
        return taken

    def release(self) -> None:
        """Let go of the lock."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._close()

    def _try(self) -> bool:
        connection = psycopg2.connect(address(self._database.url), application_name=_self())
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(KEEPALIVE)
                cursor.execute(TAKE, (self._name,))
                found = cursor.fetchone()
            if found and found[0]:
                self._connection = connection
                return True
        except BaseException:
            connection.close()
            raise
        connection.close()
        return False

    def _keep(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with suppress(psycopg2.Error):  # Postgres is away: asked again
                if not self._stands() and not self._try() and self._lost:
                    self._lost()
                    return

    def _stands(self) -> bool:
        if self._connection is None:
            return False
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT")
        except psycopg2.Error:
            self._close()
            return False
        return True

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None


def holder(database: Database, *name: str) -> Holder | None:
    """Return who holds the lock of this name now; None = nobody.

    Raises:
        StorageError: Postgres cannot be reached.
    """
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(HOLDERS, (_joined(name),))
        row = cursor.fetchone()
    return Holder(*row) if row else None


def _joined(name: tuple[str, ...]) -> str:
    if not name:
        raise StorageError("a lock needs a name")
    return "\n".join(("omics", "presence", *name))


def _self() -> str:
    """Return how this process calls itself in the server's list of connections (63 bytes at most)."""
    return f"omics {socket.gethostname()[:40]} {os.getpid()}"
