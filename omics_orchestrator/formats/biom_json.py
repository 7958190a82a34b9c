"""BIOM version 1: one JSON object (https://biom-format.org/documentation/format_versions/biom-1.0.html)."""

from __future__ import annotations

import json
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.biom_parts import BiomParts, as_text
from omics_orchestrator.formats.matrix_table import Found
from omics_orchestrator.formats.text import Lines

LARGEST = 256 * 1024**2  # bytes of JSON, ten times as much in memory; larger tables come as HDF5
REQUIRED = [
    "id",
    "format",
    "format_url",
    "type",
    "generated_by",
    "date",
    "rows",
    "columns",
    "matrix_type",
    "matrix_element_type",
    "shape",
    "data",
]
MOST = 100  # kinds of metadata that are kept


def load(file: OpenFile, found: Found) -> Any:
    """Return the JSON of a whole file, of at most 256 MiB."""
    lines = Lines(file.blocks())
    pieces, size = [], 0
    for piece in lines.text():
        size += len(piece)
        if size > LARGEST:
            raise FormatError(f"more than {LARGEST >> 20} MiB of JSON")
        pieces.append(piece)
    found.facts["compression"] = lines.compression
    try:
        return json.loads(b"".join(pieces), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise FormatError(f"line {error.lineno}: no JSON, or cut off") from None
    except (ValueError, RecursionError):
        raise FormatError("no JSON: not UTF-8, nested too deep, or a number that JSON has not") from None


def _refuse(_: str) -> None:
    raise ValueError


def read(file: OpenFile, found: Found) -> BiomParts:
    """Read the parts of a table."""
    table = load(file, found)
    if not isinstance(table, dict):
        raise FormatError("no BIOM table: the JSON is no object")
    if lacking := [name for name in REQUIRED if name not in table]:
        raise FormatError(f"the required entry {lacking[0]} is missing")
    found.facts["version"] = str(table["format"])[:40]
    shape = table["shape"]
    if not (isinstance(shape, list) and len(shape) == 2 and all(_is_count(side) for side in shape)):
        raise FormatError("the shape is not two whole numbers")
    element, layout = table["matrix_element_type"], table["matrix_type"]
    if element not in ("int", "float"):
        raise FormatError("the entries are no numbers (matrix_element_type)")
    if layout not in ("sparse", "dense"):
        raise FormatError("matrix_type is neither sparse nor dense")
    found.facts["matrix"] = layout
    entries = _entries(table["data"], layout, shape, whole=element == "int")
    return BiomParts(
        as_text(table["type"]),
        (shape[0], shape[1]),
        _ids(table["rows"], "observation"),
        _ids(table["columns"], "sample"),
        *entries,
        metadata=_metadata(table["rows"]),
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**63 and (not whole or value == int(value))


def _ids(items: Any, what: str) -> list[str]:
    if not isinstance(items, list):
        raise FormatError(f"the {what}s are no list")
    for number, item in enumerate(items, 1):
        if not (isinstance(item, dict) and isinstance(item.get("id"), str)):
            raise FormatError(f"{what} {number} has no id")
    return [item["id"] for item in items]


def _entries(data: Any, layout: str, shape: list[int], *, whole: bool) -> tuple[Any, Any, Any]:
    """Return rows, columns and values of the entries."""
    import numpy as np

    if not isinstance(data, list):
        raise FormatError("the data are no list")
    triples = []
    for number, entry in enumerate(data, 1):
        good = isinstance(entry, list) and len(entry) == (3 if layout == "sparse" else shape[1])
        if good and layout == "sparse":
            good = _is_count(entry[0]) and _is_count(entry[1])
        if not good or not all(_is_number(value, whole=whole) for value in entry[2 * (layout == "sparse") :]):
            raise FormatError("not the numbers that matrix_type and shape say", record=number)
        if layout == "sparse":
            triples.append(entry)
        else:
            triples += [(number - 1, column, value) for column, value in enumerate(entry) if value]
    if layout == "dense" and len(data) != shape[0]:
        raise FormatError("the data have not as many rows as the shape says")
    table = np.array(triples, np.float64).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]


def _metadata(items: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the metadata of the observations by name."""
    all_of = [item["metadata"] if isinstance(item.get("metadata"), dict) else {} for item in items]
    names = list(dict.fromkeys(name for one in all_of for name in one if name != "id"))[:MOST]
    return {name: [as_text(one.get(name)) for one in all_of] for name in names}
