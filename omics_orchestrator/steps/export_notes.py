"""What an export tells beside the cells: known limitations, in the file where its format has a place for text.

Also as Markdown in a file of its own, `<file>.notes.md`: CSV has no place for it. How tables are written: export.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.steps.caveats import Told, caveats_of, in_words
from omics_orchestrator.steps.release_notes import last_note, moment
from omics_orchestrator.steps.workspace import Workspace

SUFFIX = ".notes.md"
OF_PANDAS = b"PANDAS_ATTRS"  # where pandas keeps `DataFrame.attrs` in a Parquet file


def notes_file(file: Path) -> Path:
    """Return where the notes on an export lie: `main.csv.notes.md` beside `main.csv`."""
    return file.with_name(file.name + SUFFIX)


def caveats_of_table(workspace: Workspace, key: str, table: pa.Table) -> list[Told]:
    """Return the known limitations of a table that is exported."""
    over = pc.unique(table["study"]).to_pylist() if "study" in table.column_names else ()
    return caveats_of(workspace, key, table.column_names, over)


def with_caveats(table: pa.Table, caveats: Sequence[Told]) -> pa.Table:
    """Return the table with its caveats in the schema, as `pd.read_parquet(…).attrs["caveats"]` gives them."""
    if not caveats:
        return table
    known = table.schema.metadata or {}
    return table.replace_schema_metadata({**known, OF_PANDAS: json.dumps({"caveats": caveats}).encode()})


def into_seurat(matrix: Any) -> None:
    """Move the caveats of a matrix to where a Seurat object keeps what is its user's: `misc$caveats`."""
    if (lines := matrix.uns.pop("caveats", None)) is not None:
        own = matrix.uns.setdefault("seurat", {})
        own["misc"] = {**own.get("misc", {}), "caveats": list(lines)}


def last_release(workspace: Workspace, key: str) -> str:
    """Return what changed last in a published dataset, under its heading; empty for other tables."""
    match [part for part in key.split("/") if part]:
        case ["dataset", study, name]:
            note = last_note(workspace, study, name)
            return f"## Changed last: {moment(note.at)}\n\n{note.text}" if note else ""
    return ""


def notes(key: str, caveats: Iterable[Told], changed: str = "") -> str:
    """Return the notes as Markdown; empty where there is nothing to say."""
    studies: dict[str, list[str]] = {}
    for one in caveats:
        studies.setdefault(one["study"], []).append(f"- {in_words(one)}")
    if not studies and not changed:
        return ""
    told = [f"# {key}", *(["## Known limitations"] if studies else [])]
    for study, lines in studies.items():
        told += [f"### {study}"] if len(studies) > 1 else []
        told.append("\n".join(lines))
    return "\n\n".join([*told, changed] if changed else told) + "\n"
