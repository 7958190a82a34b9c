"""The rules of `omics check` for what a workbook would make of the dictionary, before anything of it is written.

It is tried in a copy of the folder. Mistakes are told by the cell that they come from.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.errors import DeclarationError, Problem
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.spreadsheet.complaints import Complaint, Told
from omics_orchestrator.steps.spreadsheet.mappings import Ruled
from omics_orchestrator.steps.spreadsheet.merging import Key, Merged
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Records, read_records
from omics_orchestrator.steps.spreadsheet.sheets import CODES, VARIABLES, Sheet, named
from omics_orchestrator.studies import load_studies

EMPTY = re.compile(r"the cell '(\w+)' is empty")
MENTIONED = (  # words of a complaint about a row → the columns that it may be about
    (re.compile(r"has no unit, min or max"), ("unit", "min", "max", "type")),
    (re.compile(r"is not a unit of|is above max"), ("unit", "min", "max")),
    (re.compile(r"needs a code_list|the code list '|has no code list"), ("code_list", "type", "sensitivity")),
)
WORD = re.compile(r"[A-Za-z0-9_.+<>-]+")


@dataclass(frozen=True)
class Part:
    """One sheet of the import: what was read, what it would become."""

    sheet: Sheet
    base: Records
    rows: Rows
    merged: Merged


def check(folder: Path, parts: Iterable[Part], ruled: Ruled, told: Told) -> None:
    """Tell what is wrong in the dictionary `folder` with the parts and mappings in it, and was not before."""
    folder = folder.absolute()
    given = {part.sheet.file: part for part in parts}
    before = set(_problems(folder)[0])
    with TemporaryDirectory(prefix="omics-import-") as place:
        tried = Path(place)
        _beside(folder, tried, {*given, "studies"})
        for name, part in given.items():
            (tried / name).write_text(part.merged.text, encoding="utf-8", newline="")
        _try_mappings(folder / "studies", tried / "studies", ruled.texts)
        problems, whole = _problems(tried)
    found = [one for one in problems if str(one.file) in given or one not in before]
    told.complaints += [one for problem in found if (one := _complaint(problem, given, ruled)) is not None]
    if not whole:
        told.notes.append("with these mistakes in the dictionary itself, the studies were not read")


def _beside(folder: Path, tried: Path, but: Container[str]) -> None:
    """Let everything of a folder be seen in another one, save some names."""
    tried.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in but:
            (tried / path.name).symlink_to(path)


def _try_mappings(studies: Path, tried: Path, texts: Mapping[str, str]) -> None:
    if studies.exists():
        _beside(studies, tried, texts)
    for study, text in texts.items():
        _beside(studies / study, tried / study, {"mapping.yaml"})
        (tried / study / "mapping.yaml").write_text(text, encoding="utf-8", newline="")


def _problems(folder: Path) -> tuple[list[Problem], bool]:
    """Return every mistake, files relative to the folder, and whether the studies were read."""
    whole = True
    try:
        catalogue = load_studies(folder, load_dictionary(folder))
        found = [one for error in catalogue.broken.values() for one in error.problems]
    except DeclarationError as error:
        found, whole = list(error.problems), False
    return [replace(one, file=_inside(folder, WORKING_COPY / one.file)) for one in found], whole


def _inside(folder: Path, file: Path) -> Path:
    return file.relative_to(folder) if file.is_relative_to(folder) else file


def _complaint(problem: Problem, given: Mapping[str, Part], ruled: Ruled) -> Complaint | None:
    part = given.get(str(problem.file))
    if part is None:
        path = f"{problem.path}: " if problem.path else ""
        of_rule = ruled.complaint(
            problem.file.parent.name, problem.line, f"{path}{problem.message}", problem.allowed
        )
        return of_rule or _of_another_file(problem, given)
    records = read_records(part.merged.text, part.sheet)
    key = next((key for key, one in records.rows.items() if one.line == problem.line), None)
    if key is None:
        return Complaint(part.sheet.name, 0, "", f"{part.sheet.name}: {problem.message}", problem.allowed)
    column = _column(problem, part, key)
    if (key, column) in part.rows.refused:
        return None
    return _at(part, key, column, f"{named(key)}: {problem.message}", problem.allowed)


def _column(problem: Problem, part: Part, key: Key) -> str:
    """Return the column that a mistake is about; where several may be, one that the workbook changed."""
    last = problem.path.rpartition(".")[2]
    if last in part.sheet.header and "." in problem.path:
        return last
    if match := EMPTY.search(problem.message):
        return match[1]
    before = part.base.rows[key].cells if key in part.base.rows else {}
    row = part.merged.rows[key]
    for pattern, columns in MENTIONED:
        if pattern.search(problem.message) and columns[0] in row:
            changed = [name for name in columns if row[name] != before.get(name, "")]
            filled = [name for name in columns if row[name]]
            return (changed or filled or columns)[0]
    return part.sheet.key[-1]


def _at(part: Part, key: Key, column: str, message: str, allowed: str) -> Complaint:
    if key in part.rows.places:
        row = part.rows.places[key]
        return Complaint(part.sheet.name, row, f"{part.rows.columns[column]}{row}", message, allowed)
    if key in part.base.rows:
        row = list(part.base.rows).index(key) + 2
        message = f"(where {named(key)} stood) {message}"
        return Complaint(part.sheet.name, row, f"{part.rows.columns[column]}{row}", message, allowed)
    text = f"{part.sheet.file}: {message} (the row came here after the export)"
    return Complaint(part.sheet.name, 0, "", text, allowed)


def _of_another_file(problem: Problem, given: Mapping[str, Part]) -> Complaint:
    """Return the complaint about another file, at the changed row that it speaks of."""
    message = f"{problem.file}:{problem.line}: {problem.path}: {problem.message}"
    words = set(WORD.findall(f"{problem.path.replace('.', ' ')} {problem.message} {problem.allowed}"))
    ranked = sorted(_touched(given), key=lambda one: -sum(word in words for word in one[1]))
    spoken = [(part, key) for part, key in ranked if any(word in words for word in key)]
    if not spoken and len(ranked) != 1:
        return Complaint("", 0, "", message, problem.allowed)
    part, key = (spoken or ranked)[0]
    return _at(part, key, part.sheet.key[-1], message, problem.allowed)


def _touched(given: Mapping[str, Part]) -> Iterator[tuple[Part, Key]]:
    """Yield the rows that the workbook changed, added or left out."""
    for name in (VARIABLES.file, CODES.file):
        if part := given.get(name):
            exported = {key: one.cells for key, one in part.base.rows.items()}
            for key in dict.fromkeys((*exported, *part.rows.cells)):
                if exported.get(key) != part.rows.cells.get(key):
                    yield part, key
