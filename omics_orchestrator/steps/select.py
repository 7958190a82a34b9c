"""Select: rows of one stored table by columns and conditions; participant variables are joined where they are named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, read_query, table_state

Join = tuple[
    TableState, tuple[str, ...]
]  # a table whose variables may be borrowed, and the columns to join it on


@dataclass(frozen=True)
class Selection:
    """What a reader asked of a table; `columns=None` means all of the table's own."""

    columns: Sequence[str] | None = None
    where: Mapping[str, Any] | None = None
    studies: Collection[str] | None = None


def select(database: Database, state: TableState, asked: Selection) -> pa.Table:
    """Return the rows of the table `state` that `asked` names, ordered by its key.

    Raises:
        UnknownKey: for a column that neither the table nor what it may borrow from has.
    """
    own = list(state.arrow_schema.names)
    joins = _joins(database, state)
    keys = [name for name in ("study", *KEYS.get(state.name, ())) if name in own] or list(state.key)
    wanted = own if asked.columns is None else list(dict.fromkeys([*keys, *asked.columns]))
    return _select(database, state, joins, wanted, asked)


def select_with_borrowed(database: Database, state: TableState, asked: Selection) -> pa.Table:
    """Like `select`, but `columns=None` means the table's own columns and every borrowed one."""
    joins = _joins(database, state)
    columns = asked.columns
    if columns is None:
        columns = list(_places(state, joins))
    return select(database, state, Selection(columns, asked.where, asked.studies))


def _joins(database: Database, state: TableState) -> list[Join]:
    """Visit and sample tables borrow participant variables, samples those of their visit as well."""
    own = state.arrow_schema.names
    joins: list[Join] = []
    for entity in ("visit", "participant"):
        on = tuple(name for name in ("study", *KEYS[entity]) if name in own or name != "study")
        if state.name not in KEYS or state.name in {entity, "participant"} or not set(on) <= set(own):
            continue
        if other := table_state(database, state.schema, entity):
            joins.append((other, on))
    return joins


def _places(state: TableState, joins: Sequence[Join]) -> dict[str, str]:
    """Return column → alias of the table that it is read from; the nearest table wins."""
    places = dict.fromkeys(state.arrow_schema.names, "t")
    for number, (other, _) in enumerate(joins):
        for name in other.arrow_schema.names:
            places.setdefault(name, f"j{number}")
    return places


def _select(
    database: Database, state: TableState, joins: Sequence[Join], wanted: Sequence[str], asked: Selection
) -> pa.Table:
    places = _places(state, joins)
    conditions: dict[str, Any] = dict(asked.where or {})
    if asked.studies is not None and "study" in state.arrow_schema.names:
        conditions["study"] = list(asked.studies)
    for name in (*wanted, *conditions):
        if name not in places:
            raise UnknownKey("column", name, places)
    columns = sql.SQL(", ").join(sql.Identifier(places[name], name) for name in wanted)
    parameters: list[Any] = []
    tests = [
        _condition(sql.Identifier(places[name], name), value, parameters)
        for name, value in conditions.items()
    ]
    query = sql.SQL("select {} from {} as t").format(columns, sql.Identifier(state.schema, state.name))
    used = {places[name] for name in (*wanted, *conditions)}
    query += sql.SQL("").join(
        _joined(f"j{number}", *join) for number, join in enumerate(joins) if f"j{number}" in used
    )
    if tests:
        query += sql.SQL(" where ") + sql.SQL(" and ").join(tests)
    order = sql.SQL(", ").join(sql.Identifier("t", name) for name in state.key)
    with database.transaction(read_only=True) as connection:
        text = (query + sql.SQL(" order by ") + order).as_string(connection)
    return read_query(database, text, parameters)


def _joined(alias: str, other: TableState, on: Sequence[str]) -> sql.Composed:
    equal = sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier(alias, name)) for name in on
    )
    table = sql.Identifier(other.schema, other.name)
    return sql.SQL(" left join {} as {} on {}").format(table, sql.Identifier(alias), equal)


def _condition(column: sql.Identifier, value: Any, parameters: list[Any]) -> sql.Composable:
    if value is None:
        return sql.SQL("{} is null").format(column)
    if not isinstance(value, list | tuple | set | frozenset):
        parameters.append(value)
        return sql.SQL("{} = {}").format(column, sql.Placeholder())
    parameters.append([one for one in value if one is not None])
    among = sql.SQL("{} = any({})").format(column, sql.Placeholder())
    return sql.SQL("({} or {} is null)").format(among, column) if None in value else among
