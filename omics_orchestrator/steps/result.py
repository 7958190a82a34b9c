"""What a step answers with. How it is written (storage) or shown (orchestration) is not decided here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from omics_orchestrator.findings import Finding
from omics_orchestrator.storage.tables import TableWrite, Written

MARK = "mark"  # side table of a raw table
Fact = str | int | float | bool


@dataclass(frozen=True)
class StepResult:
    """The outcome of one step.

    Attributes:
        data_version: fingerprint of the content that the step delivers.
        findings: what is wrong with the data.
        facts: names and counts worth showing (never values).
        pictures: PNG pictures worth showing, by name (names and counts in them, never values).
        writes: tables still to be written by the I/O manager; the first is the asset's own table.
        touched: rows or objects that the step wrote itself (registry, matrices).
        rows: rows (or files, or samples) that the asset holds now.
        applied: staged deliveries (steps/staged.py) that the writes hold; forgotten once those are committed.
    """

    data_version: str
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    writes: tuple[TableWrite, ...] = ()
    touched: int = 0
    rows: int = 0
    applied: tuple[str, ...] = ()


def combined_version(parts: Iterable[str]) -> str:
    """Return one short fingerprint over several, in the order given."""
    digest = hashlib.sha256("\n".join(parts).encode())
    return digest.hexdigest()[:24]


def facts_of(written: Iterable[Written]) -> dict[str, Fact]:
    """Return how many rows were inserted, updated and deleted over all tables of a step.

    What a source marks for its next delivery is no row of data: it changes whenever the source is asked.
    """
    tables = [table for table in written if not table.name.endswith(f"__{MARK}")]
    return {
        "rows_inserted": sum(table.inserted for table in tables),
        "rows_updated": sum(table.updated for table in tables),
        "rows_deleted": sum(table.deleted for table in tables),
    }
