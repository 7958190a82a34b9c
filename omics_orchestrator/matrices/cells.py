"""Single-cell file sets become one matrix, cells × features. What is told of the cells: cell_columns.py.

X, layers and obsm that all sets have are kept; graphs, `varm`, `uns` and `raw` stay in the registered files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.errors import FormatError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.formats.feature_table import unique
from omics_orchestrator.formats.matrix_format import CellMatrix
from omics_orchestrator.matrices import cell_columns
from omics_orchestrator.matrices.columns import FeatureColumns
from omics_orchestrator.matrices.registered import RegisteredSet, verified
from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile
from omics_orchestrator.studies.sample_names import sample_reader

if TYPE_CHECKING:
    from anndata import AnnData

    from omics_orchestrator.storage.objects import Stores

LAYOUT = "1"  # raise it when the same content would be stored in another way


@dataclass
class Cells:
    """The cells of several file sets, one set at a time.

    Memory: the matrices of all sets as their files hold them, and each of X and the layers twice more while it is
    put together; sparse matrices stay sparse (50,000 cells with 80 million values: 2.7 GB at most, measured).
    """

    samples: list[str | None] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    _parts: list[AnnData] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _places: list[Any] = field(default_factory=list)
    _features: FeatureColumns = field(default_factory=FeatureColumns)
    _repeated: int = 0

    def add(self, part: AnnData, samples: Sequence[str | None], names: Sequence[str]) -> None:
        """Add the cells of a set: sample and name of each."""
        ids, repeated = unique([str(one) for one in part.var_names])
        self._repeated = max(self._repeated, repeated)
        self._places.append(self._features.add(ids, cell_columns.plain(part.var)))
        self.samples += samples
        self._names += [f"{one}:{name}" if one else name for one, name in zip(samples, names, strict=True)]
        self._parts.append(part)

    def stacked(self) -> AnnData:
        """Return all cells, named `sample:name`; a name that repeats is numbered (`S1:AAAC#2`).

        What a set does not list of the union of features is zero in a sparse matrix, NaN where all are dense.
        """
        import anndata
        import pandas as pd

        names, repeated = unique(self._names)
        if repeated:
            message = f"{counted(repeated, 'name')} of cells repeat within their sample; repeats are numbered (#2 …)"
            self.findings.append(Finding("samples_unique", message, repeated, "note"))
        if self._repeated:
            message = f"{self._repeated} feature ids repeat in a file; repeats are numbered (#2, #3 …)"
            self.findings.append(Finding("features_unique", message, self._repeated, "note"))
        layers = {
            name: self._matrix([part.layers.pop(name) for part in self._parts])
            for name in _in_all([part.layers for part in self._parts])
        }
        obs = cell_columns.stacked([part.obs for part in self._parts])
        obs.insert(0, "sample_id", pd.Series(self.samples, index=obs.index, dtype="category"))
        obs.index = pd.Index(names, name="cell_id")
        var = pd.DataFrame(self._features.agreeing(None), index=pd.Index(list(self._features.ids)))
        var.index.name = "feature_id"
        coordinates = _coordinates(self._parts)
        matrices = [part.X for part in self._parts]
        self._parts.clear()
        return anndata.AnnData(
            self._matrix(matrices),
            obs=obs,
            var=cell_columns.writable(var),
            layers=layers,
            obsm=coordinates,
        )

    def _matrix(self, parts: list[Any]) -> Any:
        """Return one matrix over the union of features; float32 where that loses nothing."""
        from scipy import sparse

        width = len(self._features.ids)
        if not any(sparse.issparse(part) for part in parts):
            whole = np.full((sum(map(len, parts)), width), np.nan)
            top = 0
            for part, places in zip(parts, self._places, strict=True):
                whole[top : top + len(part), places] = part
                top += len(part)
            return _small(whole)
        wide: list[Any] = []
        while parts:
            rows, places = sparse.csr_matrix(parts.pop(0)), self._places[len(wide)]
            kept = (_small(rows.data), places[rows.indices], rows.indptr)
            wide.append(sparse.csr_matrix(kept, shape=(rows.shape[0], width)))
        stacked = sparse.vstack(wide, format="csr")
        stacked.sum_duplicates()
        stacked.eliminate_zeros()
        stacked.data = _small(stacked.data)
        return stacked


def stack(
    sets: list[RegisteredSet], assay: Assay, stores: Stores, sample_name: Callable[[str], str] | None
) -> Cells:
    """Read every set and stack its cells.

    A cell bears the sample to which its set is linked or, where the format's `sample_column` is declared, the one
    that stands there, by the assay's link rule. A set that cannot be read is left out and told.

    Raises:
        DeliveryError: a file changed since it was registered.
        FormatError: the only set cannot be read.
    """
    format_ = assay.format
    assert isinstance(format_, CellMatrix)
    cells = Cells()
    for one in sets:
        try:
            with verified(stores, one.files) as opened:
                read = format_.read_cells(opened)
            if read.X is None:
                raise FormatError("no matrix")
            samples = _samples(read, one, assay, sample_name)
        except FormatError:
            if len(sets) == 1:
                raise
            cells.left_out[one.first.number] = "not to be read as cells × features"
            continue
        cells.findings += _findings(read, samples, one)
        names = cell_columns.names(read.obs_names, sample_name)
        read.obs = cell_columns.of_file(read.obs, sample_name)
        cells.add(read, samples, names)
    return cells


def digest(matrix: AnnData) -> str:
    """Return the digest of what the matrix holds, whatever library stores it."""
    whole = hashlib.sha256(repr((LAYOUT, matrix.shape)).encode())
    whole.update(cell_columns.digest(matrix.obs) + cell_columns.digest(matrix.var))
    arrays = {"X": matrix.X, **{f"layers/{name}": one for name, one in matrix.layers.items()}}
    arrays |= {f"obsm/{name}": one for name, one in matrix.obsm.items()}
    for name, values in sorted(arrays.items()):
        parts = [values] if isinstance(values, np.ndarray) else [values.indptr, values.indices, values.data]
        whole.update(repr((name, [str(part.dtype) for part in parts[-1:]], values.shape)).encode())
        for part in parts:
            steady = part.astype(np.int64) if part.dtype.kind == "i" else part
            whole.update(np.ascontiguousarray(steady).data)
    return whole.hexdigest()[:24]


def _samples(
    read: AnnData, of_set: RegisteredSet, assay: Assay, sample_name: Callable[[str], str] | None
) -> list[str | None]:
    """Return the sample of every cell in the study's spelling; None = the column is empty there."""
    column = getattr(assay.format, "sample_column", None)
    if column is None:
        return [of_set.first.linked[0]] * read.n_obs
    if column not in read.obs:
        raise FormatError(f'no column "{column}" with the samples of cells')
    told = [None if value is None else str(value) for value in cell_columns.plain(read.obs[[column]])[column]]
    spelled: dict[str | None, str | None] = {None: None, "": None}
    read_name = sample_reader(assay.link.in_file if isinstance(assay.link, NamesInFile) else InFile())
    for name in set(told) - {None, ""}:
        sample = read_name(str(name))[1] or str(name)
        spelled[name] = sample_name(sample) if sample_name else sample
    if of_set.sample is not None and len(set(told)) == 1:
        return [of_set.sample] * read.n_obs
    return [spelled[name] for name in told]


