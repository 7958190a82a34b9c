"""The source kind `sql`: tables and queries of a database that somebody else keeps.

Connecting lives in sql_open.py, reading in sql_read.py, the text of values in sql_text.py.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Delivery, Held, Source, Window, admits
from omics_orchestrator.sources.secret import Secret, lacking, revealed
from omics_orchestrator.storage.objects import Stores

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

    from omics_orchestrator.sources.sql_read import Relation


class SqlTable(Declared):
    """One table or query, and how its rows are named."""

    table: str | None = Field(default=None, min_length=1)
    """A table or view of the database; else `query`."""
    query: str | None = Field(default=None, min_length=1)
    """One SELECT; needs `key`."""
    key: tuple[str, ...] = ()
    """Columns that name a row; default: the table's primary key, else rows are numbered in the order of their cells."""
    watermark: str | None = None
    """A column that grows with every insert and update (a time of change, a serial number): only what is new is read.

    Rows that vanish are noticed by the number of rows, or at the next full reading; see `full_pull_every`.
    """

    @model_validator(mode="after")
    def _whole(self) -> SqlTable:
        if (self.table is None) == (self.query is None):
            raise ValueError("give `table` or `query`, one of both")
        if (self.query or self.watermark) and not self.key:
            raise ValueError(
                "a query, and a table with a watermark, needs `key`: the columns that name a row"
            )
        return self


