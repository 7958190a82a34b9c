"""Small studies and dictionaries that the tests of harmonising invent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from omics_orchestrator.dictionary import KEYS, Conversion, Dictionary, Units, Variable
from omics_orchestrator.harmonise import Harmonised
from omics_orchestrator.studies import Study
from omics_orchestrator.verbs import normalise

CODE_LISTS = {"sex": {"male": "", "female": "", "unknown": ""}, "group": {"cd": "", "uc": "", "hc": ""}}
UNITS = Units(fixed={("mg/dL", "mg/L", ""): Conversion(10.0), ("mg", "mg/L", ""): Conversion(1.0)})


def dictionary(entity: str = "visit", **types: Any) -> Dictionary:
    """Return a dictionary; a type is written `integer`, or as the fields of a variable with its entity."""
    variables = {}
    for name, kind in types.items():
        fields = {"type": kind} if isinstance(kind, str) else dict(kind)
        if fields["type"] in {"code", "set"}:
            fields.setdefault("code_list", "group")
        fields = {"name": name, "entity": entity, "domain": "test", "label": name, **fields}
        variables[name] = Variable.model_validate(fields)
    return Dictionary(variables, CODE_LISTS, {}, UNITS)


def study(
    rules: Mapping[str, Any],
    *,
    entity: str = "visit",
    key: Sequence[str] = ("id", "v"),
    pattern: str = "[A-Z][0-9]+",
    folder: Path = Path("/nowhere"),
    none: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
    kind: str = "delimited",
    source: str = "file.a",
    **words: Any,
) -> Study:
    """Return a study with one block; `words` are words of the block, `participant_id` a whole grammar."""
    grammar = words.pop("participant_id", {"pattern": pattern})
    missing = words.get("missing")
    block = {
        "key": list(key),
        "rules": {name: normalise(raw, missing) for name, raw in rules.items()},
        **words,
    }
    if "stack" not in block:
        block.setdefault("from", source)
    files: dict[str, Any] = {"kind": kind, "location": "store+test://x/"}
    if kind == "delimited":
        files["tables"] = {"a": "a.csv", "b": "b.csv", "c": "c.csv"}
    return Study.model_validate(
        {
            "study": "invented",
            "title": "Invented",
            "stewards": ["nobody@example.org"],
            "participant_id": grammar,
            "sources": {"file": files},
            "folder": folder,
            "mapping": {"entities": {entity: block, **(others or {})}, "none": none or {}},
        }
    )


def table(header: str, *rows: str) -> pa.Table:
    """Return a raw table; cells are separated by `|`."""
    names = header.split("|")
    cells = [row.split("|") for row in rows]
    return pa.table({name: pa.array([row[i] for row in cells], pa.string()) for i, name in enumerate(names)})


def reasons(found: Harmonised) -> dict[tuple[str, ...], str]:
    """Return (keys, variable) → reason of every missing value."""
    keys = [name for name in found.missing.column_names if name in KEYS["visit"]]
    return {
        (*(row[key] for key in keys), name): reason
        for row in found.missing.to_pylist()
        for name, reason in row.items()
        if name not in keys and reason is not None
    }


def tally(found: pa.Table, variable: str) -> dict[str, int]:
    """Return outcome → count of one variable of a ledger."""
    return {row["outcome"]: row["count"] for row in found.to_pylist() if row["variable"] == variable}
