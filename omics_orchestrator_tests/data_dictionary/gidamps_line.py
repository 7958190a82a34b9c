"""What the tests ask of the GI-DAMPs line: values of people with one record, findings, comparators."""

from __future__ import annotations

from collections import Counter

from omics_orchestrator_tests.data_dictionary.gidamps_records import MERGED, Row, house_id
from omics_orchestrator_tests.data_dictionary.line import Line


def people(gidamps: Line, variable: str) -> dict[str, object]:
    """Return participant → value."""
    table = gidamps.entity("participant").table
    return dict(zip(table["participant_id"].to_pylist(), table[variable].to_pylist(), strict=True))


def single(gidamps: Line, variable: str) -> Counter[object]:
    """Return value → people with one record."""
    return Counter(value for person, value in people(gidamps, variable).items() if person != MERGED)


def marked(gidamps: Line, *variables: str) -> Counter[str]:
    """Return comparator (or precision) → values of people with one record."""
    rows = gidamps.entity("participant").comparators.to_pylist()
    mine = [row for row in rows if row["variable"] in variables and row["participant_id"] != MERGED]
    return Counter(row["comparator"] for row in mine)


def of(gidamps: Line, variable: str, rows: list[Row]) -> Counter[object]:
    """Return value → how many of these base rows got it; people with several records are left out."""
    found = people(gidamps, variable)
    mine = [house_id(row["study_id"]) for row in rows]
    return Counter(found[person] for person in mine if person != MERGED)


def told(gidamps: Line, entity: str, check: str) -> dict[str | None, int]:
    """Return variable → count, of the findings of one check."""
    return {one.subject: one.count for one in gidamps.entity(entity).findings if one.check == check}
