"""links.csv: whose single files are, as a person settled it. How files are linked: registry/links.py."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_csv import read_csv

FILE = "links.csv"
HEADER = ("assay", "file", "participant_id", "sample_id", "reason")
REQUIRED = ("assay", "file", "reason")
Settled = dict[
    str, tuple[str | None, str | None]
]  # path below the location, or set name → participant, sample


def read_settled(folder: Path, assays: Collection[str], problems: Problems) -> dict[str, Settled]:
    """Return assay → file → (participant, sample) of a study's links.csv; empty where it has none.

    Args:
        folder: the study's folder.
        assays: the names of its assays.
        problems: collects every mistake: an unknown assay, a line for nobody, a file settled twice.
    """
    file = folder / FILE
    settled: dict[str, Settled] = {}
    if not file.exists():
        return settled
    for row in read_csv(file, HEADER, REQUIRED, problems):
        assay, name = row.cells["assay"], row.cells["file"]
        participant, sample = row.cells["participant_id"] or None, row.cells["sample_id"] or None
        if assay not in assays:
            problems.add(file, row.line, "", f"{assay!r} is no assay of the study", suggest(assay, assays))
        elif participant is None and sample is None:
            problems.add(file, row.line, "", "neither a participant nor a sample is given")
        elif name in settled.setdefault(assay, {}):
            problems.add(file, row.line, "", "this file is settled twice")
        else:
            settled[assay][name] = (participant, sample)
    return settled
