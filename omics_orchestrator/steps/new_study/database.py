"""A study that lies in a database: its tables and views, with keys, types and comments as the database tells them.

Of the cells only those columns are read that may be keys, to count them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import URL, Connection, Date, DateTime, Numeric, inspect

from omics_orchestrator.dictionary.similarity import spoken
from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.described import Described, Kind
from omics_orchestrator.sources.secret import revealed
from omics_orchestrator.sources.sql_open import bears_password, parsed, reading
from omics_orchestrator.sources.sql_read import filled, open_table, read
from omics_orchestrator.steps.new_study.file import slug
from omics_orchestrator.steps.new_study.origin import Origin, named
from omics_orchestrator.steps.new_study.rows import CALLED_ID, PERSON, SAMPLE, VISIT, rows_of
from omics_orchestrator.steps.new_study.tables import of_tables

SOURCE = "database"
SECRET = re.compile(r"[A-Z][A-Z0-9_]*")
SECONDS = 120.0


@dataclass(frozen=True)
class Relation:
    """A table or view.

    Attributes:
        name: in the database.
        table: as study.yaml calls it.
        columns: as they are described.
        cells: of the columns that may be keys.
    """

    name: str
    table: str
    columns: tuple[Described, ...]
    cells: pa.Table


def from_database(study: str, url: str, schema: str | None, settings: Settings) -> Origin:
    """Return what a database says of a study.

    Args:
        study: its name.
        url: the address, or the name of the secret that holds it.
        schema: of the tables; None = the one that the database gives to the user.
        settings: of this machine.

    Raises:
        DeliveryError: the database refuses, or holds no table.
        NotConfigured: the secret is not set, or the address holds a password.
    """
    address, declared = _address(url, settings)
    with reading(address, SECONDS) as connection:
        found = list(_relations(connection, schema))
    if not found:
        raise DeliveryError(
            f"the database shows no table{f' in schema {schema}' if schema else ''}: name it by --schema"
        )
    rows = [rows_of(f"{SOURCE}.{one.table}", one.cells) for one in found]
    return of_tables(
        SOURCE,
        _lines(declared, schema, found),
        [f"{SOURCE}.{one.table}: {_size(one)}" for one in found],
        rows,
        settings,
        notes=["identifiers were looked for by names and comments; cells are looked at at each delivery"],
        columns=[column for one in found for column in one.columns],
    )


def _address(url: str, settings: Settings) -> tuple[URL, str]:
    """Return the address, and how study.yaml says it: a secret by its name."""
    try:
        if SECRET.fullmatch(url):
            return parsed(revealed(named(url, "--sql"), settings)), f"{{secret: {url}}}"
        address = parsed(url)
    except ValueError as error:
        raise NotConfigured(f"--sql: {error}, or the name of the secret that holds one") from None
    if bears_password(address):
        raise NotConfigured(
            "--sql: an address with a password is a secret: give the name of the variable that holds it"
        )
    return address, json.dumps(url, ensure_ascii=False)


def _relations(connection: Connection, schema: str | None) -> Iterator[Relation]:
    looked = inspect(connection)
    taken = {SOURCE}  # a table called as its source is taken for it
    for number, name in enumerate([*looked.get_table_names(schema), *looked.get_view_names(schema)], start=1):
        table = slug(name, "table")
        table = table if table not in taken else f"table_{number}"
        taken.add(table)
        told = looked.get_columns(name, schema)
        relation = open_table(connection, name, schema)
        columns = tuple(
            Described(
                table, str(one["name"]), _comment(one), _kind(one["type"]), told={"label": _comment(one)}
            )
            for one in told
        )
        asked = [
            one.name for one in columns if one.name in relation.columns and _may_name_rows(one, relation.key)
        ]
        cells, _ = filled(read(connection, relation, asked)) if asked else (pa.table({}), 0)
        yield Relation(name, table, columns, cells)


def _comment(column: Any) -> str:
    return " ".join(str(column.get("comment") or "").split())


def _kind(type_: Any) -> Kind:
    if isinstance(type_, Date | DateTime):
        return "date"
    if getattr(type_, "python_type", None) is bool:
        return "yes_no"
    return (
        "number" if isinstance(type_, Numeric) or type_.__class__.__name__.upper().endswith("INTEGER") else ""
    )


def _may_name_rows(column: Described, key: tuple[str, ...]) -> bool:
    called = spoken(column.name)
    by_name = any(words.fullmatch(called) for words in (PERSON, VISIT, SAMPLE, CALLED_ID))
    return column.name in key or by_name or column.kind == "date"


def _size(one: Relation) -> str:
    rows = f"{counted(one.cells.num_rows, 'row')}, " if one.cells.num_columns else ""
    return f"{rows}{counted(len(one.columns), 'column')}"


def _lines(url: str, schema: str | None, found: list[Relation]) -> list[str]:
    lines = [f"{SOURCE}:", "  kind: sql", f"  url: {url}"]
    lines += [f"  schema: {json.dumps(schema)}"] if schema else []
    return [
        *lines,
        "  tables:",
        *(f"    {one.table}: {json.dumps(one.name, ensure_ascii=False)}" for one in found),
    ]