def _findings(read: AnnData, samples: Sequence[str | None], of_set: RegisteredSet) -> list[Finding]:
    number = of_set.first.number
    findings = []
    if nameless := sum(sample is None for sample in samples):
        message = f"registry file {number}: {counted(nameless, 'cell')} without a sample; they are kept"
        findings.append(Finding("samples_known", message, nameless))
    if others := read.uns.get("assays_left_out"):
        message = f"registry file {number}: {counted(others, 'assay')} beside the main one left out"
        findings.append(Finding("files_usable", message, others, "note"))
    for file in of_set.files.values():
        registered = (file.facts.get("n_obs", read.n_obs), file.facts.get("n_vars", read.n_vars))
        several = others or "matrices" in file.facts or "modalities" in file.facts
        if registered != read.shape and not several:
            message = f"{read.n_obs} × {read.n_vars} built, {registered[0]} × {registered[1]} registered"
            findings.append(Finding("shape", f"registry file {file.number}: {message}", severity="error"))
    return findings


def _in_all(slots: Sequence[Any]) -> list[str]:
    """Return the names that every part has, in the order of the first."""
    return [name for name in slots[0] if all(name in slot for slot in slots[1:])]


def _coordinates(parts: Sequence[AnnData]) -> dict[str, Any]:
    """Return the embeddings and the like that all parts have with the same width."""
    from scipy import sparse

    found = {}
    for name in _in_all([part.obsm for part in parts]):
        values = [part.obsm[name] for part in parts]
        values = [one.toarray() if sparse.issparse(one) else one for one in values]
        fits = all(
            isinstance(one, np.ndarray) and one.ndim == 2 and one.dtype.kind in "biuf" for one in values
        )
        if fits and len({one.shape[1] for one in values}) == 1:
            found[name.replace("/", "_")] = np.concatenate(values)
    return found


def _small(values: Any) -> Any:
    """Return float32 where that loses nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        small = values.astype(np.float32)
    same = np.array_equal(small, values, equal_nan=values.dtype.kind == "f")
    return small if same else values
