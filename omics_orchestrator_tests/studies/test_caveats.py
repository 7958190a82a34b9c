"""Known limitations: how they are written, what they are about, and every way to write them wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.errors import Problem
from omics_orchestrator.studies import load_studies
from omics_orchestrator.studies.caveats import caveats_about, caveats_in_words
from omics_orchestrator_tests.studies.example import write

GOOD = """\
caveats:
  - Three participants only.
  - text: >-
      Laboratories differ,
      assays too.
    about: {variables: [crp, "visit_*"]}
    since: 2024-02-01
  - {text: Only those who came., about: {entity: visit}}
  - {text: Never asked., about: {variables: active}}
  - {text: Two lanes failed., about: {assay: [mgx_reads]}}
  - {text: The names are the old ones., about: {dataset: main}}
datasets:
  main: {entity: participant, leave_out: [ifx]}
  visits: {entity: visit, leave_out: [crp, visit_date, active]}
assays:
"""


def texts(caveats) -> list[str]:
    return [caveat.text for caveat in caveats]


def test_a_caveat_is_a_sentence_or_says_what_it_is_about(read_tiny):
    study, _ = read_tiny(study=("assays:\n", GOOD))
    whole, laboratories, *_ = study.caveats
    assert (whole.text, whole.about, whole.subject) == ("Three participants only.", None, "")
    assert str(laboratories) == "crp, visit_*: Laboratories differ, assays too. (since 2024-02-01)"
    assert [one.subject for one in study.caveats[2:]] == [
        "rows of visit",
        "active",
        "assay mgx_reads",
        "dataset main",
    ]


def test_each_thing_has_its_own(read_tiny):
    study, _ = read_tiny(study=("assays:\n", GOOD))
    assert texts(caveats_about(study)) == ["Three participants only."]
    assert texts(caveats_about(study, variable="crp")) == ["Laboratories differ, assays too."]
    assert texts(caveats_about(study, variable="sex")) == []
    assert texts(caveats_about(study, entity="visit")) == [
        "Laboratories differ, assays too.",
        "Only those who came.",
    ]
    assert texts(caveats_about(study, assay="mgx_reads", whole=True)) == [
        "Three participants only.",
        "Two lanes failed.",
    ]
    assert texts(caveats_about(study, assay="metabolomics")) == []
    # a dataset shows the rows of its entities, and the variables that it does not leave out
    assert texts(caveats_about(study, dataset="main")) == ["Never asked.", "The names are the old ones."]
    assert texts(caveats_about(study, dataset="visits")) == ["Only those who came."]


def test_as_a_list_under_its_heading(read_tiny):
    study, _ = read_tiny(study=("assays:\n", GOOD))
    assert caveats_in_words(caveats_about(study)) == "**Known limitations**\n\n- Three participants only."
    assert caveats_in_words(()) == ""


# what is written under `caveats:` → place, message, what would be right
MISTAKES = {
    "an unknown word": ("{text: a, abuot: {}}", "caveats[1].abuot", "is not known here", "did you mean 'about'?"),
    "no text": ("{about: {entity: visit}}", "caveats[1]", "'text' is missing", "What users should know"),
    "an empty text": ('" "', "caveats[1]", "must not be empty", "whole sentences"),
    "a list": ("[a, b]", "caveats[1]", "must be a block of `key: value`", ""),
    "no date": ("{text: a, since: 2024}", "caveats[1].since", "'2024' is no date", "From which date on"),
    "about in a word": ("{text: a, about: crp}", "caveats[1].about", "must be a block", "What it is about"),
    "about nothing": ("{text: a, about: {}}", "caveats[1].about", "about names nothing; leave it out", ""),
    "the singular": (
        "{text: a, about: {variable: crp}}", "caveats[1].about.variable", "is not known here", "'variables'",
    ),
    "an unknown variable": (
        "{text: a, about: {variables: [crp, crpp]}}",
        "caveats[1].about.variables[2]", "'crpp' is not a variable of the dictionary", "did you mean 'crp'?",
    ),
    "a pattern that meets nothing": (
        '{text: a, about: {variables: "hbi_*"}}',
        "caveats[1].about.variables", "'hbi_*' meets no variable of the study", "",
    ),
    "an unknown entity": (
        "{text: a, about: {entity: vist}}", "caveats[1].about.entity", "'vist' is no entity", "'visit'",
    ),
    "an entity without rows": (
        "{text: a, about: {entity: [visit, sample]}}",
        "caveats[1].about.entity[2]", "mapping.yaml has no rows for sample", "participant, visit",
    ),
    "an unknown assay": (
        "{text: a, about: {assay: mgx}}", "caveats[1].about.assay", "'mgx' is no assay of the study", "mgx_reads",
    ),
    "an unknown dataset": (
        "{text: a, about: {dataset: main}}",
        "caveats[1].about.dataset", "'main' is no dataset of the study", "none is declared",
    ),
}  # fmt: skip


def problems(tmp_path: Path, **changes: tuple[str, str]) -> tuple[Problem, ...]:
    folder = write(tmp_path, **changes)
    return load_studies(folder, load_dictionary(folder)).broken["tiny"].problems


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path, mistake):
    written, place, message, allowed = MISTAKES[mistake]
    (problem,) = problems(tmp_path, study=("assays:\n", f"caveats:\n  - {written}\nassays:\n"))
    assert (problem.path, problem.file.name) == (place, "study.yaml")
    lines = (tmp_path / "studies/tiny/study.yaml").read_text().splitlines()
    assert written in lines[problem.line - 1]
    assert message in problem.message
    assert allowed in problem.allowed


def test_all_mistakes_are_told_at_once_beside_others(tmp_path):
    found = problems(
        tmp_path,
        study=(
            'schedule: {nightly: "01:30", timezone: Europe/London}\n',
            'schedule: {nightly: "1:30"}\ncaveats:\n  - {text: a, about: {variables: [x, y], assay: z}}\n  - [a]\n',
        ),
        mapping=("unit: mo", "unit: mmm"),
    )
    assert {problem.path for problem in found} == {
        "schedule.nightly",
        "caveats[1].about.variables[1]",
        "caveats[1].about.variables[2]",
        "caveats[1].about.assay",
        "caveats[2]",
        "participant.age.unit",
    }


def test_a_variable_without_a_rule_is_told_only_where_the_rules_can_be_read(tmp_path):
    caveat = ("assays:\n", "caveats:\n  - {text: a, about: {variables: ifx}}\nassays:\n")
    (problem,) = problems(tmp_path / "a", study=caveat, mapping=("  ifx: {recode: ifx, map: yes_no}\n", ""))
    assert problem.message == "the study has no rule for 'ifx'"
    (problem,) = problems(tmp_path / "b", study=caveat, mapping=("{recode: ifx,", "{recod: ifx,"))
    assert problem.path == "participant.ifx"
