"""Reads one table or query of a database in bounded batches; what of it is to be read is sql.py's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    TableClause,
    TextClause,
    column,
    func,
    inspect,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.sql.elements import quoted_name

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.sources.sql_text import postgres_text, text_column

BATCH = 10_000  # rows that are held as Python objects at a time


@dataclass(frozen=True)
class Relation:
    """A table or query as the database knows it.

    Attributes:
        rows: what stands behind FROM.
        columns: names in their order.
        codes: the driver's number of each column's type.
        key: the primary key; () = none.
    """

    rows: TableClause | TextClause
    columns: tuple[str, ...]
    codes: tuple[Any, ...]
    key: tuple[str, ...] = ()


def cell(name: str) -> ColumnElement[Any]:
    """Return a column under exactly that name."""
    return column(quoted_name(name, quote=True))


def open_table(connection: Connection, name: str, schema: str | None) -> Relation:
    """Return a table or view.

    Raises:
        DeliveryError: there is none of that name.
    """
    looked = inspect(connection)
    if not looked.has_table(name, schema):
        known = [*looked.get_table_names(schema), *looked.get_view_names(schema)]
        raise DeliveryError(
            f"{UnknownKey('table', name, known)}: was it renamed or dropped, or may this user not see it?"
        )
    try:
        key = looked.get_pk_constraint(name, schema).get("constrained_columns") or []
    except NoSuchTableError:  # a view
        key = []
    rows = table(quoted_name(name, quote=True), schema=schema and quoted_name(schema, quote=True))
    return _described(connection, rows, tuple(key))


def open_query(connection: Connection, query: str) -> Relation:
    """Return a query as if it were a table.

    Raises:
        DeliveryError: two of its columns bear one name.
    """
    inner = query.strip().rstrip(";").replace(":", r"\:")  # a colon begins no parameter
    relation = _described(connection, text(f"({inner}\n) q"), ())
    twice = sorted({name for name in relation.columns if relation.columns.count(name) > 1})
    if twice:
        raise DeliveryError(
            f"the query gives several columns of one name: {', '.join(twice)}; rename them with AS"
        )
    return relation


def _described(connection: Connection, rows: TableClause | TextClause, key: tuple[str, ...]) -> Relation:
    none = connection.execute(select(text("*")).select_from(rows).where(text("1 = 0")))
    cursor: Any = none.cursor
    told = [(str(one[0]), one[1]) for one in cursor.description]
    none.close()
    return Relation(rows, tuple(name for name, _ in told), tuple(code for _, code in told), key)


def read(
    connection: Connection,
    relation: Relation,
    names: Sequence[str],
    watermark: str | None = None,
    since: Any = None,
) -> pa.Table:
    """Return columns as text, null where the database has NULL.

    Args:
        connection: in a transaction that reads.
        relation: the table.
        names: columns to read, nothing else is asked for.
        watermark: with `since`: only rows that bear this much or more there, or nothing.
        since: the watermark up to which rows are held.
    """
    if not names:
        count = connection.execute(select(func.count()).select_from(relation.rows)).scalar_one()
        return pa.table({"#": pa.nulls(count)}).select([])
    asked: Select[Any] = select(*_written(connection, relation, names)).select_from(relation.rows)
    if watermark is not None and since is not None:
        asked = asked.where(or_(cell(watermark) >= since, cell(watermark).is_(None)))
    schema = pa.schema([(name, pa.string()) for name in names])
    batches = []
    streamed = connection.execution_options(stream_results=True, max_row_buffer=BATCH)
    with streamed.execute(asked) as result:
        for rows in result.partitions(BATCH):
            cells = [
                text_column(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
            ]
            batches.append(pa.record_batch(cells, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _written(connection: Connection, relation: Relation, names: Sequence[str]) -> list[ColumnElement[Any]]:
    codes = dict(zip(relation.columns, relation.codes, strict=True))
    if connection.dialect.name != "postgresql":
        return [cell(name) for name in names]
    return [postgres_text(cell(name), name, codes[name]).label(f"c{i}") for i, name in enumerate(names)]


def standing(connection: Connection, relation: Relation, watermark: str) -> tuple[int, Any]:
    """Return the number of rows and the highest watermark."""
    asked = select(func.count(), func.max(cell(watermark))).select_from(relation.rows)
    count, highest = connection.execute(asked).one()
    return int(count), highest


def check_keys(data: pa.Table, key: Sequence[str]) -> None:
    """Refuse rows that the key does not name one by one.

    Raises:
        DeliveryError: how many have a blank key, or one that another row has.
    """
    if not key:
        return
    for name in key:
        if blank := data[name].null_count:
            raise DeliveryError(f"key column '{name}' is NULL in {blank} rows: a key names every row")
    different = data.select(list(key)).group_by(list(key)).aggregate([]).num_rows
    if different < data.num_rows:
        names = ", ".join(f"'{name}'" for name in key)
        surplus = data.num_rows - different
        raise DeliveryError(
            f"the key {names} does not name one row each: {surplus} rows bear a key that is taken"
        )


def filled(data: pa.Table) -> tuple[pa.Table, int]:
    """Return the table with blank text for NULL, as a file would have it, and how many cells that were."""
    nulls = sum(column.null_count for column in data.columns)
    columns = [pc.fill_null(column, "") for column in data.columns]
    return (pa.table(columns, names=data.column_names), nulls) if nulls else (data, 0)
