"""Rules that name the reference date: partial dates, censored numbers, the unknown, what depends on what."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise.dated import Inputs, dated
from omics_orchestrator_tests.harmonise import invented

DAY = date(2025, 10, 30)
TYPES: dict[str, Any] = {
    "dx": {"type": "partial_date"},
    "days": {"type": "integer", "min": 0},
    "years": {"type": "integer"},
    "long": {"type": "boolean"},
    "crp": {"type": "censored"},
    "late_crp": {"type": "boolean"},
    "visit_date": {"type": "date"},
    "since": {"type": "integer", "min": 0, "max": 400},
}
PARTICIPANT = {"dx", "days", "years", "long"}
DAYS = {"derive": "date_diff('day', dx, reference_date)"}


def dictionary():
    entities = {name: "participant" if name in PARTICIPANT else "visit" for name in TYPES}
    fields: dict[str, Any] = {
        name: {**dict(found), "entity": entities[name]} for name, found in TYPES.items()
    }
    return invented.dictionary(**fields)


def column(values, type_):
    return pa.chunked_array([pa.array(values, type_)])


def inputs(marks=(), **columns):
    types = {"dx": pa.date32(), "visit_date": pa.date32(), "crp": pa.float64(), "days": pa.int64()}
    values = {name: column(found, types[name]) for name, found in columns.items()}
    return Inputs(values, {name: column(found, pa.string()) for name, found in dict(marks).items()})


def participants(rules, dx, marks=None):
    study = invented.study({"dx": "dx", **rules}, entity="participant", key=["id"])
    own = inputs({"dx": marks or [None] * len(dx)}, dx=dx)
    return dated(study, "participant", dictionary(), DAY, own)


def test_the_date_is_the_datasets():
    found = participants({"days": DAYS}, [date(2025, 10, 29), None])
    assert found.values["days"].to_pylist() == [1, None]
    assert found.values["days"].type == pa.int64()
    assert found.reasons["days"].to_pylist() == [None, "unknown"]


def test_a_partial_date_gives_a_value_only_where_both_bounds_agree():
    rules = {"days": DAYS, "years": {"derive": "date_diff('year', dx, reference_date)"}}
    found = participants(rules, [date(2014, 1, 1), date(2014, 1, 1)], ["year", None])
    assert found.values["days"].to_pylist() == [None, 4320]
    assert found.values["years"].to_pylist() == [11, 11]


def test_a_rule_that_needs_a_dated_one_comes_after_it():
    found = participants({"long": {"derive": "days > 100"}, "days": DAYS}, [date(2025, 1, 1), DAY, None])
    assert found.values["long"].to_pylist() == [True, False, None]


def test_when_tells_its_reason():
    cases = [{"if": "dx is null", "missing": "not_asked"}, {"if": "dx > reference_date", "then": "yes"}]
    found = participants({"long": {"when": cases, "else": "no"}}, [None, date(2026, 1, 1), DAY])
    assert found.values["long"].to_pylist() == [None, True, False]
    assert found.reasons["long"].to_pylist() == ["not_asked", None, None]


def test_values_that_cannot_be_are_told():
    found = participants({"days": DAYS}, [date(2026, 1, 1), DAY])
    (finding,) = found.findings
    assert (finding.check, finding.count, finding.subject) == ("bounds", 1, "days")
    assert found.values["days"].to_pylist() == [-63, 0]


def test_visits_see_their_participants_and_censored_numbers():
    study = invented.study(
        {
            "crp": "crp",
            "visit_date": "d",
            "late_crp": {"derive": "crp > 10 and visit_date > '2025-01-01' and reference_date > visit_date"},
            "since": {"derive": "participant.days + 0"},
        },
        others={"participant": {"from": "file.b", "key": ["id"], "rules": participant_rules()}},
    )
    own = inputs(
        {"crp": ["<", "<", None]}, crp=[20.0, 5.0, 20.0], visit_date=[DAY.replace(day=1)] * 2 + [None]
    )
    participant = inputs({"dx": [None] * 3}, dx=[None] * 3, days=[401, 3, None])
    found = dated(study, "visit", dictionary(), DAY, own, participant)
    assert found.values["late_crp"].to_pylist() == [None, False, None]
    assert found.values["since"].to_pylist() == [401, 3, None]
    assert [finding.count for finding in found.findings] == [1]


def participant_rules():
    study = invented.study({"dx": "dx", "days": DAYS}, entity="participant", key=["id"])
    return dict(study.mapping.entities["participant"].rules)


def test_what_harmonising_left_pending_is_computed_anew():
    study = invented.study({"dx": "dx", "days": DAYS}, entity="participant", key=["id"])
    own = inputs({"dx": [None]}, dx=[date(2025, 10, 20)], days=[None])
    assert dated(study, "participant", dictionary(), DAY, own).values["days"].to_pylist() == [10]


def test_without_dated_rules_nothing_is_computed():
    study = invented.study({"dx": "dx"}, entity="participant", key=["id"])
    assert dated(study, "participant", dictionary(), DAY, inputs(dx=[DAY])).values == {}


def test_no_rows():
    assert participants({"days": DAYS}, []).values["days"].to_pylist() == []


@pytest.mark.parametrize("expression", ["number(weight) + year(reference_date)", "nonsense > reference_date"])
def test_source_columns_and_strange_names_are_refused(expression):
    with pytest.raises(DeclarationError, match=r"weight|nonsense"):
        participants({"days": {"derive": f"{expression}"}}, [DAY])
