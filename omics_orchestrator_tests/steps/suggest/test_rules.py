"""The YAML that is proposed: it can be pasted, it holds no cell, and says what a person must still decide."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_yaml import read_yaml
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.suggest.codes import Recoding
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.ranking import Candidate
from omics_orchestrator.steps.suggest.rules import remark_of, rule_of

VARIABLES = load_dictionary(WORKING_COPY / "data_dictionary").variables
SEX = Described("base", "gender", "Sex", "choice", {"1": "Male", "2": "Female", "3": "x"})


def rule(about: Described, variable: str, codes: Recoding | None = None, unit: str = "") -> tuple[str, str]:
    candidate = Candidate(variable, 1.0, (), codes or Recoding())
    column = SourceColumn("redcap", about, unit=unit)
    one = VARIABLES[variable]
    return rule_of(column, candidate, one), remark_of(column, candidate, one)


def test_a_recode_map():
    codes = Recoding({"1": "male", "-2": "female"}, {"<9": "unknown"}, ("3",), (), 0.8)
    assert rule(SEX, "sex", codes) == (
        'sex: {recode: gender, map: {1: male, "-2": female}, missing: {"<9": unknown}}',
        "fits no code: 3 (x)",
    )


def test_labels_that_are_only_alike_are_shown():
    codes = Recoding({"1": "male", "2": "female"}, {}, ("3",), ("2",), 0.8)
    assert rule(SEX, "sex", codes)[1] == "only alike: 2 (Female) = female; fits no code: 3 (x)"


def test_without_a_codebook_there_is_no_map():
    about = Described("people", "gender", "", "choice")
    column = SourceColumn("files", about, words=frozenset({"Male", "Female"}))
    candidate = Candidate("sex", 1.0, (), Recoding({"Female": "female", "Male": "male"}))
    assert rule_of(column, candidate, VARIABLES["sex"]) == ""
    told = remark_of(column, candidate, VARIABLES["sex"])
    assert "by hand" in told
    assert "Male" not in told


@pytest.mark.parametrize(
    ("about", "variable", "unit", "expected"),
    [
        (Described("lab", "crp", kind="number"), "crp", "mg/dL", ("crp: {number: crp, unit: mg/dL}", "")),
        (
            Described("lab", "crp"),
            "crp",
            "",
            ("crp: {number: crp}", "in which unit? the dictionary has mg/L"),
        ),
        (Described("lab", "hbi"), "hbi_total", "", ("hbi_total: {number: hbi}", "")),
        (
            Described("b", "dx_date", kind="date"),
            "date_of_diagnosis",
            "",
            ("date_of_diagnosis: {date: dx_date}", ""),
        ),
        (Described("b", "note: free", kind="text"), "comment", "", ('comment: "note: free"', "")),
        (
            Described("b", "eims____1000", kind="yes_no", option="-1000"),
            "baseline_eims_none",
            "",
            ('baseline_eims_none: {ticked: eims, option: "-1000"}', ""),
        ),
    ],
)
def test_other_verbs(about, variable, unit, expected):
    assert rule(about, variable, unit=unit) == expected


def test_several_boxes_become_one_code():
    about = Described("base", "loc___*", "Location", "several", {"0": "L1", "1": "L2"})
    codes = Recoding({"0": "L1", "1": "L2"})
    assert rule(about, "montreal_cd_location", codes)[0] == (
        "montreal_cd_location: {one_of: loc, map: {0: L1, 1: L2}}"
    )


@pytest.mark.parametrize(
    "sign", ["a: b", "yes", "- x", "#n", "{x}", "it's", 'a "b"', "1,5", "<10", "ä b", "null", " "]
)
def test_any_name_and_code_is_read_back(tmp_path, sign):
    about = Described("base", sign, "Sex", "choice", {sign: "Male"})
    text, _ = rule(about, "sex", Recoding({sign: "male"}))
    (tmp_path / "m.yaml").write_text(f"participant:\n  {text}\n", encoding="utf-8")
    problems = Problems()
    document = read_yaml(tmp_path / "m.yaml", problems)
    problems.raise_if_any()
    assert document.section("participant")["sex"] == {"recode": sign, "map": {sign: "male"}}
