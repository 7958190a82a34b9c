"""Select: rows of one stored table by columns and conditions; what they need from other tables is joined.

Visit and sample tables borrow participant variables; inexact values come with their comparator (beside.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.steps.beside import COMPARATOR, MISSING, Beside, comparators, of_entity, reasons
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, read_query, table_state


@dataclass(frozen=True)
class Selection:
    """What a reader asked of a table.

    Attributes:
        columns: variables beside the keys; None means all of the table's own.
        where: column → value, values, or None (has no value).
        studies: rows of these studies only.
        reasons: whether `<name>_missing` shall stand beside each variable.
    """

    columns: Sequence[str] | None = None
    where: Mapping[str, Any] | None = None
    studies: Collection[str] | None = None
    reasons: bool = False


@dataclass(frozen=True)
class _Joined:
    """A table that the query may join: its alias, what it is, on which columns it meets which alias."""

    alias: str
    source: TableState | Beside
    meets: str
    on: tuple[str, ...]

    def sql(self, wanted: Collection[str]) -> sql.Composable:
        """Return the join; of a table beside, only what is wanted is read."""
        source = self.source
        if isinstance(source, Beside):
            names = [name for name in source.variables if name + source.suffix in wanted]
            table: sql.Composable = sql.SQL("({})").format(source.query(names))
        else:
            table = sql.Identifier(source.schema, source.name)
        equal = sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(sql.Identifier(self.meets, name), sql.Identifier(self.alias, name))
            for name in self.on
        )
        return sql.SQL(" left join {} as {} on {}").format(table, sql.Identifier(self.alias), equal)

    def names(self) -> list[str]:
        """Return the columns that it offers."""
        if isinstance(self.source, Beside):
            return [name + self.source.suffix for name in self.source.variables]
        return list(self.source.arrow_schema.names)


class _Query:
    """One SELECT over a table and what may be joined to it; the nearest table wins where two have a column."""

    def __init__(self, database: Database, state: TableState, inexact: Collection[str], *, why: bool) -> None:
        self.database = database
        self.state = state
        found = _borrowed(database, state)
        borrowed = [_Joined(f"j{number}", other, "t", on) for number, (other, on) in enumerate(found)]
        tables = {"t": state} | {f"j{number}": other for number, (other, _) in enumerate(found)}
        self.joins = borrowed
        for alias, table in tables.items():
            marks = {"c": comparators(database, table, inexact)}
            marks |= {"m": reasons(database, table)} if why else {}
            self.joins += [
                _Joined(f"{mark}_{alias}", beside, alias, beside.on)
                for mark, beside in marks.items()
                if beside is not None
            ]
        self.places = dict.fromkeys(state.arrow_schema.names, "t")
        for join in self.joins:
            for name in join.names():
                if not isinstance(join.source, Beside) or self._shown_from(join, name):
                    self.places.setdefault(name, join.alias)

    def _shown_from(self, join: _Joined, name: str) -> bool:
        """Return whether the variable that a column stands beside comes from the same table."""
        assert isinstance(join.source, Beside)
        return self.places.get(name.removesuffix(join.source.suffix)) == join.meets

    def own(self) -> list[str]:
        """Return the table's own columns."""
        return list(self.state.arrow_schema.names)

    def borrowed(self) -> list[str]:
        """Return every column that is no column beside another."""
        beside = {join.alias for join in self.joins if isinstance(join.source, Beside)}
        return [name for name, alias in self.places.items() if alias not in beside]

    def with_beside(self, wanted: Sequence[str], *, why: bool) -> list[str]:
        """Return the columns, each followed by its comparator and, if asked for, its missing reason."""
        suffixes = (COMPARATOR, MISSING) if why else (COMPARATOR,)
        found = [name + suffix for name in wanted for suffix in ("", *suffixes)]
        own = set(wanted)
        return [name for name in dict.fromkeys(found) if name in own or name in self.places]

    def run(self, wanted: Sequence[str], conditions: Mapping[str, Any]) -> pa.Table:
        """Return the rows, ordered by the table's key."""
        for name in (*wanted, *conditions):
            if name not in self.places:
                raise UnknownKey("column", name, self.places)
        parameters: list[Any] = []
        tests = [_condition(self.column(name), value, parameters) for name, value in conditions.items()]
        columns = sql.SQL(", ").join(self.column(name) for name in wanted)
        query = sql.SQL("select {} from {} as t").format(
            columns, sql.Identifier(self.state.schema, self.state.name)
        )
        query += sql.SQL("").join(self.needed({*wanted, *conditions}))
        if tests:
            query += sql.SQL(" where ") + sql.SQL(" and ").join(tests)
        order = sql.SQL(", ").join(sql.Identifier("t", name) for name in self.state.key)
        with self.database.transaction(read_only=True) as connection:
            text = (query + sql.SQL(" order by ") + order).as_string(connection)
        return read_query(self.database, text, parameters)

    def column(self, name: str) -> sql.Identifier:
        """Return a column as SQL."""
        return sql.Identifier(self.places[name], name)

    def needed(self, names: Collection[str]) -> list[sql.Composable]:
        """Return the joins that these columns need, those that others meet first."""
        aliases = {self.places[name] for name in names}
        aliases |= {join.meets for join in self.joins if join.alias in aliases}
        return [join.sql(names) for join in self.joins if join.alias in aliases]


