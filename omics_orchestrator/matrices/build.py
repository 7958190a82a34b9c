"""Builds the matrix of one assay from its registered table. How it lies in our store: stored.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from omics_orchestrator.errors import DeliveryError, FormatError
from omics_orchestrator.findings import Finding
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.feature_table import FeatureTable, MatrixData
from omics_orchestrator.matrices.stored import (
    is_whole,
    list_matrices,
    load_matrix,
    matrix_key,
    write_matrix,
)
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile
from omics_orchestrator.studies.sample_names import sample_reader

if TYPE_CHECKING:
    import pyarrow as pa
    from anndata import AnnData

    from omics_orchestrator.storage.database import Database
    from omics_orchestrator.storage.objects import Stores

__all__ = ["BuiltMatrix", "build_matrix", "list_matrices", "load_matrix"]

LAYOUT = "1"  # raise it when the same content would be stored in another way
LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"
REGISTERED = """
select file.number, store, key, sha256, file_version.verdict, file_version.facts
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.file_version on file_number = file.number and file_version.version = file.version
where study = %s and assay = %s and missing_since is null
"""


@dataclass(frozen=True)
class BuiltMatrix:
    """What was built: `key` in our own store, `shape` (samples, features); 0 objects written: nothing new."""

    key: str
    shape: tuple[int, int]
    written_objects: int
    findings: tuple[Finding, ...]
    data_version: str


class RegisteredTable(NamedTuple):
    """The one file of the assay, as the registry knows it."""

    number: int
    store: str
    key: str
    sha256: str
    verdict: str
    facts: dict[str, Any]


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
    """Bring the stored matrix to what the registered table holds; the same content is not written again.

    Every sample of the table becomes a row, known or not (the check `samples_known` counts the unknown).
    `key_of` returns the object key behind what the registry writes; `sample_name` turns a sample's name in files
    into the one of the study's tables.

    Raises:
        DeliveryError: the registry does not hold exactly one usable table, or it changed since.
        FormatError: two names inside the table are the same sample by the assay's link rule.
    """
    prefix = matrix_key(study, assay_name)
    migrate(database)
    with database.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(LOCK, (prefix,))
        cursor.execute(REGISTERED, (study, assay_name))
        table = _only([RegisteredTable(*row) for row in cursor])
        data = _read(table, assay, stores, key_of)
        samples = _sample_ids(data, assay, sample_name)
        content = _digest(data, samples)
        written = 0
        if not is_whole(stores.own, prefix, content):
            written = write_matrix(stores.own, prefix, content, _annotated(data, samples))
    findings = tuple(_findings(data, samples, table, known_samples))
    shape = (len(samples), len(data.feature_ids))
    return BuiltMatrix(prefix, shape, written, findings, data_version=content)


def _only(tables: list[RegisteredTable]) -> RegisteredTable:
    if len(tables) != 1:
        raise DeliveryError(f"a matrix is built from one registered file; the registry holds {len(tables)}")
    if tables[0].verdict in {"invalid", "unreadable"}:
        raise DeliveryError(
            f"registry file {tables[0].number} is {tables[0].verdict}: no matrix is built from it"
        )
    return tables[0]


def _read(table: RegisteredTable, assay: Assay, stores: Stores, key_of: Callable[[str], str]) -> MatrixData:
    if not isinstance(assay.format, FeatureTable):
        raise DeliveryError(f"a matrix is built from a feature_table, not from {assay.format.format}")
    store, key = stores.resolve(f"{table.store}://{key_of(table.key)}")
    raw = store.get(key)
    if hashlib.sha256(raw).hexdigest() != table.sha256:
        raise DeliveryError(f"registry file {table.number} changed since it was registered", retry=True)
    return assay.format.read(MemoryFile(key.rpartition("/")[2], raw))


def _sample_ids(data: MatrixData, assay: Assay, sample_name: Callable[[str], str] | None) -> list[str]:
    """Return the sample ids in the study's spelling, by the link rule for names inside files."""
    read = sample_reader(assay.link.in_file if isinstance(assay.link, NamesInFile) else InFile())
    samples = [read(name)[1] or name for name in data.sample_ids]
    if sample_name is not None:
        samples = [sample_name(name) for name in samples]
    if repeats := len(samples) - len(set(samples)):
        raise FormatError(
            f"by the link rule {repeats} names inside the table are samples that it names already"
        )
    return samples


def _digest(data: MatrixData, samples: list[str]) -> str:
    """Return the digest of what the matrix holds, whatever library stores it."""
    labels = (LAYOUT, data.x.shape, samples, data.feature_ids, sorted(data.features.items()))
    digest = hashlib.sha256(repr(labels).encode())
    digest.update(np.ascontiguousarray(data.x).data)
    return digest.hexdigest()[:24]


def _annotated(data: MatrixData, samples: list[str]) -> AnnData:
    """Return X with its labels; float32 where that loses nothing."""
    import anndata
    import pandas as pd

    with np.errstate(over="ignore"):
        small = data.x.astype(np.float32)
    x = small if np.array_equal(small, data.x, equal_nan=True) else data.x
    columns = {
        name.replace("/", "_"): list(values)  # Zarr reads / as a folder
        for name, values in data.features.items()
        if tuple(values) != data.feature_ids
    }
    return anndata.AnnData(
        X=x,
        obs=pd.DataFrame(index=pd.Index(samples, name="sample_id")),
        var=pd.DataFrame(columns, index=pd.Index(data.feature_ids, name="feature_id")),
    )


def _findings(
    data: MatrixData, samples: list[str], table: RegisteredTable, known_samples: pa.Table | None
) -> list[Finding]:
    findings = []
    if known_samples is not None:
        unknown = set(samples).difference(known_samples["sample_id"].to_pylist())
        if unknown:
            message = (
                f"{len(unknown)} of {len(samples)} samples are no harmonised samples; their rows are kept"
            )
            findings.append(Finding("samples_known", message, len(unknown)))
    if repeated := data.facts["repeated_features"]:
        message = f"{repeated} feature ids repeat in the table; repeats are numbered (#2, #3 …)"
        findings.append(Finding("features_unique", message, int(str(repeated)), "note"))
    registered = (table.facts.get("samples"), table.facts.get("features"))
    if registered != (len(samples), len(data.feature_ids)):
        message = (
            f"{len(samples)} × {len(data.feature_ids)} built, {registered[0]} × {registered[1]} registered"
        )
        findings.append(Finding("shape", message, severity="error"))
    return findings
