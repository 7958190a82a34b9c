"""`omics dictionary export` and `import`: the dictionary as a workbook, and what came back in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from omics_orchestrator.errors import FormatError, OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.find import Coverage, coverage
from omics_orchestrator.steps.spreadsheet import export_book, read_import
from omics_orchestrator.steps.spreadsheet.complaints import Told
from omics_orchestrator.steps.spreadsheet.seen import Seen, codes_seen
from omics_orchestrator.steps.spreadsheet.sheets import MAPPINGS, SUGGESTIONS
from omics_orchestrator.steps.suggest.saved import saved_pairs
from omics_orchestrator.steps.workspace import Workspace


def write_workbook(file: Path, *, replace: bool) -> None:
    """Write the dictionary as a workbook; one that is there already is replaced only when asked."""
    if file.suffix.casefold() != ".xlsx":
        raise FormatError(f"{file}: the workbook's name ends in .xlsx")
    if file.exists() and not replace:
        raise FormatError(
            f"{file} is there already, perhaps with somebody's changes; --replace overwrites it"
        )
    if not file.parent.is_dir():
        raise FormatError(f"there is no folder {file.parent}")
    console = _console()
    workspace = Workspace(Settings.from_environment())
    _ = workspace.dictionary  # its mistakes are told before anything is asked of the database
    shares, seen = _stored(console, workspace)
    saved, notes = saved_pairs(workspace)
    notes += export_book(workspace.settings.dictionary, file, shares, seen, saved)
    for note in notes:
        console.print(note, style="yellow")
    of = f", with the coverage of {', '.join(sorted(shares))}" if shares else ""
    console.print(f"written: {file}{of}")


def read_workbook(file: Path, *, dry_run: bool) -> int:
    """Bring a workbook's changes into the dictionary; return 1 where it is refused, and nothing is written."""
    console = _console()
    found = read_import(Workspace(Settings.from_environment()).settings.dictionary, file)
    told = found.told
    _tell(console, told)
    if told.complaints:
        console.print(f"\n{counted(len(told.complaints), 'complaint')}; nothing is written")
        return 1
    if not found.after:
        console.print("\nthe dictionary stays as it is")
    elif dry_run:
        console.print(f"\nnothing is written (--dry-run); {_names(found.after)} would change")
    else:
        found.write()
        console.print(f"\nwritten: {_names(found.after)}")
    return 0


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)


def _stored(console: Console, workspace: Workspace) -> tuple[Coverage, Seen]:
    """Return what is shown of the stored tables; nothing, where there is no database."""
    try:
        return coverage(workspace), codes_seen(workspace)
    except OmicsError as error:
        console.print(f"without coverage and codes: {error}")
        return {}, {}


def _tell(console: Console, told: Told) -> None:
    sections: Sequence[tuple[str, Sequence[object], str]] = (
        ("changed in the workbook", told.changes, ""),
        ("changed in the dictionary since the export; it stays", told.meanwhile, ""),
        ("review", told.remarks, ""),
        ("notes", told.notes, "yellow"),
        ("complaints", told.complaints, "red"),
    )
    for title, lines, colour in sections:
        if lines:
            console.print(f"\n{title}", style="bold")
        for line in lines:
            console.print(str(line), style=colour or None)


def _names(files: dict[Path, bytes]) -> str:
    return ", ".join(
        f"{file.parent.name}/{file.name}" if file.name in {MAPPINGS.file, SUGGESTIONS.file} else file.name
        for file in files
    )
