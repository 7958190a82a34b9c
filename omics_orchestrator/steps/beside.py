"""What may stand beside a variable when it is loaded: `<name>_comparator`, `<name>_missing`. As SQL for select.py.

Comparators are long (a row per inexact value), missing reasons wide (a column per variable, a row per key).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg2 import sql

from omics_orchestrator.dictionary import KEYS
from omics_orchestrator.errors import StorageError
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableState, list_tables, table_state

COMPARATOR, MISSING = "_comparator", "_missing"
HARMONISED = "harmonised_"


@dataclass(frozen=True)
class Beside:
    """What stands beside the variables of one table.

    Attributes:
        on: the columns by which a row there meets a row here.
        variables: the variables that have something beside them.
        suffix: what the name of a column beside ends in.
        tables: where it lies: (study or None for all, schema, table, columns there).
    """

    on: tuple[str, ...]
    variables: tuple[str, ...]
    suffix: str
    tables: tuple[tuple[str | None, str, str, tuple[str, ...]], ...]

    def query(self, wanted: Sequence[str]) -> sql.Composable:
        """Return SQL that gives the key and `<variable><suffix>` of each wanted variable."""
        if self.suffix == COMPARATOR:
            return self._pivoted(wanted)
        return sql.SQL(" union all ").join(self._one(wanted, *place) for place in self.tables)

    def _pivoted(self, wanted: Sequence[str]) -> sql.Composable:
        (_, schema, table, _) = self.tables[0]
        marks = [
            sql.SQL("max(comparator) filter (where variable = {}) as {}").format(
                sql.Literal(name), sql.Identifier(name + self.suffix)
            )
            for name in wanted
        ]
        key = sql.SQL(", ").join(sql.Identifier(name) for name in self.on)
        return sql.SQL("select {}, {} from {} group by {}").format(
            key, sql.SQL(", ").join(marks), sql.Identifier(schema, table), key
        )

    def _one(
        self, wanted: Sequence[str], study: str | None, schema: str, table: str, there: Collection[str]
    ) -> sql.Composable:
        listed = [
            sql.SQL("{}::text as study").format(sql.Literal(study))
            if study is not None and name == "study"
            else sql.Identifier(name)
            for name in self.on
        ]
        for name in wanted:
            column = sql.Identifier(name) if name in there else sql.SQL("null::text")
            listed.append(sql.SQL("{} as {}").format(column, sql.Identifier(name + self.suffix)))
        return sql.SQL("select {} from {}").format(sql.SQL(", ").join(listed), sql.Identifier(schema, table))


def comparators(database: Database, state: TableState, inexact: Collection[str]) -> Beside | None:
    """Return the comparators beside a harmonised or warehouse table; always there, so that no 20 stands for `<20`.

    Raises:
        StorageError: the table was written before comparators were kept beside it.
    """
    variables = tuple(name for name in state.arrow_schema.names if name in inexact)
    if not of_entity(state) or not variables:
        return None
    found = table_state(database, state.schema, f"{state.name}__comparators")
    if found is None:
        raise StorageError(
            f"{state.schema}.{state.name} has no comparators beside it; run omics materialize again"
        )
    on = tuple(name for name in ("study", *KEYS[state.name]) if name in found.arrow_schema.names)
    return Beside(on, variables, COMPARATOR, ((None, found.schema, found.name, ()),))


def reasons(database: Database, state: TableState) -> Beside | None:
    """Return the missing reasons beside a table; those of the warehouse are its studies' own. None = there are none."""
    tables: list[tuple[str | None, str, str, tuple[str, ...]]] = []
    if state.schema == "warehouse" and of_entity(state):
        for one in list_tables(database):
            if one.schema.startswith(HARMONISED) and one.name == f"{state.name}__missing":
                names = tuple(one.arrow_schema.names)
                tables.append((one.schema.removeprefix(HARMONISED), one.schema, one.name, names))
    elif found := table_state(database, state.schema, f"{state.name}__missing"):
        tables.append((None, found.schema, found.name, tuple(found.arrow_schema.names)))
    if not tables:
        return None
    there = {name for place in tables for name in place[3]}
    variables = tuple(name for name in state.arrow_schema.names if name in there and name not in state.key)
    return Beside(state.key, variables, MISSING, tuple(tables))


def of_entity(state: TableState) -> bool:
    """Return whether a table holds the variables of an entity: harmonised ones of a study, or the warehouse's."""
    return state.name in KEYS and (state.schema == "warehouse" or state.schema.startswith(HARMONISED))
