"""Datasets in study.yaml: the columns that a declaration gives, and what each mistake in one sounds like."""

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.studies import load_studies
from omics_orchestrator.studies.dataset_checks import notes
from omics_orchestrator.studies.datasets import columns_of
from omics_orchestrator_tests.studies.example import write

GOOD = """\
datasets:
  main:
    entity: visit
    reference_date: 2025-10-30
    rename: {participant_id: study_id, crp: CRP}
    codes_as: {ifx: {yes: 1, no: 0}, sex: {female: F, male: M, unknown: U}}
    leave_out: [age]
"""


def declared(dataset):
    return "assays:\n  metabolomics:", f"{dataset}assays:\n  metabolomics:"


def problems(folder, dataset=GOOD, **changes):
    write(folder, study=declared(dataset), **changes)
    found = load_studies(folder, load_dictionary(folder))
    return found.broken["tiny"].problems if found.broken else ()


@pytest.fixture
def columns(read_tiny):
    def read(dataset=GOOD, **changes):
        study, dictionary = read_tiny(study=declared(dataset), **changes)
        return columns_of(study.datasets["main"], study.mapping, dictionary)

    return read


def test_keys_first_then_every_named_variable_in_the_dictionarys_order(columns):
    assert [column.name for column in columns()] == [
        "study_id", "visit_id", "sex", "ifx", "visit_date", "CRP", "active",
    ]  # fmt: skip


def test_types_come_from_the_declaration(columns):
    types = {column.variable: column.type for column in columns()}
    assert types["ifx"] == "integer"
    assert types["sex"] == "text"
    assert types["crp"] == "text"
    assert types["active"] == "boolean"
    assert types["visit_date"] == "date"


@pytest.mark.parametrize("codes", ["{yes: 01, no: 0}", "{yes: 1.0, no: 0}", "{yes: ja, no: nein}"])
def test_old_codes_that_are_no_whole_numbers_stay_text(columns, codes):
    types = {column.variable: column.type for column in columns(GOOD.replace("{yes: 1, no: 0}", codes))}
    assert types["ifx"] == "text"


def test_an_inexact_value_may_take_two_columns(columns):
    found = {column.name: column for column in columns(GOOD + "    inexact: columns\n")}
    assert found["CRP"].type == "decimal"
    assert (found["CRP_comparator"].type, found["CRP_comparator"].role) == ("text", "comparator")
    assert list(found)[-3:] == ["CRP", "CRP_comparator", "active"]


def test_participants_alone(columns):
    found = columns("datasets:\n  main: {entity: participant}\n")
    assert [column.name for column in found] == ["participant_id", "sex", "age", "ifx"]


