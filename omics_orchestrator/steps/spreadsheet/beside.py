"""The columns beside the rows that are shown and not read back: coverage, places, labels. Who types there is told.

How they look is in book.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Records
from omics_orchestrator.steps.spreadsheet.sheets import COVERAGE, SAMPLE, SHOWN, Sheet

KEPT = "beside"  # under this name the hidden sheet keeps what was shown
Columns = Mapping[str, Sequence[str]]


def variable_columns(
    shares: Mapping[str, Mapping[tuple[str, str], float]], dictionary: Dictionary, records: Records
) -> dict[str, list[str]]:
    """Return what stands beside the sheet `variables`: the codes, and of each study the share of rows with a value."""
    codes = [_codes(dictionary, record.cells["code_list"]) for record in records.rows.values()]
    return {f"{SHOWN}codes": codes} | {
        f"{COVERAGE}{study}": [_percent(of_study, record.cells) for record in records.rows.values()]
        for study, of_study in sorted(shares.items())
    }


def _codes(dictionary: Dictionary, code_list: str) -> str:
    labels = dictionary.code_lists.get(code_list, {})
    shown = [f"{code} {label}" if label else code for code, label in labels.items()]
    more = [f"and {len(shown) - SAMPLE} more"] if len(shown) > SAMPLE else []
    return ", ".join(shown[:SAMPLE] + more)


def _percent(of_study: Mapping[tuple[str, str], float], cells: Mapping[str, str]) -> str:
    share = of_study.get((cells["entity"], cells["name"]))
    return "" if share is None else f"{share:.0%}"


def kept(columns: Mapping[str, Columns]) -> str:
    """Return sheet → column → cells as the text that the hidden sheet keeps."""
    return json.dumps(columns, ensure_ascii=False)


def edited(sheet: Sheet, text: str, base: Records, rows: Rows) -> Iterator[str]:
    """Yield a note on each cell that somebody changed although it is only shown."""
    columns: Mapping[str, Columns] = json.loads(text)
    for name, cells in columns.get(sheet.name, {}).items():
        for key, before in zip(base.rows, cells, strict=True):
            cell, now = rows.beside.get((key, name), ("", before))
            if now != before.strip():
                yield f"{sheet.name}!{cell}: {name!r} is only shown; what was typed there is not read"
