"""Source columns in expressions: number(col), code(col), date(col), text(col); read and merged, never published."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study, table

DICTIONARY = dictionary(weight="decimal", ratio="decimal", ticked="boolean", late="boolean", group="code")
HEADER = "id|v|w|h|box|day|dx"
ROWS = ("A1|1|80|2|1|2020-01-01|C", "A1|2|90||0|x|U", "A2|1|70|<2|-1000||C", "A2|1|70|<2|-1000||C")
RULES = {
    "weight": {"number": "w"},
    "ratio": {"derive": "weight / number(h)"},
    "ticked": {"derive": "text(box) = '1'"},
    "late": {"when": [{"if": "date(day) > '2019-12-31'", "then": "yes"}], "else": "no"},
    "group": {"when": [{"if": "code(dx) = 'C'", "then": "cd"}], "else": "uc"},
}


def run(rules=RULES, **words):
    made = study(rules, missing={"-1000": "unknown"}, **words)
    return harmonise(made, "visit", DICTIONARY, {"file.a": table(HEADER, *ROWS)})


def test_they_are_read_in_their_kind_and_stay_three_valued():
    found = run().table.to_pydict()
    assert found["ratio"] == [40.0, None, None], "a censored number gives no exact ratio"
    assert found["ticked"] == [True, False, None], "-1000 is a missing word of the block"
    assert found["late"] == [True, None, None], "what is no date is unknown"
    assert found["group"] == ["cd", "uc", "cd"]


def test_they_are_no_columns_of_any_result():
    found = run()
    for one in (found.table, found.missing):
        assert set(one.column_names) == {"participant_id", "visit_id", *RULES}
    columns = {"number(h)", "text(box)", "date(day)", "code(dx)"}
    assert set(found.ledger["variable"].to_pylist()) == {"(rows)", "weight", *columns}, (
        "but every cell is accounted for"
    )


def test_the_column_is_asked_of_the_source_and_a_variable_is_not():
    made = study({"weight": {"number": "w"}, "late": {"derive": "number(h) > 1 and weight > 2"}})
    assert made.mapping.entities["visit"].reads()["file.a"] == {"id", "v", "w", "h"}


def test_an_unknown_column_is_told():
    with pytest.raises(DeclarationError, match=r"no column 'hh' in file\.a"):
        run({"ratio": {"derive": "number(hh) + 1"}})


def test_a_check_may_name_them():
    found = run(checks={"light": {"expect": "number(w) < 85", "says": "nobody is heavy"}})
    assert [(one.check, one.count) for one in found.findings if one.check == "light"] == [("light", 1)]
