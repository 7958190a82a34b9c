"""Release notes of published datasets: what each publication changed, in Markdown, as counts and never as values.

What is told was counted and kept by storage/changes.py while the table was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from omics_orchestrator.errors import NotConfigured, UnknownKey
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.publish import MISSING
from omics_orchestrator.steps.release_words import declared_changes, variables_in
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.changes import Counted, TableChange, list_changes
from omics_orchestrator.studies.places import table_of

SHOWN = 12  # columns whose changed cells are told one by one


@dataclass(frozen=True)
class ReleaseNote:
    """What one publication of a dataset changed.

    Attributes:
        dataset: its key.
        at: when it was published.
        lines: what changed, a line each, in Markdown.
    """

    dataset: str
    at: datetime
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The note in Markdown, without a heading."""
        return "\n".join(f"- {line}" for line in self.lines)


def last_note(workspace: Workspace, study: str, name: str) -> ReleaseNote | None:
    """Return the newest note of a dataset; None = it was not published since notes are kept."""
    return next(iter(release_notes(workspace, study, name, last=1)), None)


def release_notes(
    workspace: Workspace, study: str, name: str, *, since: datetime | None = None, last: int | None = None
) -> list[ReleaseNote]:
    """Return the notes of a dataset, or those since a moment, or the `last` ones; the newest first."""
    schema, table = table_of(("dataset", study, name))
    changes, reasons = (
        {
            one.written_at: one
            for one in list_changes(workspace.database, schema, place, since=since, last=last)
        }
        for place in (table, table + MISSING)
    )
    found = []
    for at in sorted({*changes, *reasons}, reverse=True):
        lines = tuple(_lines(changes.get(at), reasons.get(at)))
        if lines:
            found.append(ReleaseNote(f"dataset/{study}/{name}", at, lines))
    return found[:last]


def notes_since(
    workspace: Workspace, study: str, dataset: str | None, since: datetime | None
) -> dict[str, list[ReleaseNote]]:
    """Return dataset → its notes since a moment, without one the last note of each.

    Raises:
        UnknownKey: no such study, or no such dataset of it.
        NotConfigured: it publishes none.
    """
    known = workspace.catalogue.studies
    if study not in known:
        raise UnknownKey("study", study, known)
    names = known[study].datasets
    if not names:
        raise NotConfigured(f"{study} publishes no dataset: `datasets:` in its study.yaml declares them")
    if dataset is not None and dataset not in names:
        raise UnknownKey(f"dataset of {study}", dataset, names)
    last = 1 if since is None else None
    asked = [name for name in names if dataset in {None, name}]
    return {name: release_notes(workspace, study, name, since=since, last=last) for name in asked}


def as_markdown(study: str, found: Mapping[str, Iterable[ReleaseNote]], *, since: datetime | None) -> str:
    """Return notes as one Markdown text; a dataset without any says so."""
    parts = []
    for name, notes in found.items():
        parts.append(f"# dataset/{study}/{name}")
        told = [f"## {moment(one.at)}\n\n{one.text}" for one in notes]
        nothing = f"Nothing changed since {since:%Y-%m-%d}." if since else "Not published yet."
        parts += told or [nothing]
    return "\n\n".join(parts) + "\n"


def moment(at: datetime) -> str:
    """Return a moment as notes write it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _lines(change: TableChange | None, reasons: TableChange | None) -> Iterator[str]:
    if change is None:
        yield from _reasons(reasons)
        return
    rows, variables = counted(change.rows, "row"), counted(variables_in(change.declared), "variable")
    if change.rows_before is None:
        yield f"First release: {rows}, {variables}."
        return
    if change.former is None:
        yield f"Notes are kept from here on: {rows}, {variables}. What was declared before is not known."
    yield from _rows(change)
    yield from _cells(change.counted, "Changed cells")
    yield from _reasons(reasons)
    if change.former is not None:
        yield from declared_changes(change.former, change.declared)
    elif change.counted.came or change.counted.went:
        yield from _columns(change.counted)


def _rows(change: TableChange) -> Iterator[str]:
    """Say what became of the rows."""
    found = change.counted
    if not found.comparable:
        yield (
            f"The key of a row is another one: {counted(change.rows_before or 0, 'row')} before, {change.rows:,} now; "
            "no row can be followed."
        )
        return
    numbers = {"added": found.added, "removed": found.removed, "changed": found.changed}
    told = [f"{number:,} {word}" for word, number in numbers.items() if number]
    yield f"Rows: {', '.join(told) or 'none added, removed or changed'}; {change.rows:,} in all."


def _cells(found: Counted, what: str) -> Iterator[str]:
    if found.cells:
        most = sorted(found.cells.items(), key=lambda one: (-one[1], one[0]))
        told = ", ".join(f"`{name}` {number:,}" for name, number in most[:SHOWN])
        rest = most[SHOWN:]
        more = (
            f" and {sum(number for _, number in rest):,} in {counted(len(rest), 'more column')}"
            if rest
            else ""
        )
        yield f"{what}: {told}{more}."


def _reasons(reasons: TableChange | None) -> Iterator[str]:
    """Say in which columns the reasons of missing values changed."""
    if reasons is not None and reasons.rows_before is not None:
        yield from _cells(reasons.counted, "Why a value is missing changed")


def _columns(found: Counted) -> Iterator[str]:
    for what, names in (("New columns", found.came), ("Columns that are gone", found.went)):
        if names:
            yield f"{what}: {', '.join(f'`{name}`' for name in names)}."
