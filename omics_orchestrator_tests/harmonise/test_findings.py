"""Findings: what is told, and what never is."""

from __future__ import annotations

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(
    sex={"type": "code", "code_list": "sex"},
    n="integer",
    w={"type": "decimal", "min": 1, "max": 300},
    flag="boolean",
)
RULES = {
    "sex": {"recode": "sex", "map": {"1": "male"}},
    "n": "n",
    "w": {"number": "w", "missing": {"999": "unknown"}},
    "flag": {"any_of": ["sex", "n"], "yes": ["1"], "no": ["2"]},
}
RAW = table(
    "id|v|sex|n|w",
    "A1|1|1|7|50",
    "A2|1|3|x|999",
    "A3|1|3|8|999.0",
    "A4|1|a free text|9|301",
    "A5|1|Smith J.|9|0.5",
    "A6|1|1||",
)


def found():
    return harmonise(study(RULES), "visit", DICTIONARY, {"file.a": RAW}).findings


def test_unmapped_codes_are_named_when_they_look_like_codes():
    (codes,) = [f for f in found() if f.check == "codes" and f.subject == "sex"]
    assert codes.count == 4
    assert codes.message.endswith(": 3 (2)")


def test_invalid_missing_and_out_of_bounds_are_counted():
    counted = {(f.check, f.subject): (f.count, f.severity) for f in found()}
    assert counted[("values", "n")] == (1, "warning")
    assert counted[("missing", "w")] == (2, "note")
    assert counted[("bounds", "w")] == (2, "warning")
    assert counted[("codes", "flag")] == (5, "warning"), "told even where another column answers"


def test_values_out_of_bounds_are_kept():
    assert harmonise(study(RULES), "visit", DICTIONARY, {"file.a": RAW}).table["w"].to_pylist()[3] == 301


def test_an_id_of_a_participant_is_no_code():
    swapped = table("id|v|sex|n|w", "A1|1|A2|1|50", "A2|1|A3 |1|50", "A3|1|x3|1|50")
    told = harmonise(study(RULES), "visit", DICTIONARY, {"file.a": swapped}).findings
    (codes,) = [f for f in told if f.check == "codes" and f.subject == "sex"]
    assert codes.count == 3
    assert codes.message.endswith(": x3 (1)")


def test_no_finding_tells_an_id_or_a_free_text():
    told = " ".join(f"{f.message} {f.subject}" for f in found())
    assert not any(word in told for word in ("A1", "A2", "A4", "free text", "Smith", "301"))
