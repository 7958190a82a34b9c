"""What holds for any rows: codes come back, names and types are the declared ones, a second run gives the same."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.harmonise import Harmonised, harmonise
from omics_orchestrator.steps.wide import Part
from omics_orchestrator.steps.wide_values import published
from omics_orchestrator.storage.fingerprint import fingerprint
from omics_orchestrator.studies.datasets import DatasetColumn, coded_type
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(
    crp="censored", weight="decimal", n="integer", group="code", groups="set", flag="boolean", day="date",
    onset="partial_date", note="text", ratio="decimal", high="boolean", absent="decimal",
)  # fmt: skip
CODES = {"1": "cd", "2": "uc", "-1000": "hc"}
RULES = {
    "crp": {"number": "x", "censored": "yes"},
    "weight": {"number": "y"},
    "n": "x",
    "group": {"recode": "y", "map": CODES},
    "groups": {"text": "z", "split": ";"},
    "flag": {"recode": "z", "map": {"1": "yes", "2": "no"}},
    "day": {"date": "x"},
    "onset": {"date": "y", "formats": ["%Y-%m-%d", "%Y-%m", "%Y"]},
    "note": {"text": ["x", "y"]},
    "ratio": {"derive": "weight / n"},
    "high": {"derive": "crp > 5 and flag"},
}
NONE = {"absent": {"status": "impossible", "missing": "not_asked", "reason": "nobody asked"}}
CELL = st.one_of(
    st.sampled_from(
        ["", " ", "1", "2", "-1000", "<20", "≤5", "1e400", "nan", "inf", "0", "-0", "9" * 30, "cd", "cd;uc", ";",
         "2024", "2024-02", "2024-02-29", "2023-02-29", "0000-01-01", "9999-12-31", "NULL", "'", '"', "\\", "{}"]
    ),
    st.text(st.characters(exclude_characters="|\0", exclude_categories=["Cs"]), max_size=6),
)  # fmt: skip
ROW = st.tuples(
    st.sampled_from(["A1", "A2", "B7", "", "?"]), st.sampled_from(["1", "2", ""]), CELL, CELL, CELL
)
ROWS = st.lists(ROW, max_size=12)


def made(rows: list[tuple[str, ...]]) -> Harmonised:
    raw = table("id|v|x|y|z", *("|".join(row) for row in rows))
    return harmonise(study(RULES, none=NONE), "visit", DICTIONARY, {"file.a": raw})


def types(declared: Dictionary) -> dict[str, pa.DataType]:
    return {name: arrow_type(one.type) for name, one in declared.variables.items()}


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_names_and_types_are_the_declared_ones_whatever_the_rows_hold(rows):
    found = made(rows).table
    keys = {key: pa.string() for key in KEYS["visit"]}
    assert {field.name: field.type for field in found.schema} == {**keys, **types(DICTIONARY)}
    for name in ("crp", "weight", "ratio"):
        assert all(value is None or abs(value) < float("inf") for value in found[name].to_pylist()), name
    assert {*found["group"].to_pylist()} <= {"cd", "uc", "hc", None}


@settings(max_examples=8, deadline=None)
@given(ROWS)
def test_a_second_run_gives_the_same_fingerprint(rows):
    first, again = made(rows), made(rows[::-1])
    for name in ("table", "missing", "comparators", "conflicts", "ledger"):
        assert fingerprint(getattr(first, name)) == fingerprint(getattr(again, name)), name


@pytest.mark.parametrize(
    ("variable", "code_type"), [("group", "integer"), ("group", "text"), ("flag", "integer")]
)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_is_decoded_and_encoded_again_is_the_code_of_the_source(variable, code_type, data):
    words = ["yes", "no"] if variable == "flag" else ["cd", "uc", "hc"]
    code = (
        st.integers(-9999, 9999).map(str)
        if code_type == "integer"
        else st.from_regex("[a-z]{1,3}", fullmatch=True)
    )
    drawn = data.draw(st.lists(code, min_size=len(words), max_size=len(words), unique=True))
    codes = dict(zip(drawn, words, strict=True))
    texts = data.draw(st.lists(st.sampled_from([*codes, ""]), min_size=1, max_size=8))
    raw = table("id|v|x", *(f"A1|{number}|{text}" for number, text in enumerate(texts)))
    rule = {variable: {"recode": "x", "map": codes}}
    found = harmonise(study(rule), "visit", DICTIONARY, {"file.a": raw})
    variables = [DICTIONARY.variables[variable]]
    back = {word: text for text, word in codes.items()}
    assert coded_type(variables[0], back) == code_type
    column = DatasetColumn(variable, variable, "visit", code_type, declared=variables[0].type, codes=back)
    part = Part.of(found.table, found.missing, found.comparators, KEYS["visit"], variables)
    told = published(part, column, arrow_type(code_type)).to_pylist()
    order = [int(visit) for visit in found.table["visit_id"].to_pylist()]
    assert ["" if one is None else str(one) for one in told] == [texts[number] for number in order]
