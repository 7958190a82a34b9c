"""The objects that an .rds file may hold, taken apart: Seurat, SummarizedExperiment and SingleCellExperiment.

Everything is checked against everything else here; what is said of them: rds_facts.py, values: rds_read.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rdata.parser import RObject

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_assay import Assay, assay, is_assay
from omics_orchestrator.formats.rds_matrix import Matrix, is_matrix, matrix
from omics_orchestrator.formats.rds_plain import is_empty
from omics_orchestrator.formats.rds_values import (
    Frame,
    attributes,
    check_factor,
    classes,
    elements,
    frame,
    is_frame,
    length,
    text,
    texts,
    variable,
)

EXPERIMENTS = {
    "SummarizedExperiment",
    "RangedSummarizedExperiment",
    "SingleCellExperiment",
    "SpatialExperiment",
    "DESeqDataSet",
    "TreeSummarizedExperiment",
}


@dataclass(frozen=True)
class Reduction:
    """A Seurat `DimReduc`: coordinates of cells, and what led to them."""

    name: str
    cells: Matrix
    assay: str
    node: RObject = field(repr=False)


@dataclass(frozen=True)
class Seurat:
    """A Seurat object (version 3 and later), checked but not yet built.

    `cells` in the order of the metadata; `other` are assays of a class that is not read.
    """

    assays: dict[str, Assay]
    other: dict[str, str]
    cells: list[str]
    metadata: Frame
    active_assay: str
    reductions: dict[str, Reduction]
    graphs: dict[str, Matrix]
    slots: dict[str, RObject] = field(repr=False)


def seurat(node: RObject) -> Seurat:
    """Take a Seurat object apart.

    Raises:
        FormatError: a part is missing or does not fit the others.
    """
    slots = attributes(node)
    if "meta.data" not in slots or "assays" not in slots:
        raise FormatError("a Seurat object without assays or metadata of cells")
    metadata = frame(slots["meta.data"], "the metadata of cells")
    if isinstance(metadata.rows, int) and metadata.rows:
        raise FormatError("the metadata of cells has no names of cells")
    cells = list(metadata.rows) if isinstance(metadata.rows, list) else []
    if len(set(cells)) != len(cells):
        raise FormatError("two cells with the same name")
    found = elements(slots["assays"])
    assays = {
        name: assay(one, number) for number, (name, one) in enumerate(found.items(), start=1) if is_assay(one)
    }
    other = {name: ".".join(classes(one)) for name, one in found.items() if name not in assays}
    known = set(cells)
    if not is_empty(ident := slots.get("active.ident")) and ident is not None:
        check_factor(ident, "the active identity")
        if length(ident) != len(cells):
            raise FormatError(f"{length(ident)} identities for {len(cells)} cells")
    for number, one in enumerate(assays.values(), start=1):
        if not known.issuperset(one.cells):
            raise FormatError(f"assay {number} has cells that the metadata of cells does not have")
    return Seurat(
        assays,
        other,
        cells,
        metadata,
        text(slots.get("active.assay")),
        _reductions(slots.get("reductions"), known),
        _graphs(slots.get("graphs")),
        slots,
    )


def _reductions(node: RObject | None, cells: set[str]) -> dict[str, Reduction]:
    found = {}
    for number, (name, one) in enumerate(elements(node).items(), start=1):
        slots = attributes(one)
        embedded = slots.get("cell.embeddings")
        if embedded is None or not is_matrix(embedded):
            raise FormatError(f"reduction {number} has no coordinates")
        read = matrix(embedded, f"reduction {number}")
        if len(read.rows) != read.shape[0] or not cells.issuperset(read.rows):
            raise FormatError(f"reduction {number}: its cells are not those of the object")
        found[name] = Reduction(name, read, text(slots.get("assay.used")), one)
    return found


def _graphs(node: RObject | None) -> dict[str, Matrix]:
    return {
        name: matrix(one, f"graph {number}")
        for number, (name, one) in enumerate(elements(node).items(), start=1)
        if is_matrix(one)
    }


@dataclass(frozen=True)
class Experiment:
    """A SummarizedExperiment or what extends it, checked but not yet built.

    Attributes:
        assays: name → matrix, features × samples; `outside` those of other packages or files.
        features: names, empty where it has none.
        samples: names of samples or cells; made of their position where it has none.
        columns: metadata of samples or cells.
        rows: metadata of features, in the order in which R would bind them.
        reductions: name → matrix, cells × dimensions.
        others: alternative experiments (`altExps`), by name.
        main: what the main experiment is called; empty where it is not.
        slots: of the object.
    """

    assays: dict[str, Matrix]
    outside: list[str]
    features: list[str]
    samples: list[str]
    columns: RObject | None
    rows: list[RObject]
    reductions: dict[str, Matrix]
    others: dict[str, Experiment]
    main: str
    slots: dict[str, RObject] = field(repr=False)


def experiment(node: RObject, what: str = "") -> Experiment:
    """Take a SummarizedExperiment apart.

    Raises:
        FormatError: a part is missing or does not fit the others.
    """
    slots = attributes(node)
    assays, outside = {}, []
    for number, (name, one) in enumerate(_assays(slots.get("assays")).items(), start=1):
        if is_matrix(one):
            assays[name] = matrix(one, f"{what}assay {number}")
        else:
            outside.append(name)
    shapes = {one.shape for one in assays.values()}
    columns = slots.get("colData")
    features, samples = _row_names(slots), _column_names(columns)
    n_rows, n_columns = _sides(shapes, columns, len(features), what)
    features = features or next((one.rows for one in assays.values() if one.rows), [])
    samples = samples or next((one.columns for one in assays.values() if one.columns), [])
    if len(features) not in {0, n_rows} or len(samples) not in {0, n_columns}:
        raise FormatError(f"{what}names of features or samples that do not fit the assays")
    internal = _frame_columns(slots.get("int_colData"))
    return Experiment(
        assays,
        outside,
        features,
        samples or [str(n + 1) for n in range(n_columns)],
        columns,
        _row_frames(slots, n_rows),
        _reduced(internal.get("reducedDims"), n_columns, what),
        _others(internal.get("altExps")),
        text(elements(slots.get("int_metadata")).get("mainExpName")),
        slots,
    )


def _assays(node: RObject | None) -> dict[str, RObject]:
    """Return the matrices; objects of before 2020 hold them in an environment.

    It is that of a reference class, whose field `data` lies in the variable `.->data`.
    """
    if node is None:
        return {}
    slots = attributes(node)
    held = slots.get("data") or variable(slots.get(".xData"), ".->data") or node
    if "listData" in attributes(held):
        return elements(attributes(held)["listData"])
    return {} if is_empty(held) else {"assays": held}


def _sides(shapes: set[tuple[int, int]], columns: RObject | None, n_named: int, what: str) -> tuple[int, int]:
    """Return numbers of features and samples; all assays and the metadata must agree."""
    if len(shapes) > 1:
        raise FormatError(f"{what}assays of different shapes")
    n_samples = frame(columns, f"{what}the metadata of samples").n_rows if columns else 0
    n_rows, n_columns = next(iter(shapes), (n_named, n_samples))
    if columns and n_samples != n_columns:
        raise FormatError(f"{what}{n_samples} rows of metadata for {n_columns} samples")
    return n_rows, n_columns


def _row_names(slots: dict[str, RObject]) -> list[str]:
    """Return the names of features: of the object, or of its ranges."""
    ranges = attributes(slots["rowRanges"]) if "rowRanges" in slots else {}
    inner = [attributes(ranges[name]).get("NAMES") for name in ("partitioning", "ranges") if name in ranges]
    return next((found for node in (slots.get("NAMES"), *inner) if (found := texts(node))), [])


def _column_names(columns: RObject | None) -> list[str]:
    rows = frame(columns, "the metadata of samples").rows if columns else 0
    return rows if isinstance(rows, list) else []


def _row_frames(slots: dict[str, RObject], n_rows: int) -> list[RObject]:
    """Return the data frames of features: of the ranges, and of the object itself."""
    ranges = attributes(slots["rowRanges"]) if "rowRanges" in slots else {}
    found = [ranges.get("elementMetadata"), slots.get("elementMetadata")]
    return [one for one in found if one and is_frame(one) and frame(one, "features").n_rows == n_rows]


def _frame_columns(node: RObject | None) -> dict[str, RObject]:
    return frame(node, "internal metadata").columns if node and is_frame(node) else {}


def _reduced(node: RObject | None, n_columns: int, what: str) -> dict[str, Matrix]:
    """Return reduced dimensions; a `LinearEmbeddingMatrix` holds its coordinates in a slot."""
    found = {}
    for number, (name, one) in enumerate(_frame_columns(node).items(), start=1):
        inner = attributes(one).get("sampleFactors", one)
        if is_matrix(inner):
            found[name] = matrix(inner, f"{what}reduced dimensions {number}")
            if found[name].shape[0] != n_columns:
                raise FormatError(f"{what}reduced dimensions {number} have another number of cells")
    return found


def _others(node: RObject | None) -> dict[str, Experiment]:
    """Return alternative experiments, each wrapped in a `SummarizedExperimentByColumn`."""
    found = {}
    for number, (name, one) in enumerate(_frame_columns(node).items(), start=1):
        inner = attributes(one).get("se", one)
        if is_experiment(inner) and not is_empty(inner):
            found[name] = experiment(inner, f"alternative experiment {number}: ")
    return found


def is_seurat(node: RObject) -> bool:
    """Tell whether a node is a Seurat object of version 3 or later."""
    return "Seurat" in classes(node)


def is_experiment(node: RObject) -> bool:
    """Tell whether a node is a SummarizedExperiment or what extends it."""
    return bool(EXPERIMENTS & set(classes(node))) or {"colData", "assays"} <= set(attributes(node))
