"""`omics variables`, `omics sql`: rows that a person asked for, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.find import coverage
from omics_orchestrator.steps.search import Found, index_of
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.private import reading_role
from omics_orchestrator.storage.tables import read_query

STUDIES = 5  # that a search prints
SHOWN = 20  # variables that a search prints unless all are asked for
WIDTH = 400  # columns of a redirected terminal: a table in a file or pipe is never cut


def show_variables(text: str, *, every: bool = False) -> None:
    """Print the variables that `text` finds, the best first, with the share of rows that have a value per study."""
    workspace = Workspace(Settings.from_environment())
    index = index_of(workspace)
    found, named = index.find(text), index.find_studies(text) if text.strip() else ()
    if named:
        _studies(workspace, named)
    if not found.variables:
        if named:
            return
        raise UnknownKey("variable", text, workspace.dictionary.variables)
    shown = found.variables if every or not text.strip() else found.variables[:SHOWN]
    shares = coverage(workspace)
    studies = [
        study
        for study, of_study in shares.items()
        if any((one.entity, one.name) in of_study for one in shown)
    ]
    rows = [
        [one.name, one.entity, one.type, one.unit or "", one.label]
        + [_percent(shares[study].get((one.entity, one.name))) for study in studies]
        for one in shown
    ]
    print_rows(["variable", "entity", "type", "unit", "label", *studies], rows)
    for line in _remarks(found, len(shown)):
        Console(highlight=False, markup=False, soft_wrap=True).print(line)


def _studies(workspace: Workspace, names: Sequence[str]) -> None:
    """Print the studies that a search finds."""
    known = workspace.catalogue.studies
    told = [f"{name} ({known[name].title})" for name in names[:STUDIES]]
    told += [f"{len(names) - STUDIES} more"] if len(names) > STUDIES else []
    Console(highlight=False, markup=False, soft_wrap=True).print(f"Studies: {', '.join(told)}")


def _remarks(found: Found, shown: int) -> Iterator[str]:
    for word, meant in found.read_as.items():
        alike = f"; did you mean {' or '.join(meant)}?" if meant else ""
        yield f'no variable holds "{word}"{alike}'
    if more := len(found.variables) - shown:
        yield f"{more:,} more hold one of the words: --all"


def show_query(query: str) -> None:
    """Print the rows of one read-only statement; direct identifiers only to an account that was given their role."""
    database = Workspace(Settings.from_environment()).database
    table: pa.Table = read_query(database, query, role=reading_role(database))
    columns = [column.to_pylist() for column in table.columns]  # by place: two may bear one name
    rows = ([_cell(value) for value in row] for row in zip(*columns, strict=True))
    print_rows(table.column_names, rows)


def _cell(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return "" if value is None else str(value)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def print_rows(names: Iterable[str], rows: Iterable[list[str]]) -> None:
    """Print rows under their names; a redirected table is never cut."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(escape(name), overflow="fold")
    number = 0
    for row in rows:
        number += 1
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    console.print(f"{number:,} row{'' if number == 1 else 's'}")
