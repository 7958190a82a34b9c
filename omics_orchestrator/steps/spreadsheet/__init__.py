"""The dictionary as a workbook and back: variables, code lists, mappings, suggestions for who works in spreadsheets.

Nothing of participants stands in it but the share of rows with a value per study, and codes of columns of codes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, get_args

from omics_orchestrator.dictionary import Dictionary, Entity, VariableType, load_dictionary
from omics_orchestrator.dictionary.problems import Problems, read_text
from omics_orchestrator.dictionary.variables import Sensitivity
from omics_orchestrator.errors import FormatError
from omics_orchestrator.sources.workbook import is_protected
from omics_orchestrator.steps.spreadsheet.beside import KEPT, edited, kept, variable_columns
from omics_orchestrator.steps.spreadsheet.book import Choices, Content, make_book
from omics_orchestrator.steps.spreadsheet.cells import Refused
from omics_orchestrator.steps.spreadsheet.checking import Part, check
from omics_orchestrator.steps.spreadsheet.complaints import Told
from omics_orchestrator.steps.spreadsheet.mappings import (
    Ruled,
    all_entries,
    mapping_texts,
    records_of,
    rule,
    shown,
)
from omics_orchestrator.steps.spreadsheet.marking import Marking
from omics_orchestrator.steps.spreadsheet.merging import merge
from omics_orchestrator.steps.spreadsheet.packed import AGAIN, unpacked
from omics_orchestrator.steps.spreadsheet.reading import Rows, grid_of, read_rows, told_inside
from omics_orchestrator.steps.spreadsheet.records import Records, read_records
from omics_orchestrator.steps.spreadsheet.seen import Seen
from omics_orchestrator.steps.spreadsheet.sheets import (
    CODES,
    FORMATS,
    INSIDE,
    MAPPINGS,
    SHEETS,
    SUGGESTIONS,
    VARIABLES,
    Sheet,
)
from omics_orchestrator.steps.spreadsheet.suggestions import (
    Shown,
    all_pairs,
    orphans,
    shown_beside,
    suggestion_texts,
)
from omics_orchestrator.studies.suggestions import STATES

LARGEST = 1 << 28  # bytes of an unpacked workbook
Shares = Mapping[str, Mapping[tuple[str, str], float]]


@dataclass
class Import:
    """An import that is ready to be written: what is told of it, and the new text of each file that changes."""

    told: Told
    before: dict[Path, bytes]
    after: dict[Path, bytes]

    def write(self) -> None:
        """Replace the files, each in one step.

        Raises:
            FormatError: there are complaints, or a file was changed while the workbook was looked at.
        """
        if self.told.complaints:
            raise FormatError("the workbook has complaints; nothing is written")
        for file, raw in self.before.items():
            if file.read_bytes() != raw:
                raise FormatError(f"{file} was changed just now, nothing is written; import again")
        for file, raw in self.after.items():
            replace_file(file, raw)


def export_book(
    folder: Path, file: Path, shares: Shares, seen: Seen | None = None, saved: Shown | None = None
) -> list[str]:
    """Write the dictionary of `folder` as a workbook, and return notes on what is left out of it.

    Args:
        folder: the data dictionary.
        file: the workbook; replaced in one step.
        shares: study → (entity, variable) → share of rows with a value.
        seen: (study, entity, variable) → the codes in the column that its rule translates.
        saved: (study, column, variable) → what is told of that suggestion.

    Raises:
        DeclarationError: the dictionary has mistakes.
        FormatError: a text that no cell of a workbook can hold.
    """
    import io

    dictionary = load_dictionary(folder)
    texts = {sheet.file: _text(folder, sheet, Problems()) for sheet in SHEETS}
    records = {sheet.name: read_records(texts[sheet.file], sheet) for sheet in SHEETS}
    choices = _choices(dictionary)
    contents = [
        Content(
            sheet,
            records[sheet.name],
            choices[sheet.name],
            variable_columns(shares, dictionary, records[sheet.name]) if sheet is VARIABLES else {},
        )
        for sheet in SHEETS
    ]
    mappings = mapping_texts(folder)
    entries = all_entries(mappings)
    contents.append(Content(MAPPINGS, records_of(entries), {}, shown(entries, dictionary, seen or {})))
    texts |= {f"{study}/{MAPPINGS.file}": text for study, text in mappings.items()}
    suggested, notes = suggestion_texts(folder, dictionary.variables)
    if suggested:  # else there is nothing to decide, and new rows are not read
        pairs, states = all_pairs(suggested), {"state": Choices(STATES, strict=True)}
        contents.append(Content(SUGGESTIONS, pairs, states, shown_beside(pairs, dictionary, saved or {})))
        texts |= {f"{study}/{SUGGESTIONS.file}": text for study, text in suggested.items()}
    texts[KEPT] = kept({content.sheet.name: content.beside for content in contents})
    stream = io.BytesIO()
    try:
        make_book(contents, texts).save(stream)
    except Refused as error:
        raise FormatError(f"a cell of the dictionary {error}: {error.allowed}") from error
    replace_file(file, stream.getvalue())
    return notes


def read_import(folder: Path, file: Path) -> Import:
    """Return what a workbook changes in the dictionary of `folder`, or what is wrong with it.

    Raises:
        DeclarationError: variables.csv or code_lists.csv cannot be read here.
        FormatError: the file is no workbook of `omics dictionary export`.
    """
    book = _open(file)
    inside = list(told_inside(grid_of(book[INSIDE]))) if INSIDE in book.sheetnames else []
    if dict(inside).get("format") not in FORMATS:
        word = "is of another version of omics" if inside else "is missing"
        raise FormatError(f"{file.name}: the hidden sheet {INSIDE!r} {word}; {AGAIN}")
    told, problems = Told(), Problems()
    found = Import(told, {}, {})
    parts = []
    for sheet in SHEETS:
        raw = (folder / sheet.file).read_bytes() if (folder / sheet.file).is_file() else b""
        text = _text(folder, sheet, problems)  # after `raw`: who writes in between is noticed at the end
        part = _part(book, sheet, inside, text, told)
        if part:
            parts.append(part)
            found.before[folder / sheet.file] = raw
            if part.merged.text != text:
                bom = raw[:3] if raw.startswith(b"\xef\xbb\xbf") else b""
                found.after[folder / sheet.file] = bom + part.merged.text.encode()
    ruled = _ruled(book, inside, folder, found)
    if found.after:
        check(folder, parts, ruled, told)
    _mark(book, inside, folder, parts, found)
    told.complaints = sorted({*told.complaints})
    return found


def _part(book: Any, sheet: Sheet, inside: list[tuple[str, str]], text: str, told: Told) -> Part | None:
    if sheet.name not in book.sheetnames:
        told.notes.append(f"the sheet {sheet.name!r} is not there: {sheet.file} stays as it is")
        return None
    base = read_records(unpacked(inside, sheet.file), sheet)
    rows = _rows(book, sheet, inside, base, told)
    if rows is None:
        return None
    return Part(sheet, base, rows, merge(sheet, base, read_records(text, sheet), rows, told))


def _rows(book: Any, sheet: Sheet, inside: list[tuple[str, str]], base: Records, told: Told) -> Rows | None:
    source = book[sheet.name]
    merged = [str(cells) for cells in source.merged_cells.ranges]
    rows = read_rows(sheet, grid_of(source), merged, base, told)
    if rows:
        told.notes += edited(sheet, unpacked(inside, KEPT), base, rows)
    return rows


def _ruled(book: Any, inside: list[tuple[str, str]], folder: Path, found: Import) -> Ruled:
    """Return what becomes of the mappings, and let it be written."""
    rows, texts = None, mapping_texts(folder)
    base = all_entries(_exported(inside, MAPPINGS))
    if MAPPINGS.name in book.sheetnames:
        rows = _rows(book, MAPPINGS, inside, records_of(base), found.told)
    else:
        found.told.notes.append(f"the sheet {MAPPINGS.name!r} is not there: the mappings stay as they are")
    ruled = rule(base, texts, rows, found.told) if rows else Ruled()
    for study, text in ruled.texts.items():
        file = folder / "studies" / study / MAPPINGS.file
        found.before[file], found.after[file] = texts[study].encode(), text.encode()
    return ruled


def _mark(
    book: Any, inside: list[tuple[str, str]], folder: Path, parts: Sequence[Part], found: Import
) -> None:
    """Let the states that were changed be written."""
    here = read_records(_text(folder, VARIABLES, Problems()), VARIABLES)
    before = dict.fromkeys(name for (name,) in here.rows)
    after = next(
        (dict.fromkeys(name for (name,) in one.merged.rows) for one in parts if one.sheet is VARIABLES),
        before,
    )
    found.told.notes += orphans(folder, before, after)
    exported = _exported(inside, SUGGESTIONS)
    if not exported:
        return  # by an omics that knew no such sheet, or there was none to write
    if SUGGESTIONS.name not in book.sheetnames:
        found.told.notes.append(
            f"the sheet {SUGGESTIONS.name!r} is not there: the suggestions stay as they are"
        )
        return
    base = all_pairs(exported)
    if rows := _rows(book, SUGGESTIONS, inside, base, found.told):
        for file, raw, new in Marking(folder, base, rows, before, after, found.told).files_changed():
            found.before[file], found.after[file] = raw, new


def _exported(inside: list[tuple[str, str]], sheet: Sheet) -> dict[str, str]:
    """Return study → the text of its file as it was exported."""
    names = [word.removeprefix("digest ") for word, _ in inside if word.startswith("digest ")]
    files = [name for name in names if name.endswith(f"/{sheet.file}")]
    return {name.partition("/")[0]: unpacked(inside, name) for name in files}


def _text(folder: Path, sheet: Sheet, problems: Problems) -> str:
    text = read_text(folder / sheet.file, problems)
    problems.raise_if_any()
    return text or ""


def _choices(dictionary: Dictionary) -> dict[str, dict[str, Choices]]:
    """Return sheet → column → drop-down; new chapters, units and lists are possible, new types are not."""
    variables = dictionary.variables.values()
    lists = Choices(sorted(dictionary.code_lists), strict=False)
    return {
        VARIABLES.name: {
            "entity": Choices(get_args(Entity), strict=True),
            "domain": Choices(sorted({one.domain for one in variables}), strict=False),
            "type": Choices(get_args(VariableType), strict=True),
            "unit": Choices(sorted(dictionary.units.canonical), strict=False),
            "code_list": lists,
            "sensitivity": Choices(get_args(Sensitivity), strict=True),
        },
        CODES.name: {"code_list": lists},
    }


def _open(file: Path) -> Any:
    """Return the openpyxl workbook.

    Raises:
        FormatError: it is none, needs a password, or is out of all proportion.
    """
    import io
    import zipfile

    from openpyxl import load_workbook

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise FormatError(f"{file}: cannot be read: {error.strerror}") from error
    if is_protected(raw):
        raise FormatError(f"{file.name} can be opened with a password only; save it without one")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            size = sum(one.file_size for one in archive.infolist())
        if size > LARGEST:
            raise FormatError(f"{file.name} holds {size:,} bytes, more than any dictionary")
        with warnings.catch_warnings(action="ignore"):  # of extensions that only Excel knows
            return load_workbook(io.BytesIO(raw))
    except FormatError:
        raise
    except Exception as error:  # damaged files make openpyxl raise anything
        raise FormatError(
            f"{file.name} is no .xlsx workbook; save it as one (Excel 2007 or newer)"
        ) from error


def replace_file(file: Path, raw: bytes) -> None:
    """Write a file in one step; it keeps its rights."""
    with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as draft:
        draft.write(raw)
    place = Path(draft.name)
    place.chmod(file.stat().st_mode if file.exists() else 0o644)
    place.replace(file)