MISTAKES = {
    "no rows for it": (
        "entity: visit", "entity: sample",
        "datasets.main.entity", "mapping.yaml has no rows for sample", "(participant, visit)",
    ),
    "no entity": (
        "entity: visit", "entity: visits",
        "datasets.main.entity", "'visits' is not allowed", "did you mean 'visit'?",
    ),
    "a bad date": (
        "2025-10-30", "30/10/2025",
        "datasets.main.reference_date", "'30/10/2025' is no date, such as 2025-10-30", "",
    ),
    "a date that does not exist": (
        "2025-10-30", "2025-02-30",
        "datasets.main.reference_date", "'2025-02-30' is no date, such as 2025-10-30", "",
    ),
    "seconds instead of a date": (
        "2025-10-30", "20251030",
        "datasets.main.reference_date", "'20251030' is no date, such as 2025-10-30", "",
    ),
    "rename of what is not there": (
        "crp: CRP", "crpp: CRP",
        "datasets.main.rename.crpp", "'crpp' is no variable of this dataset", "did you mean 'crp'?",
    ),
    "rename to what is no name": (
        "crp: CRP", "crp: C-reactive protein",
        "datasets.main.rename.crp", "'C-reactive protein' does not have the right form", "",
    ),
    "rename to a taken name": (
        "crp: CRP", "crp: SEX",
        "datasets.main.rename.crp", "the columns of sex and crp are both called 'SEX'", "rename or leave out",
    ),
    "rename of what is left out": (
        "crp: CRP", "age: AGE",
        "datasets.main.rename.age", "'age' stands under leave_out too", "one of them is enough",
    ),
    "left out, and not there": (
        "[age]", "[agee]",
        "datasets.main.leave_out[1]", "'agee' is no variable of this dataset", "did you mean 'age'?",
    ),
    "a key left out": (
        "[age]", "[visit_id]",
        "datasets.main.leave_out[1]", "'visit_id' is the key of a row", "",
    ),
    "codes of what is not there": (
        "ifx: {yes: 1, no: 0}", "ifxx: {yes: 1, no: 0}",
        "datasets.main.codes_as.ifxx", "'ifxx' is no variable of this dataset", "did you mean 'ifx'?",
    ),
    "codes of a number": (
        "ifx: {yes: 1, no: 0}", "crp: {yes: 1, no: 0}",
        "datasets.main.codes_as.crp", "'crp' has no codes (censored)", "codes of a list",
    ),
    "an unknown code": (
        "female: F", "femal: F",
        "datasets.main.codes_as.sex.femal", "'femal' is no code of sex", "did you mean 'female'?",
    ),
    "a code without its old one": (
        ", unknown: U", "",
        "datasets.main.codes_as.sex", "does not say how these codes are published: unknown", "name each once",
    ),
    "two codes as one": (
        "unknown: U", "unknown: M",
        "datasets.main.codes_as.sex", "several codes are published as 'M'", "merged: [sex]",
    ),
    "merged without codes": (
        "    leave_out", "    merged: [active]\n    leave_out",
        "datasets.main.merged", "'active' has no codes under codes_as", "leave it out here",
    ),
    "samples that the study does not have": (
        "    leave_out", "    samples: first\n    leave_out",
        "datasets.main.samples", "mapping.yaml has no rows for sample", "",
    ),
    "samples of participants": (
        "entity: visit", "entity: participant\n    samples: first",
        "datasets.main", "samples: belongs to a dataset of entity visit", "",
    ),
    "an unknown word": (
        "leave_out:", "leaveout:",
        "datasets.main.leaveout", "'leaveout' is not known here", "did you mean 'leave_out'?",
    ),
    "a name that the side table could bear": (
        "  main:", "  main__missing:",
        "datasets.main__missing", "holds two underscores in a row", "use one",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "message", "allowed"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, path, message, allowed):
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    found = problems(tmp_path, text)
    (problem,) = [one for one in found if one.path == path and message in one.message]
    assert allowed in problem.allowed
    lines = problem.file.read_text().splitlines()
    word = path.rpartition(".")[2].partition("[")[0]
    assert word in lines[problem.line - 1]
    assert len(found) == 1


def test_merging_on_purpose_is_no_mistake(tmp_path):
    assert problems(tmp_path, GOOD.replace("unknown: U", "unknown: M") + "    merged: [sex]\n") == ()


def test_every_mistake_is_told_at_once(tmp_path):
    text = GOOD.replace("crp: CRP", "crpp: CRP").replace("[age]", "[agee]").replace(", unknown: U", "")
    paths = {problem.path for problem in problems(tmp_path, text)}
    assert paths == {"datasets.main.rename.crpp", "datasets.main.leave_out[1]", "datasets.main.codes_as.sex"}


DATED = ("ifx: {recode: ifx, map: yes_no}", "ifx: {derive: \"reference_date > '2024-01-01'\"}")


def test_a_dated_rule_without_a_date_is_a_note(read_tiny):
    study, _ = read_tiny(study=declared(GOOD.replace("    reference_date: 2025-10-30\n", "")), mapping=DATED)
    (note,) = notes(study.datasets, study.mapping)
    assert note.startswith("participant: ifx: named by or needing reference_date, which no dataset gives")
    study, _ = read_tiny(study=declared(GOOD), mapping=DATED)
    assert list(notes(study.datasets, study.mapping)) == []


def test_a_dated_rule_may_not_read_a_source_column(tmp_path):
    rule = DATED[1].replace("> '2024-01-01'", "> '2024-01-01' and number(weight) > 1")
    (problem,) = problems(tmp_path, mapping=(DATED[0], rule))
    assert (problem.file.name, problem.path) == ("study.yaml", "datasets.main.reference_date")
    assert problem.message == "participant.ifx needs the date and reads the source column 'weight'"
    assert problem.allowed == "make that column a variable, and name the variable in the rule"
