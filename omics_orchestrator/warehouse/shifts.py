"""Wrong units that no declaration shows: a study whose numbers lie far from those of all other studies."""

from __future__ import annotations

from math import log
from statistics import median_high, median_low

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.findings import Finding

ENOUGH = 10  # values of a study, below which its median says little
NEAR = (0.2, 5.0)  # ratios of medians that patients alone explain
TIME = (
    "a",
    "mo",
    "wk",
    "d",
    "h",
)  # a study of children is younger than the others, and a unit of time is never converted
PER_UNIT = ("{",)  # scores and counts have no unit that could be another


def wrong_units(dictionary: Dictionary, entity: str, union: pa.Table) -> list[Finding]:
    """Return a finding for each study whose median of a measured variable is far from the others' medians."""
    measured = [
        one
        for one in dictionary.of_entity(entity)
        if one.unit and not one.unit.startswith(PER_UNIT) and one.unit not in TIME
    ]
    return [finding for variable in measured for finding in _shifts(variable, union)]


def _shifts(variable: Variable, union: pa.Table) -> list[Finding]:
    column = union.column(variable.name)
    if column.null_count == len(column):
        return []
    counts, medians = _medians(union.column("study"), column)
    found = []
    for study, middle in medians.items():
        others = [other for name, other in medians.items() if name != study and other > 0]
        if not others or middle <= 0:
            continue
        # of an even number of studies the nearer of the two in the middle, so that one stray study accuses no other
        nearest = min(
            (middle / median_low(others), middle / median_high(others)), key=lambda one: abs(log(one))
        )
        if NEAR[0] <= nearest <= NEAR[1]:
            continue
        ratio = float(f"{nearest:.0e}")
        message = (
            f"{study}: the median of {variable.name} is about {ratio:g} times that of the other studies; "
            f"is the unit in its mapping right? (the dictionary's is {variable.unit})"
        )
        found.append(Finding("units", message, counts[study], "warning", variable.name))
    return found


def _medians(studies: pa.ChunkedArray, column: pa.ChunkedArray) -> tuple[dict[str, int], dict[str, float]]:
    """Return how many values each study has, and the medians of those that have enough."""
    there = pa.table({"study": studies, "value": column}).filter(pc.is_valid(column))
    counts = {row["values"]: row["counts"] for row in pc.value_counts(there["study"]).to_pylist()}
    medians = {}
    for study in sorted(name for name, count in counts.items() if count >= ENOUGH):
        values = there.filter(pc.equal(there["study"], study))["value"]
        medians[study] = float(pc.quantile(values, 0.5)[0].as_py())
    return counts, medians