class Sql(Source):
    """Tables of a database, read through SQLAlchemy: admitted columns only, all as text; NULL is blank."""

    version: ClassVar[str] = "1"

    kind: Literal["sql"] = "sql"
    url: str | Secret
    """`postgresql://user@host/database`, `sqlite:///file`, or any address of SQLAlchemy; with a password: a secret."""
    schema_: str | None = Field(default=None, alias="schema")
    """The schema of the tables; default: the one that the database gives to the user."""
    sql_tables: dict[str, str | SqlTable] = Field(alias="tables", min_length=1)
    """Table name here → the table's name there, or `{table: …}` or `{query: …}` with `key` and `watermark`."""
    full_pull_every: int = Field(default=7, ge=0)
    """Days after which a table with a watermark is read as a whole; by then rows deleted there are gone here too."""
    timeout: float = Field(default=600, gt=0, le=86_400)
    """Seconds after which a statement is given up, where the database can do that (Postgres)."""

    @field_validator("url")
    @classmethod
    def _keeps_its_password(cls, url: str | Secret) -> str | Secret:
        from omics_orchestrator.sources.sql_open import bears_password, parsed

        if isinstance(url, str) and bears_password(parsed(url)):
            raise ValueError("an address with a password is a secret: write `url: {secret: NAME}`")
        return url

    @model_validator(mode="after")
    def _queries_read(self) -> Sql:
        from omics_orchestrator.sources.sql_open import parsed
        from omics_orchestrator.sources.sql_query import check_query

        dialect = parsed(self.url).get_backend_name() if isinstance(self.url, str) else None
        for name in self.sql_tables:
            if dialect and (query := self._table(name).query):
                check_query(name, query, dialect)
        return self

    def tables(self) -> tuple[str, ...] | None:
        """Return the declared tables."""
        return tuple(self.sql_tables)

    def locations(self) -> tuple[str, ...]:
        """Return nothing: no store holds a database."""
        return ()

    def needs(self, settings: Settings) -> str | None:
        """Return the secret that this machine lacks."""
        return lacking(settings, self.url)

    def by_day(self) -> tuple[str, ...] | None:
        """Return the tables with a watermark."""
        return tuple(name for name in self.sql_tables if self._table(name).watermark)

    def changed(self, name: str, table: str, window: Window, stores: Stores) -> Window:
        """Return the window with the number of rows whose watermark lies in it."""
        from omics_orchestrator.sources.sql_open import reading
        from omics_orchestrator.sources.sql_pull import rows_within

        one = self._table(table)
        try:
            with reading(self._address(stores.settings), self.timeout) as connection:
                relation = self._open(connection, one)
                return replace(window, count=rows_within(connection, relation, one.watermark or "", window))
        except DeliveryError as error:
            raise DeliveryError(f"{name}.{table}: {error}", retry=error.retry) from None

    def signature(self, stores: Stores) -> str:
        """Return a digest that changes when rows may have changed.

        Of an SQLite database: size and time of its files. Else the columns, the number of rows and the highest
        watermark of each table, and the turn of `full_pull_every`; a table without a watermark gives another one each
        time, for nothing short of reading tells whether it changed.
        """
        from omics_orchestrator.sources.sql_open import file_of, reading
        from omics_orchestrator.sources.sql_read import standing

        url = self._address(stores.settings)
        said = [str(datetime.now(UTC).toordinal() // max(1, self.full_pull_every))]
        if (file := file_of(url)) is not None:
            for part in (file, file.with_name(file.name + "-wal")):
                said.append(f"{part.stat().st_size} {part.stat().st_mtime_ns}" if part.is_file() else "")
        elif any(self._table(name).watermark is None for name in self.sql_tables):
            said.append(uuid.uuid4().hex)
        else:
            with reading(url, self.timeout) as connection:
                for name in self.sql_tables:
                    one = self._table(name)
                    relation = self._open(connection, one)
                    said.append(repr((relation.columns, relation.codes)))
                    said.append(repr(standing(connection, relation, one.watermark or "")))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    def deliver(
        self,
        name: str,
        table: str,
        admitted: Collection[str] | None,
        stores: Stores,
        *,
        held: Held | None = None,
    ) -> Delivery:
        """Read one table, or with a watermark what is new of it; see `Source.deliver`.

        Raises:
            DeliveryError: the database refuses, or key or admitted columns are not there.
            NotConfigured: the secret is not set, or the driver is not installed.
        """
        from omics_orchestrator.sources.sql_open import reading

        url, one = self._address(stores.settings), self._table(table)
        try:
            _only_reads(table, one, url)
            with reading(url, self.timeout) as connection:
                return self._delivered(connection, one, admitted, held)
        except DeliveryError as error:
            raise DeliveryError(f"{name}.{table}: {error}", retry=error.retry) from None
        except (ValueError, OverflowError):
            raise DeliveryError(
                f"{name}.{table}: the database's driver cannot read one of the values"
            ) from None

    def _delivered(
        self, connection: Connection, one: SqlTable, admitted: Collection[str] | None, held: Held | None
    ) -> Delivery:
        from omics_orchestrator.sources.sql_pull import Pull, asked

        relation = self._open(connection, one)
        key = one.key or relation.key
        pull = Pull(connection, relation, asked(relation, key, one.watermark, admitted), key)
        if one.watermark is None:
            return pull.whole()
        delivery = pull.changes(one.watermark, held, timedelta(days=self.full_pull_every))
        if admits(admitted)(one.watermark):
            return delivery
        seen = tuple(name for name in delivery.seen if name != one.watermark)  # declared, so no drift
        return replace(delivery, seen=seen)

    def _open(self, connection: Connection, one: SqlTable) -> Relation:
        from omics_orchestrator.sources.sql_read import open_query, open_table

        if one.query:
            return open_query(connection, one.query)
        return open_table(connection, one.table or "", self.schema_)

    def _table(self, name: str) -> SqlTable:
        one = self.sql_tables[name]
        return SqlTable(table=one) if isinstance(one, str) else one

    def _address(self, settings: Settings) -> URL:
        from omics_orchestrator.sources.sql_open import parsed

        try:
            return parsed(revealed(self.url, settings))
        except ValueError as error:
            raise NotConfigured(str(error)) from None


def _only_reads(table: str, one: SqlTable, url: URL) -> None:
    from omics_orchestrator.sources.sql_query import check_query

    try:
        if one.query:
            check_query(table, one.query, url.get_backend_name())
    except ValueError as error:
        raise DeliveryError(str(error)) from None
