"""The slots of an AnnData group: which there are, and whether their shapes and encodings fit together.

What an element is: anndata_elements.py. Values are looked at in anndata_values.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.anndata_elements import (
    Slots,
    check_version,
    columns,
    encoding,
    frame,
    is_array,
    shape,
)
from omics_orchestrator.formats.hdf5 import text

MAPPINGS = {"layers": "ov", "obsm": "o", "varm": "v", "obsp": "oo", "varp": "vv"}
"""Slot → which axes the first sides of its entries are: o = obs, v = var."""


def read_slots(root: Any, slots: Slots) -> None:
    """Fill `slots` from an AnnData group; what is found before a fault stays.

    Raises:
        FormatError: a part is missing, or sides do not fit. Places are named by slot and number, not by name.
    """
    for part in ("obs", "var"):
        if part not in root:
            raise FormatError(f"no {part}: not an AnnData file")
    check_version(root, "the file", slots)
    slots.n_obs, slots.n_vars = frame(root["obs"], "obs", slots), frame(root["var"], "var", slots)
    slots.facts |= {
        "n_obs": slots.n_obs,
        "n_vars": slots.n_vars,
        "obs_columns": list[JsonValue](columns(root["obs"])),
        "var_columns": list[JsonValue](columns(root["var"])),
        "raw": "raw" in root or "raw.X" in root,
        "layout": _layout(root),
        "encoding_version": text(root.attrs.get("encoding-version", "")),
    }
    slots.facts["x"] = _matrix(root, slots)
    for slot, axes in MAPPINGS.items():
        slots.facts[slot] = list[JsonValue](_mapping(root, slot, axes, slots))
    _raw(root, slots)


def _layout(root: Any) -> str:
    """Return which anndata wrote this: since 0.8 each element states its encoding."""
    if is_array(root["obs"]):
        return "before 0.7"
    return "0.8 and later" if "encoding-type" in root.attrs else "0.7"


def _matrix(root: Any, slots: Slots) -> str:
    """Check X and return how it is stored: `dense`, `csr_matrix`, `csc_matrix` or `none`."""
    if "X" not in root or encoding(root["X"]) == "null":
        if "encoding-type" not in root.attrs and "X" not in root:
            raise FormatError("no X: not an AnnData file")
        return "none"
    sides = shape(root["X"], "X", slots)
    if sides != (slots.n_obs, slots.n_vars):
        raise FormatError(
            f"X has the shape {sides}, but obs and var have {slots.n_obs} and {slots.n_vars} rows"
        )
    return "dense" if is_array(root["X"]) else encoding(root["X"])


def _mapping(root: Any, slot: str, axes: str, slots: Slots) -> list[str]:
    """Check the entries of layers, obsm …; returns their names, sorted."""
    if slot not in root:
        return []
    if is_array(root[slot]):  # before 0.7 obsm and varm were one compound array
        _fits((root[slot].shape[0],), axes[:1], slot, slots)
        return list(root[slot].dtype.names or ())
    names = sorted(root[slot])
    for number, name in enumerate(names, 1):
        place = f"{slot} entry {number}"
        if (sides := shape(root[slot][name], place, slots)) is None:
            slots.warnings.append(f"{place} has an encoding that is not known here: not checked")
            continue
        _fits(sides, axes, place, slots)
    return names


def _fits(sides: tuple[int, ...], axes: str, place: str, slots: Slots) -> None:
    """Refuse an entry whose first sides are not those of the axes."""
    wanted = tuple(slots.n_obs if axis == "o" else slots.n_vars for axis in axes)
    if sides[: len(wanted)] != wanted or (len(axes) == 2 and len(sides) != 2):
        stated = " × ".join(map(str, wanted))
        raise FormatError(f"{place} has the shape {sides}, but its first sides must be {stated}")


def _raw(root: Any, slots: Slots) -> None:
    """Check raw: X and var with genes of its own, the cells of the whole."""
    old = {part: root[f"raw.{part}"] for part in ("X", "var", "varm") if f"raw.{part}" in root}
    raw = root.get("raw", old)
    if not raw or (not isinstance(raw, dict) and encoding(raw) == "null"):
        slots.facts["raw"] = False
        return
    for part in ("X", "var"):
        if part not in raw:
            raise FormatError(f"raw has no {part}")
    if not isinstance(raw, dict):
        check_version(raw, "raw", slots)
    n_raw = frame(raw["var"], "raw var", slots)
    slots.facts["raw_n_vars"] = n_raw
    sides = shape(raw["X"], "raw X", slots)
    if sides != (slots.n_obs, n_raw):
        raise FormatError(
            f"raw X has the shape {sides}, but there are {slots.n_obs} cells and {n_raw} genes in raw"
        )
    if "varm" in raw and not is_array(raw["varm"]):
        inner = Slots(n_vars=n_raw)
        _mapping(raw, "varm", "v", inner)
        slots.warnings += inner.warnings


def uns_nodes(root: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (place, name, array) of the arrays below uns, at most 1,000, three levels deep."""
    stack = [("uns", root["uns"], 0)] if "uns" in root and not is_array(root["uns"]) else []
    seen = 0
    while stack and seen < 1000:
        place, group, depth = stack.pop()
        for number, name in enumerate(sorted(group), 1):
            node, seen = group[name], seen + 1
            if is_array(node):
                yield f"{place} entry {number}", name, node
            elif depth < 3:
                stack.append((f"{place} entry {number}", node, depth + 1))
