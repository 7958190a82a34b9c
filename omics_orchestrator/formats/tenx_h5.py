"""The matrix of 10x in HDF5: Cell Ranger 3 and later (one group `matrix`) and 2 (one group per genome).

Source: 10x Genomics, "HDF5 Feature-Barcode Matrix Format". Columns (cells) are compressed: indptr leads through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.anndata_elements import Slots, is_array
from omics_orchestrator.formats.anndata_values import check_names, check_sparse, strings, tally
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.count_matrix import Counts
from omics_orchestrator.formats.gene_ids import MOST, gene_id_system
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.tenx_text import GENES

PARTS = ("barcodes", "data", "indices", "indptr", "shape")
TOLD = ("chemistry_description", "software_version", "version")
MOST_GENOMES = 100


def inspect_h5(file: OpenFile, facts: dict[str, JsonValue]) -> tuple[list[str], tuple[str, ...]]:
    """Check every matrix of the file and fill `facts`; returns warnings and places that may identify someone.

    Raises:
        FormatError: no 10x matrix; lengths that do not fit; an index outside of the matrix.
    """
    with hdf5.opened(file, "10x matrix") as content:
        facts |= {name: hdf5.text(content.attrs[name])[:100] for name in TOLD if name in content.attrs}
        if "original_gem_groups" in content.attrs:
            facts["gem_groups"] = len(hdf5.texts(content.attrs["original_gem_groups"]))
        identifying = suspicious(islice(_entries(content), hdf5.MOST_ENTRIES))
        groups = matrices(content)
        is_old = "features" not in groups[0][1]
        facts["layout"] = "Cell Ranger 2" if is_old else "Cell Ranger 3 and later"
        warnings, found = list[str](), list[dict[str, JsonValue]]()
        for number, (_, group) in enumerate(groups, 1):
            place = "the matrix" if len(groups) == 1 else f"matrix {number}"
            found.append(_matrix(place, group, warnings))
    facts |= found[0]
    if is_old:
        facts["genome"] = {name: one["n_vars"] for (name, _), one in zip(groups, found, strict=True)}
    if len(groups) > 1:
        facts["matrices"] = list[JsonValue](found)
    return warnings, identifying


def matrices(content: Any) -> list[tuple[str, Any]]:
    """Return (genome or `matrix`, group) of the matrices; at most 100."""
    groups = [(str(name), group) for name, group in content.items() if not is_array(group)]
    found = [one for one in groups if all(part in one[1] for part in PARTS)]
    if not found or len(found) > MOST_GENOMES:
        raise FormatError("no matrix of 10x: no group with barcodes, data, indices, indptr and shape")
    for _, group in found:
        if "genes" not in group and ("features" not in group or "id" not in group["features"]):
            raise FormatError("a matrix of 10x without its features")
    return found


def features(group: Any) -> dict[str, Any]:
    """Return name → array of what is told of the features: `id`, `name`, and where there `feature_type`, `genome`."""
    if "features" in group:
        told = group["features"]
        return {name: told[name] for name in ("id", "name", "feature_type", "genome") if name in told}
    return {name: group[old] for name, old in (("id", "genes"), ("name", "gene_names")) if old in group}


def _matrix(place: str, group: Any, warnings: list[str]) -> dict[str, JsonValue]:
    """Check one matrix and return its facts."""
    sides = [int(side) for side in group["shape"][:]]
    if len(sides) != 2 or min(sides) < 0:
        raise FormatError(f"{place}: its shape is not two numbers")
    n_vars, n_obs = sides
    wanted = {"barcodes": n_obs, "indptr": n_obs + 1, "data": group["indices"].shape[0]}
    lengths = {name: (group[name], length) for name, length in wanted.items()}
    lengths |= {f"features/{name}": (told, n_vars) for name, told in features(group).items()}
    for name, (part, length) in lengths.items():
        if part.shape != (length,):
            raise FormatError(f"{place}: {name} has the shape {part.shape}, but there must be {length}")
    slots, counts = Slots(), Counts(n_obs, n_vars)
    check_names("barcodes", group["barcodes"], slots)
    check_names("features", features(group)["id"], slots)
    check_sparse(place, group, (n_obs, n_vars), counts, slots, is_csr=True)
    if not counts.whole:
        slots.warnings.append(f"{place}: values that are no whole numbers: no counts of Cell Ranger")
    warnings += slots.warnings
    return {"n_obs": n_obs, "n_vars": n_vars, **counts.facts(), **_told(group)}


def _told(group: Any) -> dict[str, JsonValue]:
    """Return feature types, genomes and the naming system of the genes."""
    told = features(group)
    ids = strings(told["id"])
    if "feature_type" in told:
        ids = (one for one, kind in zip(ids, strings(told["feature_type"]), strict=True) if kind == GENES)
    system, share = gene_id_system(islice(ids, MOST))
    types: dict[str, JsonValue] = {GENES: int(told["id"].shape[0])}
    if "feature_type" in told:
        types = tally(strings(told["feature_type"]))
    facts: dict[str, JsonValue] = {"gene_ids": system, "gene_ids_share": share, "feature_types": types}
    if "genome" in told:
        facts["genome"] = {name: count for name, count in tally(strings(told["genome"])).items() if name}
    return facts


def _entries(content: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the texts of the file's attributes, library ids among them."""
    yield from hdf5.attribute_texts(content, "the file's")
    for one in hdf5.texts(content.attrs.get("library_ids", ()))[: hdf5.MOST_ENTRIES]:
        yield "library_ids", "library_ids", one[: hdf5.SMALL_TEXT]
