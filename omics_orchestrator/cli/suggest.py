"""`omics dictionary suggest`: variables that the columns of a study may be, as a table, as YAML and as CSV."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from omics_orchestrator.cli.tables import WIDTH
from omics_orchestrator.dictionary import Dictionary, Entity
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.suggest import Suggestions, decide, suggest
from omics_orchestrator.steps.suggest.codebook import read_codebook
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.decisions import who_decides
from omics_orchestrator.steps.suggest.ranking import Candidate
from omics_orchestrator.steps.suggest.rules import RULED, remark_of, rule_of
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies.suggestions import FILE, State

HEADER = ("column", "label", "rank", "variable", "score", "why", "rule", "remark")
LISTED = 24  # names of a list on the terminal
LABEL = 60  # characters of a label on the terminal


def show_suggestions(
    study: str,
    wanted: Sequence[str],
    *,
    everything: bool = False,
    top: int = 3,
    codebook: Path | None = None,
    table: Path | None = None,
    save: bool = False,
) -> None:
    """Print what is suggested for a study; `table` also writes it as CSV, `save` the best ones as proposed."""
    workspace = Workspace(Settings.from_environment())
    book = read_codebook(codebook) if codebook else {}
    found = suggest(workspace, study, wanted=wanted, everything=everything, top=top, codebook=book)
    console = _console()
    _print_table(console, found)
    _print_yaml(console, found, workspace.dictionary)
    _print_rest(console, study, found)
    if table:
        _write(table, found, workspace.dictionary)
        console.print(f"written: {table}")
    if save:
        best = [
            (column.reference, ranked[0].variable)
            for column, ranked in found.ranked
            if ranked and ranked[0].score >= RULED
        ]
        decide(workspace, study, best, "proposed", "omics", book)
        console.print(f"{counted(len(best), 'proposal')} in studies/{study}/{FILE}")


def mark(
    study: str, pairs: Sequence[str], state: State, by: str | None, codebook: Path | None = None
) -> None:
    """Write down that a person approves or rejects `COLUMN=VARIABLE`."""
    split = [pair.rpartition("=") for pair in pairs]
    if wrong := [
        pair for pair, (column, _, variable) in zip(pairs, split, strict=True) if not column or not variable
    ]:
        raise UnknownKey("pair COLUMN=VARIABLE", wrong[0], ())
    lines = [(column.strip(), variable.strip()) for column, _, variable in split]
    workspace = Workspace(Settings.from_environment())
    who = by or who_decides(workspace.settings.dictionary)
    book = read_codebook(codebook) if codebook else {}
    for one in decide(workspace, study, lines, state, who, book):
        _console().print(f"{state}: {one.column} = {one.variable} (by {one.by}, {one.on})")


def _console() -> Console:
    """Return where to print; a redirected table is never cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=WIDTH, highlight=False)


def _print_table(console: Console, found: Suggestions) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("column", "label", "variable", "score", "why"):
        table.add_column(name, overflow="fold", justify="right" if name == "score" else "left")
    for column, ranked in found.ranked:
        about = column.about
        label = about.label if len(about.label) <= LABEL else f"{about.label[: LABEL - 1]}…"
        for rank, one in enumerate(ranked):
            first = (about.name, label) if not rank else ("", "")
            table.add_row(*map(escape, (*first, one.variable, f"{one.score:.2f}", "; ".join(one.why))))
    if table.row_count:
        console.print(table)


def _print_yaml(console: Console, found: Suggestions, dictionary: Dictionary) -> None:
    """Print the rules of the best suggestions by entity and table; what a person must still decide beside them."""
    best = [(column, ranked[0]) for column, ranked in found.ranked if ranked and ranked[0].score >= RULED]
    once: dict[str, str] = {}  # a variable has one rule: that of the column which fits best
    for column, one in sorted(best, key=lambda pair: -pair[1].score):
        once.setdefault(one.variable, column.reference)
    blocks: dict[tuple[Entity, str], list[str]] = defaultdict(list)
    for column, one in best:
        line = _line(column, one, dictionary)
        if column.about.option and line.startswith("#"):
            continue  # a single box is no rule of its own: its field stands here too
        commented = once[one.variable] != column.reference and not line.startswith("#")
        place = (dictionary.variables[one.variable].entity, column.table)
        blocks[place].append(f"# or {line}" if commented else line)
    if blocks:
        text = f"those that score {RULED} or more, as rules to read and to paste into mapping.yaml:"
        console.print(f"\n{text}", style="bold")
    for (entity, table), lines in blocks.items():
        console.print(f"\n# {entity}, from {table}", markup=False)
        for line in lines:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def _line(column: SourceColumn, best: Candidate, dictionary: Dictionary) -> str:
    variable = dictionary.variables[best.variable]
    rule, remark = rule_of(column, best, variable), remark_of(column, best, variable)
    if not rule:
        return f"# {variable.name}: from {column.about.name}" + (
            f"; {remark}" if remark else "; write the rule by hand"
        )
    return f"{rule}    # {remark}" if remark else rule


def _print_rest(console: Console, study: str, found: Suggestions) -> None:
    """Print what has no suggestion, and why."""
    for note in found.notes:
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    lone = [column.about.name for column, ranked in found.ranked if not ranked]
    apart = [column.about.name for column in found.identifying]
    waiting = [f"{one.column} = {one.variable} (by {one.by}, {one.on})" for one in found.approved]
    says = (
        ("approved, and no rule reads it yet", waiting),
        ("nothing in the dictionary is like", lone),
        ("seem to hold direct identifiers, so nothing is suggested", apart),
    )
    for text, names in says:
        if names:
            more = f" … and {len(names) - LISTED} more; --csv lists them all" if len(names) > LISTED else ""
            shown = ", ".join(names[:LISTED])
            console.print(f"\n{text}: {shown}{more}", markup=False, soft_wrap=True)
    if not (found.ranked or apart or found.notes):
        console.print(
            f"no column of {study} is undecided; --all asks for those that are mapped too", markup=False
        )


def _write(file: Path, found: Suggestions, dictionary: Dictionary) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for column, ranked in found.ranked:
            for rank, one in enumerate(ranked, start=1):
                variable = dictionary.variables[one.variable]
                says = (rule_of(column, one, variable), remark_of(column, one, variable))
                cells = (column.reference, column.about.label, rank, one.variable, f"{one.score:.3f}")
                writer.writerow([*cells, "; ".join(one.why), *says])
        for column, why in (
            *(
                (column, "nothing in the dictionary is like it")
                for column, ranked in found.ranked
                if not ranked
            ),
            *((column, "seems to hold direct identifiers") for column in found.identifying),
        ):
            writer.writerow([column.reference, column.about.label, "", "", "", "", "", why])
