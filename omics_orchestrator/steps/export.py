"""Export: the table or matrix that bears an asset key, as a file that other programs read (CSV, Parquet, h5ad, rds).

A file is written beside its place and put there in one step; what is there already is replaced only when asked for.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from omics_orchestrator.errors import OmicsError, UnknownKey
from omics_orchestrator.registry.query import files_of
from omics_orchestrator.steps.caveats import caveats_of
from omics_orchestrator.steps.export_notes import (
    caveats_of_table,
    into_seurat,
    last_release,
    notes,
    notes_file,
    with_caveats,
)
from omics_orchestrator.steps.find import read_key, unknown_key
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.steps.wide_values import number_text
from omics_orchestrator.steps.workspace import Workspace

SUFFIXES = (".csv", ".parquet")
OF_MATRICES = (".h5ad", ".rds")
BATCH = 10_000  # rows that are written at once


class ExportError(OmicsError):
    """A file that cannot be written where it was asked for."""


@dataclass(frozen=True)
class Exported:
    """What was written, and `notes` beside it; `left_out`: parts of a matrix without a place in a Seurat object."""

    file: Path
    rows: int
    columns: int
    left_out: tuple[str, ...] = ()
    notes: Path | None = None


def export(workspace: Workspace, key: str, file: Path, asked: Selection, *, force: bool = False) -> Exported:
    """Write the table (.csv, .parquet) or matrix (.h5ad, .rds) that bears `key` to `file`, as its suffix says.

    What is to be known of it lies beside it, in `<file>.notes.md`; no such file where there is nothing to say.

    Raises:
        UnknownKey: nothing bears that key, or a study or column is not known.
        ExportError: the suffix is none of them, the folder is not there, or a file is and `force` is not given.
    """
    place = [part for part in key.split("/") if part]
    is_matrix = place[:1] == ["matrix"]
    allowed = OF_MATRICES if is_matrix else SUFFIXES
    if file.suffix.lower() not in allowed:
        raise ExportError(f"{file}: the suffix says how it is written; allowed: {', '.join(allowed)}")
    if not file.parent.is_dir():
        raise ExportError(f"{file}: there is no folder {file.parent}")
    for one in (file, notes_file(file)):
        if one.exists() and not force:
            raise ExportError(f"{one} exists; --force replaces it")
    if is_matrix:
        return _export_matrix(workspace, key, place[1:], file, asked)
    table = _rows(workspace, key, asked)
    caveats = caveats_of_table(workspace, key, table)
    with _beside(file) as written:
        if file.suffix.lower() == ".csv":
            _write_csv(table, written)
        else:
            _write_parquet(with_caveats(table, caveats), written)
        beside = _write_notes(file, notes(key, caveats, last_release(workspace, key)))
    return Exported(file, table.num_rows, table.num_columns, notes=beside)


def _write_notes(file: Path, text: str) -> Path | None:
    """Write what is to be known of an export before it takes its place; old notes never lie beside a new file."""
    beside = notes_file(file)
    if not text:
        beside.unlink(missing_ok=True)
        return None
    with _beside(beside) as written:
        written.write_text(text, encoding="utf-8")
    return beside


def _export_matrix(
    workspace: Workspace, key: str, place: list[str], file: Path, asked: Selection
) -> Exported:
    """Write a matrix with its samples' variables, as AnnData or as a Seurat object that R reads."""
    from omics_orchestrator.steps.annotated import annotated_matrix

    if len(place) != 2:
        raise unknown_key(workspace, key)
    matrix = annotated_matrix(workspace, key, place[0], place[1], asked)
    caveats = caveats_of(workspace, key, matrix.obs.columns)
    left: list[str] = []
    with _beside(file) as written:
        if file.suffix.lower() == ".h5ad":
            matrix.write_h5ad(written)
        else:
            from omics_orchestrator.formats.rds_write import write_seurat

            into_seurat(matrix)
            left = write_seurat(matrix, written)
        beside = _write_notes(file, notes(key, caveats))
    return Exported(file, matrix.n_obs, matrix.n_vars, tuple(left), beside)


def _rows(workspace: Workspace, key: str, asked: Selection) -> pa.Table:
    known = {*workspace.catalogue.studies, *workspace.catalogue.broken}
    for study in asked.studies or ():
        if study not in known:
            raise UnknownKey("study", study, sorted(known))
    match [part for part in key.split("/") if part]:
        case ["files", study, *assay] if len(assay) < 2:
            table = files_of(workspace.database, study=study, assay=assay[0] if assay else None)
            if not table.num_rows:
                raise unknown_key(workspace, key)
            for name in asked.columns or ():
                if name not in table.column_names:
                    raise UnknownKey("column", name, table.column_names)
            return table if asked.columns is None else table.select(list(asked.columns))
    return read_key(workspace, key, asked)


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """Give a name in the same folder; what was written there takes the file's place only when all went well."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _write_parquet(table: pa.Table, file: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(table, file)


def _write_csv(table: pa.Table, file: Path) -> None:
    """Write UTF-8 text: blank for a missing value, yes and no, dates as 2025-10-30, several codes joined by `;`."""
    writers = [_text_of(field.type) for field in table.schema]
    with file.open("x", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened, lineterminator="\n")
        rows.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=BATCH):
            columns = [
                [None if value is None else write(value) for value in column.to_pylist()]
                for write, column in zip(writers, batch.columns, strict=True)
            ]
            rows.writerows(zip(*columns, strict=True))


def _text_of(type_: pa.DataType) -> Callable[[Any], str]:
    """Return how a value of an Arrow type is written."""
    if pt.is_boolean(type_):
        return lambda value: "yes" if value else "no"
    if pt.is_floating(type_):
        return number_text
    if pt.is_list(type_) or pt.is_large_list(type_):
        inner = _text_of(type_.value_type)
        return lambda values: ";".join("" if value is None else inner(value) for value in values)
    if pt.is_date(type_) or pt.is_timestamp(type_) or pt.is_time(type_):
        return lambda value: str(value.isoformat())
    return str
