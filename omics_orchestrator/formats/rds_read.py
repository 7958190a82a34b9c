"""The object of an .rds file as AnnData, or as MuData where it holds several assays or experiments.

Where what goes: rds_seurat.py and rds_experiment.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.rds_experiment import experiment_to_anndata
from omics_orchestrator.formats.rds_objects import experiment, is_experiment, is_seurat, seurat
from omics_orchestrator.formats.rds_parse import BAD_CONTENT, parse
from omics_orchestrator.formats.rds_plain import not_representable
from omics_orchestrator.formats.rds_seurat import seurat_to_anndata
from omics_orchestrator.formats.rds_values import classes

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

BLOCK = 1024 * 1024  # bytes read at once


def read_rds(path: Path) -> AnnData | MuData:
    """Read a Seurat object (3 to 5), SingleCellExperiment or SummarizedExperiment.

    `X` and `layers` are cells × features, with the values as R holds them; `uns["x_layer"]` says which layer `X`
    is. What has no place in AnnData is in `uns["seurat"]` or `uns["experiment"]`, its slots listed in
    `uns["kept"]`; functions, environments and the like are listed in `uns["not_representable"]`.

    Raises:
        FormatError: no such object, cut off or damaged.
    """
    root = parse(_blocks(path), keep=True).root
    try:
        if is_seurat(root):
            made = seurat_to_anndata(seurat(root))
        elif is_experiment(root):
            made = experiment_to_anndata(experiment(root))
        else:
            raise FormatError(
                f"it holds {(classes(root) or (root.info.type.name.lower(),))[0]},"
                " no Seurat object, SingleCellExperiment or SummarizedExperiment"
            )
    except BAD_CONTENT as error:
        raise FormatError(f"an object of R whose parts do not fit ({type(error).__name__})") from error
    made.uns["not_representable"] = not_representable(root)
    return made


def main_assay(made: AnnData | MuData) -> AnnData:
    """Return the active assay of a Seurat object or the main experiment, with the metadata of its cells.

    `uns["assays_left_out"]` counts the others; embeddings of the whole object are kept.
    """
    from anndata import AnnData

    if isinstance(made, AnnData):
        return made
    active = made.uns.get("seurat", {}).get("active.assay")
    name = active if active in made.mod else next(iter(made.mod))
    chosen: AnnData = made.mod[name].copy()
    cells = made.obs_names.get_indexer(chosen.obs_names)
    chosen.obs = made.obs.iloc[cells]
    for key, values in made.obsm.items():
        if key not in made.mod:
            chosen.obsm[key] = values[cells]
    chosen.uns["assays_left_out"] = len(made.mod) - 1
    return chosen


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
