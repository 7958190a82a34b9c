"""The values of an AnnData group in HDF5, read in pieces: indices in range, codes, unique names, whole counts.

Shapes and encodings: anndata_slots.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import hdf5
from omics_orchestrator.formats.anndata_elements import Slots, columns, is_array, unmasked
from omics_orchestrator.formats.count_matrix import Counts, Order
from omics_orchestrator.formats.gene_ids import MOST, gene_id_system

MOST_SIDES = 50_000_000  # entries of indptr that are held
MOST_CATEGORIES = 1_000_000  # beyond it, categories are not looked at for repeats
ID_COLUMNS = ("gene_ids", "gene_id", "feature_id", "ensembl_id", "ensembl")
TOLD_COLUMNS = {"feature_types": "feature_types", "feature_type": "feature_types", "genome": "genome"}
MOST_TOLD = 20  # distinct values of a told column


def check_values(root: Any, slots: Slots) -> None:
    """Check all that `slots` lists, and add facts about names and counts.

    Raises:
        FormatError: an index or code points outside; indptr is no list of boundaries; X holds no numbers.
    """
    for place, codes, categories in slots.categoricals:
        _codes(place, codes, categories)
    for place, names in slots.names:
        check_names(place, names, slots)
    for place, _, mask in slots.nullable:
        if mask.dtype.kind != "b":
            slots.warnings.append(f"{place}: a mask that is not true or false")
    counted = _counted(root, slots)
    for place, group, rows, wide, is_csr in slots.sparse:
        check_sparse(place, group, (rows, wide), counted.get(place), slots, is_csr=is_csr)
    _dense(root, counted, slots)
    _tell_counts(counted, slots)
    _tell_genes(root, slots)


def _codes(place: str, codes: Any, categories: Any) -> None:
    number = int(categories.shape[0])
    for piece in hdf5.pieces(codes):
        if piece.size and (piece.max() >= number or (piece.dtype.kind == "i" and piece.min() < -1)):
            raise FormatError(f"{place}: a code that no category has")
    if number <= MOST_CATEGORIES and len(set(categories[:].tolist())) < number:
        raise FormatError(f"{place}: a category twice")


def check_names(place: str, names: Any, slots: Slots) -> None:
    """Count the names that repeat, by 64-bit digests; gene names are recognised."""
    import numpy as np

    if not hdf5.is_written(names):
        slots.warnings.append(f"the names of {place} were never stored")
        return
    digests = np.empty(names.shape[0], np.int64)
    at = 0
    for piece in hdf5.pieces(names):
        digests[at : at + len(piece)] = [hash(one) for one in piece.tolist()]
        at += len(piece)
    if repeats := at - len(np.unique(digests)):
        slots.warnings.append(f"{repeats} names of {place} repeat earlier ones")
    if place == "var":
        _tell_ids("gene_ids", strings(names), slots)


def strings(values: Any) -> Iterator[str]:
    """Yield the values of a list as texts."""
    return (hdf5.text(one) for piece in hdf5.pieces(values) for one in piece.tolist())


def _tell_ids(fact: str, names: Iterator[str], slots: Slots) -> None:
    system, share = gene_id_system(islice(names, MOST))
    slots.facts[fact] = system
    slots.facts[f"{fact}_share"] = share


def _counted(root: Any, slots: Slots) -> dict[str, Counts]:
    """Return place → counts to be told: X, raw, and the layer that is called counts."""
    found = {"X": Counts(slots.n_obs, slots.n_vars)} if slots.facts["x"] != "none" else {}
    if slots.facts["raw"]:
        found["raw X"] = Counts(slots.n_obs, int(str(slots.facts["raw_n_vars"])))
    layers = slots.facts["layers"]
    if isinstance(layers, list) and "counts" in layers:
        found[f"layers entry {layers.index('counts') + 1}"] = Counts(slots.n_obs, slots.n_vars)
    return found


def check_sparse(
    place: str, group: Any, sides: tuple[int, int], counts: Counts | None, slots: Slots, *, is_csr: bool
) -> None:
    """Check indptr and indices of a sparse matrix, and count what is to be counted."""
    import numpy as np

    minor = sides[1] if is_csr else sides[0]
    bounds = _bounds(place, group)
    indices, values = group["indices"], group["data"]
    if indices.dtype.kind not in "iu":
        raise FormatError(f"{place}: indices that are no whole numbers")
    if counts and values.dtype.kind not in "iufb":
        raise FormatError(f"{place} holds no numbers")
    order, start = Order(), 0
    for piece in hdf5.pieces(indices):
        if piece.min() < 0 or piece.max() >= minor:
            raise FormatError(f"{place}: an index outside of the matrix")
        stop = start + len(piece)
        first = int(np.searchsorted(bounds, start, "right")) - 1
        last = int(np.searchsorted(bounds, stop, "left"))
        lengths = np.diff(np.clip(bounds[first : last + 1], start, stop))
        major = np.repeat(np.arange(first, last), lengths)
        order.add(major, piece.astype(np.int64))
        if counts:
            counts.add_entries(major if is_csr else piece.astype(np.int64), values[start:stop])
        start = stop
    if order.repeats:
        slots.warnings.append(f"{place}: {order.repeats} entries are there twice")


def _bounds(place: str, group: Any) -> Any:
    """Return indptr, checked: from 0 to the number of entries, never back."""
    import numpy as np

    indptr = group["indptr"]
    if indptr.shape[0] > MOST_SIDES:
        raise FormatError(f"{place}: more than {MOST_SIDES} rows")
    if indptr.dtype.kind not in "iu":
        raise FormatError(f"{place}: indptr that are no whole numbers")
    bounds = indptr[:].astype(np.int64)
    if bounds[0] != 0 or bounds[-1] != group["indices"].shape[0]:
        raise FormatError(f"{place}: indptr does not lead from 0 to the number of entries")
    if (steps := np.flatnonzero(np.diff(bounds) < 0)).size:
        raise FormatError(f"{place}: indptr goes back", record=int(steps[0]) + 1)
    return bounds


def _dense(root: Any, counted: dict[str, Counts], slots: Slots) -> None:
    """Count the dense ones of X, raw X and layers/counts."""
    raw = root.get("raw")
    arrays = {"X": root.get("X"), "raw X": root["raw.X"] if raw is None and "raw.X" in root else None}
    if raw is not None and slots.facts["raw"]:
        arrays["raw X"] = raw["X"]
    for place, counts in counted.items():
        matrix = arrays[place] if place in arrays else root["layers"]["counts"]
        if not is_array(matrix):
            continue
        if matrix.dtype.kind not in "iufb":
            raise FormatError(f"{place} holds no numbers")
        if not hdf5.is_written(matrix):
            slots.warnings.append(f"the values of {place} were never stored")
            continue
        for first, block in hdf5.tiles(matrix):
            counts.add_rows(first, block)


def _tell_counts(counted: dict[str, Counts], slots: Slots) -> None:
    """Add the facts of the first whole one of raw X, the layer counts, X."""
    order = sorted(counted, key=lambda place: (place == "X", place.startswith("layers")))
    whole = [place for place in order if counted[place].whole and counted[place].stored]
    slots.facts["integer_counts_in"] = ["layers/counts" if one.startswith("layers") else one for one in whole]
    if told := whole or order:
        slots.facts |= counted[told[0]].facts()
    for place, counts in counted.items():
        if counts.not_finite:
            slots.warnings.append(f"{place}: {counts.not_finite} values are no finite numbers")


def _tell_genes(root: Any, slots: Slots) -> None:
    """Add feature types, genome and the id system of a column of `var` with gene ids."""
    var = root["var"]
    if is_array(var):
        return
    for name in columns(var):
        if name in TOLD_COLUMNS:
            slots.facts[TOLD_COLUMNS[name]] = tally(cells(var[name]))
        elif name in ID_COLUMNS:
            _tell_ids(f"var_{name}", cells(var[name]), slots)


def cells(column: Any) -> Iterator[str]:
    """Yield the texts of a column, categorical or not; a cell without a value is empty."""
    if not is_array(column) and "codes" in column:
        categories = [*strings(unmasked(column["categories"])), ""]  # the code -1 is the last one
        for piece in hdf5.pieces(column["codes"]):
            yield from (categories[code] for code in piece.tolist())
    else:
        yield from strings(unmasked(column))


def tally(values: Iterator[str]) -> dict[str, JsonValue]:
    """Return how often each value occurs, the most frequent first; at most 20."""
    return dict[str, JsonValue](Counter(values).most_common(MOST_TOLD))