def select(
    database: Database, state: TableState, asked: Selection, inexact: Collection[str] = ()
) -> pa.Table:
    """Return the rows of the table `state` that `asked` names, ordered by its key.

    Args:
        database: where it lies.
        state: the table.
        asked: which columns and rows.
        inexact: variables that may be inexact; they come with `<name>_comparator`, whatever the data hold.

    Raises:
        UnknownKey: for a column that neither the table nor what it may borrow from has.
    """
    return _select(_Query(database, state, inexact, why=_asks_why(asked)), asked)


def select_with_borrowed(
    database: Database, state: TableState, asked: Selection, inexact: Collection[str] = ()
) -> pa.Table:
    """Like `select`, but `columns=None` means the table's own columns and every borrowed one."""
    query = _Query(database, state, inexact, why=_asks_why(asked))
    return _select(query, asked if asked.columns is not None else replace(asked, columns=query.borrowed()))


def _asks_why(asked: Selection) -> bool:
    return asked.reasons or any(
        name.endswith(MISSING) for name in (*(asked.columns or ()), *(asked.where or {}))
    )


def _select(query: _Query, asked: Selection) -> pa.Table:
    state, own = query.state, query.own()
    keys = ("study", *KEYS[state.name]) if of_entity(state) else state.key
    keys = tuple(name for name in keys if name in own)
    wanted = own if asked.columns is None else list(dict.fromkeys([*keys, *asked.columns]))
    if asked.reasons and not any(join.alias == "m_t" for join in query.joins):
        raise UnknownKey("missing reasons beside", f"{state.schema}.{state.name}", ())
    conditions: dict[str, Any] = dict(asked.where or {})
    if asked.studies is not None and "study" in own:
        conditions["study"] = list(asked.studies)
    return query.run(query.with_beside(wanted, why=asked.reasons), conditions)


def _borrowed(database: Database, state: TableState) -> list[tuple[TableState, tuple[str, ...]]]:
    """Return (table, columns to join it on): visits and samples borrow of participants, samples of their visit."""
    own = state.arrow_schema.names
    found: list[tuple[TableState, tuple[str, ...]]] = []
    for entity in ("visit", "participant"):
        on = tuple(name for name in ("study", *KEYS[entity]) if name in own or name != "study")
        if not of_entity(state) or state.name in {entity, "participant"} or not set(on) <= set(own):
            continue
        if other := table_state(database, state.schema, entity):
            found.append((other, on))
    return found


def _condition(column: sql.Identifier, value: Any, parameters: list[Any]) -> sql.Composable:
    if value is None:
        return sql.SQL("{} is null").format(column)
    if not isinstance(value, list | tuple | set | frozenset):
        parameters.append(value)
        return sql.SQL("{} = {}").format(column, sql.Placeholder())
    parameters.append([one for one in value if one is not None])
    among = sql.SQL("{} = any({})").format(column, sql.Placeholder())
    return sql.SQL("({} or {} is null)").format(among, column) if None in value else among
