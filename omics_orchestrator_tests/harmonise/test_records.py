"""Several REDCap records that are one participant: they meet by record, keep their instances apart, and are told."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pytest

from omics_orchestrator.harmonise import Harmonised, harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study

VISITS = dictionary(n="integer", crp="decimal")
PEOPLE = dictionary(entity="participant", age="integer")
GRAMMAR = {"pattern": "G-0*(?P<number>[0-9]+)(-P)?", "written": "G-{number}"}
SETTLED = {**GRAMMAR, "aliases": {"G-007-P": "G-7"}}


def instrument(column: str, *rows: tuple[str, int, str]) -> pa.Table:
    """Return a raw table of a classic project: record, instance, cell."""
    records, instances, cells = zip(*rows, strict=True)
    number = pa.array([0] * len(rows), pa.int64())
    return pa.table(
        {
            "record_id": records,
            "event_name": [""] * len(rows),
            "event_instance": number,
            "form_instance": pa.array(instances, pa.int64()),
            column: cells,
        }
    )


def visits(grammar: Mapping[str, object], *rows: tuple[str, int, str]) -> Harmonised:
    made = study({"n": "n"}, key=(), kind="redcap_export", source="file.s", participant_id=grammar)
    return harmonise(made, "visit", VISITS, {"file.s": instrument("n", *rows)})


def keys(found: Harmonised) -> dict[tuple[str, str], object]:
    return {(row["participant_id"], row["visit_id"]): row["n"] for row in found.table.to_pylist()}


@pytest.mark.parametrize("grammar", [GRAMMAR, SETTLED])
def test_instances_of_two_records_of_one_participant_stay_apart(grammar: Mapping[str, object]) -> None:
    found = visits(grammar, ("G-7", 1, "1"), ("G-007-P", 1, "2"), ("G-007-P", 2, "3"), ("G-08", 1, "4"))
    assert keys(found) == {
        ("G-7", "s#1"): 1,
        ("G-7", "s#1@G-007-P"): 2,
        ("G-7", "s#2@G-007-P"): 3,
        ("G-8", "s#1"): 4,
    }
    assert found.conflicts.num_rows == 0


def test_one_record_under_an_old_spelling_needs_no_name() -> None:
    found = visits(GRAMMAR, ("G-007-P", 1, "1"), ("G-007-P", 2, "2"))
    assert keys(found) == {("G-7", "s#1"): 1, ("G-7", "s#2"): 2}


def test_what_is_no_id_is_told_as_before() -> None:
    found = visits(GRAMMAR, ("X", 1, "1"), ("Y", 1, "2"), ("G-1", 1, "3"))
    assert keys(found) == {("G-1", "s#1"): 3}
    assert [one.count for one in found.findings if one.check == "keys"] == [2]


@pytest.mark.parametrize(("grammar", "severity"), [(GRAMMAR, "warning"), (SETTLED, "note")])
def test_records_that_become_one_participant_are_told(grammar: Mapping[str, object], severity: str) -> None:
    made = study(
        {"age": "age"},
        entity="participant",
        key=(),
        kind="redcap_export",
        source="file.p",
        participant_id=grammar,
    )
    table = instrument("age", ("G-7", 0, "30"), ("G-007-P", 0, "31"), ("G-08", 0, "40"))
    found = harmonise(made, "participant", PEOPLE, {"file.p": table})
    assert found.table.to_pylist() == [
        {"participant_id": "G-7", "age": None},
        {"participant_id": "G-8", "age": 40},
    ]
    (told,) = [one for one in found.findings if one.check == "keys"]
    assert (told.count, told.severity) == (1, severity)
    assert "G-" not in told.message
    (conflict,) = [one for one in found.findings if one.check == "conflicts"]
    assert conflict.subject == "age"


@pytest.mark.parametrize("grammar", [GRAMMAR, SETTLED])
def test_forms_of_one_project_meet_by_record(grammar: Mapping[str, object]) -> None:
    join = {"file.lab": {"cardinality": "many_to_one", "on": {"record_id": "record_id"}}}
    rules = {"n": "n", "crp": {"number": "crp"}}
    made = study(rules, key=(), kind="redcap_export", source="file.s", participant_id=grammar, join=join)
    raw = {
        "file.s": instrument("n", ("G-7", 1, "1"), ("G-007-P", 1, "2")),
        "file.lab": instrument("crp", ("G-7", 0, "5"), ("G-007-P", 0, "6")),
    }
    found = harmonise(made, "visit", VISITS, raw)
    assert found.table["crp"].to_pylist() == [5.0, 6.0]
    assert [one for one in found.findings if one.check == "joins"] == []
