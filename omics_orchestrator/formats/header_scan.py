"""Looks for direct identifiers in what file headers say: names, dates of birth, e-mail, national numbers.

Detectors: ../identifiers.py. Which entries a header has is known by the formats beside this module.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from omics_orchestrator.identifiers import detect

MOST = 20  # places that are named


def suspicious(entries: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return the places whose entry seems to hold a direct identifier, at most 20, and how many more.

    Args:
        entries: (place, what the entry is called there, its text): (`DICOM (0010,0010)`, `PatientName`, …).
            The name counts as a column's name does: `PatientBirthDate` with a date is a date of birth.
    """
    found = []
    for place, called, text in entries:
        if not text.strip():
            continue
        cell = pa.table({called or place: pa.array([text], pa.string())})
        found += [f"{place}: {one.reason.partition(':')[0]}" for one in detect(cell)]
    more = (f"{len(found) - MOST} more",) if len(found) > MOST else ()
    return (*found[:MOST], *more)
