"""Where an asset's table lies in Postgres. What is written there: steps/ and the I/O manager."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from omics_orchestrator.columns import LIMIT, safe_name

PRIVATE = "identifiers"  # schema of direct identifiers: what lies there lies nowhere else


def table_of(key: Sequence[str]) -> tuple[str, str]:
    """Return (schema, table) of an asset key.

    >>> table_of(["raw", "hmp2", "files", "stool"])
    ('raw_hmp2', 'files__stool')
    >>> table_of(["warehouse", "visit"])
    ('warehouse', 'visit')

    Raises:
        ValueError: assets of that kind have no table of their own.
    """
    match list(key):
        case ["raw", study, source, table]:
            return f"raw_{study}", _named(f"{source}__{table}")
        case ["harmonised", study, entity]:
            return f"harmonised_{study}", entity
        case ["dataset", study, name]:
            return f"dataset_{study}", name
        case ["identity", study]:
            return f"identity_{study}", "outcomes"
        case ["warehouse", entity]:
            return "warehouse", entity
    raise ValueError(f"no table belongs to the asset {'/'.join(key)}")


def identifiers_of(study: str, source: str, table: str) -> tuple[str, str]:
    """Return the schema and name of the table that keeps the direct identifiers of a raw table apart."""
    return PRIVATE, _named(f"{study}__{source}__{table}")


def participants_of(study: str) -> tuple[str, str]:
    """Return the schema and name of the table of a study's participant ids and their pseudonyms."""
    return PRIVATE, _named(f"{study}__participants")


def objects_of(study: str) -> tuple[str, str]:
    """Return the schema and name of the table of a study's object keys and what the registry writes for them."""
    return PRIVATE, _named(f"{study}__objects")


def _named(name: str) -> str:
    """Return a table name; one that Postgres would cut keeps a digest, so that two long names stay two."""
    if len(name.encode()) <= LIMIT and name == name.lower():
        return name
    return f"{safe_name(name)[: LIMIT - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
