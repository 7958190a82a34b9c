"""Builds the matrix of one assay from its registered files. How it lies in our store: stored.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.findings import Finding
from omics_orchestrator.matrices import cells as single_cells
from omics_orchestrator.matrices import samples as sample_rows
from omics_orchestrator.matrices.registered import Chosen, choose, refuse_none, told
from omics_orchestrator.matrices.stored import (
    is_whole,
    list_matrices,
    load_matrix,
    matrix_key,
    write_matrix,
)
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay

if TYPE_CHECKING:
    import pyarrow as pa

    from omics_orchestrator.storage.database import Database
    from omics_orchestrator.storage.objects import Stores

__all__ = ["BuiltMatrix", "build_matrix", "list_matrices", "load_matrix"]

LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"


@dataclass(frozen=True)
class BuiltMatrix:
    """What was built: `key` in our own store, `shape` (rows, features); 0 objects written: nothing new.

    `samples` counts distinct samples: less than rows where a row is a cell.
    """

    key: str
    shape: tuple[int, int]
    written_objects: int
    findings: tuple[Finding, ...]
    data_version: str
    samples: int


def build_matrix(
    database: Database,
    stores: Stores,
    *,
    study: str,
    assay_name: str,
    assay: Assay,
    known_samples: pa.Table | None,
    key_of: Callable[[str], str] = str,
    sample_name: Callable[[str], str] | None = None,
) -> BuiltMatrix:
    """Bring the stored matrix to what the registered files hold; the same content is not written again.

    Every sample of a usable file becomes a row, known or not (the check `samples_known` counts the unknown). Files
    that are missing, damaged or invalid, and files of a sample that nobody linked, are left out and told.
    `key_of` returns the object key behind what the registry writes; `sample_name` turns a sample's name in files
    into the one of the study's tables.

    Raises:
        DeliveryError: the registry holds no usable file, a file changed since it was registered, or the files are of
            several levels (genes and transcripts).
        FormatError: the only file cannot be read, or two names inside it are the same sample by the link rule.
    """
    if not assay.format.matrix:
        raise DeliveryError(f"no matrix is built from {assay.format.format}")
    prefix = matrix_key(study, assay_name)
    migrate(database)
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(LOCK, (prefix,))
        chosen = choose(cursor, study, assay_name, assay.format, key_of)
        make = _of_cells if assay.format.matrix == "cells" else _of_samples
        return make(chosen, assay, stores, prefix, sample_name, known_samples)


def _of_samples(
    chosen: Chosen,
    assay: Assay,
    stores: Stores,
    prefix: str,
    sample_name: Callable[[str], str] | None,
    known: pa.Table | None,
) -> BuiltMatrix:
    rows = sample_rows.stack(chosen.sets, assay, stores, sample_name)
    left_out = {**chosen.left_out, **rows.left_out}
    refuse_none(rows.samples, left_out)
    data = rows.stacked()
    content, written = sample_rows.digest(data), 0
    if not is_whole(stores.own, prefix, content):
        written = write_matrix(stores.own, prefix, content, sample_rows.annotated(data, rows.samples))
    findings = [*_unknown(rows.samples, known, "rows"), *told(left_out), *rows.findings]
    if repeated := rows.repeated_features:
        message = f"{repeated} feature ids repeat in the table; repeats are numbered (#2, #3 …)"
        findings.append(Finding("features_unique", message, repeated, "note"))
    shape = (len(data.sample_ids), len(data.feature_ids))
    return BuiltMatrix(prefix, shape, written, tuple(findings), content, len(set(rows.samples)))


def _of_cells(
    chosen: Chosen,
    assay: Assay,
    stores: Stores,
    prefix: str,
    sample_name: Callable[[str], str] | None,
    known: pa.Table | None,
) -> BuiltMatrix:
    cells = single_cells.stack(chosen.sets, assay, stores, sample_name)
    left_out = {**chosen.left_out, **cells.left_out}
    refuse_none(cells.samples, left_out)
    matrix = cells.stacked()
    content, written = single_cells.digest(matrix), 0
    if not is_whole(stores.own, prefix, content):
        written = write_matrix(stores.own, prefix, content, matrix)
    samples = {sample for sample in cells.samples if sample is not None}
    findings = (*_unknown(samples, known, "cells"), *told(left_out), *cells.findings)
    return BuiltMatrix(prefix, matrix.shape, written, findings, content, len(samples))


def _unknown(samples: Iterable[str], known: pa.Table | None, what: str) -> list[Finding]:
    """Count the samples that are no harmonised samples."""
    if known is None:
        return []
    there = set(samples)
    unknown = there.difference(known["sample_id"].to_pylist())
    if not unknown:
        return []
    message = f"{len(unknown)} of {len(there)} samples are no harmonised samples; their {what} are kept"
    return [Finding("samples_known", message, len(unknown))]
