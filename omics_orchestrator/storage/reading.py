"""Postgres into Arrow: whole tables in the types they were written with, and queries. Nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import get_ident
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.errors import StorageError, UnknownKey
from omics_orchestrator.storage.columntypes import from_wire
from omics_orchestrator.storage.copying import identifier, names
from omics_orchestrator.storage.database import Database, address, is_transient
from omics_orchestrator.storage.fingerprint import in_key_order
from omics_orchestrator.storage.state import SELECT, TableState, list_tables

Run = Callable[..., pa.Table]
LEAD = r"(\s|\(|--[^\n]*\n|/\*.*?\*/)*"  # white space, comments and brackets before the first word
COPYABLE = re.compile(rf"{LEAD}(SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
# COPY … TO PROGRAM, and DO with it inside, run in read-only transactions too: they change no table.
READS = re.compile(rf"{LEAD}(SELECT|WITH|VALUES|TABLE|SHOW|EXPLAIN)\b", re.IGNORECASE | re.DOTALL)


def read_table(
    database: Database, schema: str, name: str, *, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return a table in key order with the Arrow schema it was written with, field metadata included.

    Args:
        database: where it lies.
        schema: its Postgres schema.
        name: its name; a table that `write_tables` did not write comes as Postgres types it, in any order.
        columns: which columns, in this order; None = all.

    Raises:
        UnknownKey: no such table or column.
        StorageError: the database failed.
    """
    target = f"{identifier(schema)}.{identifier(name)}"
    with _session(database) as run:
        try:  # before the snapshot is taken: a table that is just being replaced is waited for
            run(f"LOCK TABLE {target} IN ACCESS SHARE MODE")
        except _Refused as error:
            if error.sqlstate not in {"42P01", "3F000"}:
                raise
            known = [f"{state.schema}.{state.name}" for state in list_tables(database)]
            raise UnknownKey("table", f"{schema}.{name}", known) from None
        state = _state(run, schema, name)
        if state is None:
            return _plain(run(f"SELECT {names(list(columns)) if columns else '*'} FROM {target}"))
        fields = _subset(state.arrow_schema, columns)
        key = [state.arrow_schema.field(name) for name in state.key if name not in fields.names]
        every = pa.schema([*fields, *key], fields.metadata)
        found = run(f"SELECT {names(every.names)} FROM {target}")
    restored = [from_wire(column, field.type) for column, field in zip(found.columns, every, strict=True)]
    # Rows mostly lie in key order already; where not, Arrow sorts them faster than the server does.
    return in_key_order(pa.table(restored, schema=every), state.key).select(fields.names)


def read_query(
    database: Database,
    sql: str,
    params: Sequence[Any] | Mapping[str, Any] = (),
    *,
    role: str | None = None,
) -> pa.Table:
    """Return what one SQL statement answers, in a read-only transaction; anything that writes is refused.

    Args:
        database: where to ask.
        sql: SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN.
        params: what `%s` or `%(name)s` in it stand for, as with psycopg2; without params `%` is just a sign.
        role: the role under which it is asked (storage/private.py); None = the account's own.

    Raises:
        StorageError: what Postgres says, or another kind of statement.
    """
    if not READS.match(sql):
        raise StorageError("a query begins with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN")
    if params:
        with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
            sql = cursor.mogrify(sql, params).decode()
    with _session(database) as run:  # the line end closes a comment: ADBC puts the statement into COPY (…)
        if role:
            run(f"SET LOCAL ROLE {identifier(role)}", copy=False)
        return _plain(run(sql.strip().removesuffix(";") + "\n", copy=bool(COPYABLE.match(sql))))


class _Refused(StorageError):
    """What Postgres answered, with its SQLSTATE."""

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message, retry=is_transient(sqlstate))
        self.sqlstate = sqlstate


@contextmanager
def _session(database: Database) -> Iterator[Run]:
    """Offer a function that runs SQL in one read-only transaction: all its statements see the same moment.

    ADBC's own objects are used: its DB-API module imports pandas, a second that a notebook need not wait.
    """
    import adbc_driver_manager as adbc

    with _told(), adbc.AdbcConnection(_server(address(database.url), get_ident())) as connection:

        def run(sql: str, *params: Any, copy: bool = True) -> pa.Table:
            with _told(), adbc.AdbcStatement(connection) as statement:
                statement.set_options(**{"adbc.postgresql.use_copy": str(copy).lower()})
                statement.set_sql_query(sql)
                if params:
                    statement.bind(
                        pa.RecordBatch.from_pydict({f"${n}": [p] for n, p in enumerate(params, 1)})
                    )
                stream, _ = statement.execute_query()
                return pa.RecordBatchReader.from_stream(stream).read_all()

        connection.set_autocommit(enabled=False)
        run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield run


@lru_cache(maxsize=16)
def _server(url: str, thread: int) -> Any:
    """Return ADBC's knowledge of the server's types: gathered in 50 ms, one per thread since it has no lock."""
    from adbc_driver_postgresql import connect

    return connect(url)


@contextmanager
def _told() -> Iterator[None]:
    """Tell ADBC's errors as ours; what follows the first line would repeat the query."""
    import adbc_driver_manager as adbc

    try:
        yield
    except (adbc.Error, pa.ArrowException, OSError) as error:  # Arrow's own come while rows are fetched
        said = re.search(r"(ERROR|FATAL): +(.+)", str(error))
        sqlstate = getattr(error, "sqlstate", "XX000" if said else None)
        raise _Refused(f"Postgres: {said[2] if said else str(error).splitlines()[0]}", sqlstate) from None


def _state(run: Run, schema: str, name: str) -> TableState | None:
    if run("SELECT to_regclass('omics.table_state') IS NULL AS missing")["missing"][0].as_py():
        return None
    rows = run(f"""{SELECT} WHERE "schema" = $1 AND name = $2""", schema, name).to_pylist()
    return TableState.of(rows[0].values()) if rows else None


def _subset(fields: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """Return the schema of these columns."""
    if columns is None:
        return fields
    for column in columns:
        if column not in fields.names:
            raise UnknownKey("column", column, fields.names)
    return pa.schema([fields.field(column) for column in columns], fields.metadata)


def _plain(table: pa.Table) -> pa.Table:
    """Return a query's answer in everyday types: numeric as decimal, JSON and unknown types as text."""
    columns = [_everyday(column) for column in table.columns]
    return pa.table(
        columns, schema=pa.schema([(n, c.type) for n, c in zip(table.column_names, columns, strict=True)])
    )


def _everyday(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not isinstance(column.type, pa.OpaqueType | pa.JsonType):
        return column
    text = column.cast(column.type.storage_type)
    if getattr(column.type, "type_name", "") != "numeric":
        return text
    decimals = pc.max(pc.utf8_length(pc.replace_substring_regex(text, r"^[^.]*\.?", ""))).as_py()
    try:
        return text.cast(pa.decimal128(38, decimals or 0))
    except pa.ArrowInvalid:  # more than 38 digits, NaN, infinity
        return text
