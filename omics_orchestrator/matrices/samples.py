"""Tables of samples become one matrix: rows are stacked over the union of features. Single cells: cells.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from omics_orchestrator.errors import DeliveryError, FormatError
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.formats.feature_table import MatrixData, unique
from omics_orchestrator.formats.matrix_format import SampleMatrix
from omics_orchestrator.matrices.columns import FeatureColumns
from omics_orchestrator.matrices.registered import RegisteredFile, RegisteredSet, verified
from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile
from omics_orchestrator.studies.sample_names import sample_reader

if TYPE_CHECKING:
    from anndata import AnnData

    from omics_orchestrator.storage.objects import Stores

LAYOUT = "1"  # raise it when the same content would be stored in another way


@dataclass
class Rows:
    """Rows of several files, stacked one file at a time.

    Memory: the numbers of all files, and once more the whole matrix (float64, samples × union of features).
    """

    absent: float
    samples: list[str] = field(default_factory=list)
    features: FeatureColumns = field(default_factory=FeatureColumns)
    findings: list[Finding] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    repeated_features: int = 0
    _blocks: list[tuple[Any, Any]] = field(default_factory=list)
    _levels: set[str] = field(default_factory=set)

    def add(self, data: MatrixData, samples: list[str]) -> None:
        """Add the rows of a file.

        Raises:
            DeliveryError: it is of another level (transcripts, genes; species, genera) than the files before.
        """
        self._levels.add(str(data.facts.get("level", "")))
        if len(self._levels) > 1:
            raise DeliveryError(
                "the files are of several levels (transcripts and genes, species and genera …): "
                "declare an assay for each"
            )
        self.samples += samples
        self._blocks.append((data.x, self.features.add(data.feature_ids, data.features)))
        self.repeated_features = max(self.repeated_features, int(str(data.facts["repeated_features"])))

    def stacked(self) -> MatrixData:
        """Return all rows; what a file does not list is `absent`. A sample's second row is `S1#2`."""
        names, repeated = unique(self.samples)
        if repeated:
            message = (
                f"{counted(repeated, 'sample')} come in more than one row; repeats are numbered (#2, #3 …)"
            )
            self.findings.append(Finding("samples_unique", message, repeated))
        x = np.full((len(names), len(self.features.ids)), self.absent)
        top = 0
        for values, places in self._blocks:
            x[top : top + len(values), places] = values
            top += len(values)
        self._blocks.clear()
        return MatrixData(x, names, tuple(self.features.ids), self.features.agreeing(), {})


def stack(
    sets: list[RegisteredSet], assay: Assay, stores: Stores, sample_name: Callable[[str], str] | None
) -> Rows:
    """Read every file and stack its rows.

    A row bears the sample to which its set is linked where the file holds one sample, else the name inside the file
    by the assay's link rule. A file that cannot be read is left out and told.

    Raises:
        DeliveryError: a file changed since it was registered; files of several levels.
        FormatError: the only file cannot be read.
    """
    format_ = assay.format
    assert isinstance(format_, SampleMatrix)
    rows = Rows(format_.absent)
    files = [(key, file, one) for one in sets for key, file in one.files.items()]
    for key, file, of_set in files:
        try:
            with verified(stores, {key: file}) as opened:
                data = format_.read(opened[key])
            samples = _sample_ids(data, of_set, assay, sample_name)
        except FormatError:
            if len(files) == 1:
                raise
            rows.left_out[file.number] = "not to be read, or names a sample twice"
            continue
        if not samples:
            rows.left_out[file.number] = "without a sample (controls only?)"
            continue
        rows.findings += _shape(data, file, of_several=len(files) > 1)
        rows.add(data, samples)
    return rows


def digest(data: MatrixData) -> str:
    """Return the digest of what the matrix holds, whatever library stores it."""
    labels = (LAYOUT, data.x.shape, list(data.sample_ids), data.feature_ids, sorted(data.features.items()))
    whole = hashlib.sha256(repr(labels).encode())
    whole.update(np.ascontiguousarray(data.x).data)
    return whole.hexdigest()[:24]


def annotated(data: MatrixData, samples: list[str]) -> AnnData:
    """Return X with its labels; float32 where that loses nothing; `obs` has sample_id where a sample has two rows."""
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
    obs = pd.DataFrame(index=pd.Index(list(data.sample_ids), name="sample_id"))
    if list(data.sample_ids) != samples:
        obs.index.name = None
        obs["sample_id"] = samples
    return anndata.AnnData(
        X=x, obs=obs, var=pd.DataFrame(columns, index=pd.Index(data.feature_ids, name="feature_id"))
    )


def _sample_ids(
    data: MatrixData, of_set: RegisteredSet, assay: Assay, sample_name: Callable[[str], str] | None
) -> list[str]:
    """Return the sample ids in the study's spelling."""
    if of_set.sample is not None and len(data.sample_ids) == 1:
        return [of_set.sample]
    read = sample_reader(assay.link.in_file if isinstance(assay.link, NamesInFile) else InFile())
    samples = [read(name)[1] or name for name in data.sample_ids]
    if sample_name is not None:
        samples = [sample_name(name) for name in samples]
    if repeats := len(samples) - len(set(samples)):
        raise FormatError(
            f"by the link rule {repeats} names inside the table are samples that it names already"
        )
    return samples


def _shape(data: MatrixData, file: RegisteredFile, *, of_several: bool) -> Iterator[Finding]:
    """Tell when a file gives another shape than was registered."""
    built = (len(data.sample_ids), len(data.feature_ids))
    registered = (file.facts.get("samples", built[0]), file.facts.get("features"))
    if registered != built:
        message = f"{built[0]} × {built[1]} built, {registered[0]} × {registered[1]} registered"
        message = f"registry file {file.number}: {message}" if of_several else message
        yield Finding("shape", message, severity="error")
