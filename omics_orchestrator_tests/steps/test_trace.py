"""One value's whole way: the raw text behind it, what became of it, and the same value when it is read again."""

from __future__ import annotations

import logging
import time

import pytest

from omics_orchestrator import trace as trace_frame
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.harmonise import harmonise
from omics_orchestrator.steps.rule_text import readable
from omics_orchestrator.steps.stored import NotTraceable
from omics_orchestrator.steps.trace import TraceRow, trace
from omics_orchestrator.storage.tables import read_table, write_tables
from omics_orchestrator.studies.places import table_of
from omics_orchestrator_tests.installation import STUDY, Installation

STUDY_YAML = (
    STUDY.format(name="tiny").partition("assays:")[0].replace('"P[0-9]+"', '"P(?P<number>[0-9]+)"')
).replace("visits: visits.csv", "visits: visits.csv, bloods: bloods.csv")
MAPPING = """\
participant:
  from: files.people
  key: [id]
  sex: {recode: sex, map: {m: male, f: female}}
  age: {number: age, unit: a}
  date_of_diagnosis: {date: dx, partial: {"01-01": year}}
visit:
  from: files.visits
  key: [id, visit]
  join:
    latest: {table: files.bloods, on: [id], pick: last, by: day}
  crp: {number: crp, unit: mg/dL, censored: yes, missing: {none: not_done}}
  calprotectin: {coalesce: [cal_lab, {number: cal_home, unit: ug/g}]}
  haemoglobin: {number: latest.hb, unit: g/L}
  sampling_ifx: {any_of: [drug_a, drug_b], yes: [ifx], no: [other]}
  sampling_ada: {derive: "sampling_ifx and participant.age > 40 and number(dose) > 1"}
  visit_number: {reduce: nr, pick: max}
none:
  weight: {status: impossible, missing: not_collected, reason: nobody is weighed}
not_mapped:
  written by hand: [note]
"""
FILES = {
    "people.csv": "id,sex,age,dx,note\nP1,m,40,2014-01-01,x\nP2, f ,51,2015-03-02,y\nP3,m,33,,z\n",
    "visits.csv": (
        "id,visit,crp,cal_lab,cal_home,drug_a,drug_b,dose,nr\n"
        "P1,1,<0.5,,120,other,ifx,2,1\n"
        "P2,1,none,80,,other,,,1\n"
        "P2,2,high,,,ifx,other,3,2\n"
        "P2,2,1.5,,,ifx,other,3,4\n"
        "P3,1,1,,,,,,1\n"
        "P3,1,2,,,,,,1\n"
    ),
    "bloods.csv": "id,day,hb\nP1,1,120\nP1,2,130\nP2,1,140\n",
}


@pytest.fixture
def traced(installation: Installation) -> Installation:
    """A small study with every kind of way from text to value, harmonised."""
    for name, text in FILES.items():
        (installation.source / name).write_text(text)
    installation.declare("tiny", study=STUDY_YAML, mapping=MAPPING)
    materialise(installation)
    return installation


def materialise(installation: Installation, *, only_raw: bool = False, run: str = "run of harmonise") -> None:
    """Extract and harmonise without Dagster, which these tests do not need."""
    workspace = installation.workspace()
    study, database = workspace.catalogue.studies["tiny"], workspace.database
    for place in study.raw_tables():
        write_tables(database, extract(workspace, study, *place, run_id="run of extract").writes)
    for entity, block in {} if only_raw else study.mapping.entities.items():
        places = {name: study.place(block.table_of(name)) for name in block.tables()}
        raw = {
            name: read_table(database, *table_of(("raw", "tiny", *place))) for name, place in places.items()
        }
        known = entity != "participant" and "participant" in study.mapping.entities
        participants = read_table(database, "harmonised_tiny", "participant") if known else None
        made = harmonise(workspace, study, entity, raw, participants, run_id=run)
        write_tables(database, made.writes)


def ask(
    installation: Installation, participant: str, variable: str, visit: str | None = None
) -> list[TraceRow]:
    return trace(installation.workspace(), "tiny", participant, visit_id=visit, variable=variable)


def told(rows: list[TraceRow]) -> list[tuple[str | None, str | None, str | None]]:
    return [(row.column, row.raw_text, row.outcome) for row in rows]


def test_record_column_text_rule_versions_and_runs(traced: Installation) -> None:
    (row,) = ask(traced, "P1", "crp", "1")
    assert (row.value, row.comparator, row.missing) == (5.0, "<", None)
    assert (row.source_table, row.record, row.column) == ("files.visits", "row_number 1", "crp")
    assert (row.raw_text, row.outcome, row.agrees) == ("<0.5", "value", True)
    assert row.rule == "{number: crp, missing: {none: not_done}, unit: mg/dL, censored: yes}"
    assert row.rule_version
    assert row.dictionary_version
    assert (row.extract_run, row.harmonise_run) == ("run of extract", "run of harmonise")
    assert row.written_at
    assert (row.participant_id, row.visit_id, row.sample_id) == ("P1", "1", None)


def test_why_a_value_is_missing(traced: Installation) -> None:
    (word,) = ask(traced, "P2", "crp", "1")
    assert (word.value, word.missing, word.raw_text, word.outcome) == (
        None,
        "not_done",
        "none",
        "missing:not_done",
    )
    (blank,) = ask(traced, "P3", "date_of_diagnosis")
    assert (blank.value, blank.missing, blank.outcome) == (None, "not_collected", "blank")
    (absent,) = ask(traced, "P3", "weight", "1")
    assert (absent.rule, absent.missing) == ("none: impossible: nobody is weighed", "not_collected")
    assert {word.agrees, blank.agrees} == {True}


def test_the_text_is_told_as_it_stands_in_the_source(traced: Installation) -> None:
    (row,) = ask(traced, "P2", "sex")
    assert (row.value, row.raw_text, row.outcome, row.agrees) == ("female", " f ", "value", True)
    (year,) = ask(traced, "P1", "date_of_diagnosis")
    assert (str(year.value), year.comparator, year.raw_text) == ("2014-01-01", "year", "2014-01-01")


def test_rows_of_one_key(traced: Installation) -> None:
    assert told(ask(traced, "P2", "crp", "2")) == [("crp", "high", "invalid"), ("crp", "1.5", "value")]
    torn = ask(traced, "P3", "crp", "1")
    assert told(torn) == [("crp", "1", "conflicting"), ("crp", "2", "conflicting")]
    assert [(row.value, row.missing, row.agrees) for row in torn] == [(None, "unknown", True)] * 2
    picked = ask(traced, "P2", "visit_number", "2")
    assert [(row.raw_text, row.outcome, row.value) for row in picked] == [
        ("2", "not_picked", 4),
        ("4", "value", 4),
    ]


def test_several_columns_and_joined_tables(traced: Installation) -> None:
    first = ask(traced, "P1", "calprotectin", "1")
    assert told(first) == [("cal_lab", "", "blank"), ("cal_home", "120", "value")]
    assert told(ask(traced, "P1", "sampling_ifx", "1")) == [
        ("drug_a", "other", "value"),
        ("drug_b", "ifx", "value"),
    ]
    (joined,) = ask(traced, "P1", "haemoglobin", "1")
    assert (joined.source_table, joined.record, joined.raw_text) == ("files.bloods", "row_number 2", "130")
    (nothing,) = ask(traced, "P3", "haemoglobin", "1")[:1]
    assert (nothing.value, nothing.column, nothing.agrees) == (None, None, True)


def test_what_a_computed_variable_is_made_of(traced: Installation) -> None:
    rows = ask(traced, "P2", "sampling_ada", "2")
    assert [(row.variable, row.input_of, row.depth) for row in rows] == [
        ("sampling_ada", "", 0),
        ("age", "sampling_ada", 1),
        *[("sampling_ifx", "sampling_ada", 1)] * 4,
        *[("number(dose)", "sampling_ada", 1)] * 2,
    ]
    assert rows[0].value is True
    assert rows[1].value == 51
    assert (rows[1].source_table, rows[1].raw_text) == ("files.people", "51")
    assert {row.raw_text for row in rows if row.variable == "number(dose)"} == {"3"}
    assert {row.agrees for row in rows if not row.variable.startswith("number(")} == {True}


def test_without_a_visit_each_visit_is_traced(traced: Installation) -> None:
    assert [row.visit_id for row in ask(traced, "P2", "visit_number")] == ["1", "2", "2"]


def test_the_run_is_the_one_that_wrote_the_content(traced: Installation) -> None:
    materialise(traced, run="a later run that changed nothing")
    assert {row.harmonise_run for row in ask(traced, "P1", "crp", "1")} == {"run of harmonise"}
    visits = traced.source / "visits.csv"
    visits.write_text(visits.read_text().replace("P1,1,<0.5", "P1,1,0.7"))
    materialise(traced, run="the run that saw it")
    assert {row.harmonise_run for row in ask(traced, "P1", "crp", "1")} == {"the run that saw it"}
    assert {row.harmonise_run for row in ask(traced, "P1", "age")} == {"run of harmonise"}


def test_what_changed_since_does_not_agree(traced: Installation) -> None:
    visits = traced.source / "visits.csv"
    visits.write_text(visits.read_text().replace("P1,1,<0.5", "P1,1,0.7"))
    materialise(traced, only_raw=True)
    (row,) = ask(traced, "P1", "crp", "1")
    assert (row.value, row.comparator, row.raw_text, row.agrees) == (5.0, "<", "0.7", False)
    materialise(traced)
    (row,) = ask(traced, "P1", "crp", "1")
    assert (row.value, row.agrees) == (7.0, True)
    mapping = (traced.dictionary / "studies" / "tiny" / "mapping.yaml").read_text()
    traced.declare("tiny", study=STUDY_YAML, mapping=mapping.replace("unit: mg/dL", "unit: mg/L"))
    (row,) = ask(traced, "P1", "crp", "1")
    assert (row.value, row.agrees) == (7.0, False)
    assert "mg/dL" in str(row.rule)  # the rule that made the stored value


def test_unknown_words_name_the_nearest_but_no_other_participant(traced: Installation) -> None:
    workspace = traced.workspace()
    with pytest.raises(UnknownKey, match='no study "tinyy"; nearest: "tiny"'):
        trace(workspace, "tinyy", "P1", variable="crp")
    with pytest.raises(UnknownKey, match='no variable of tiny "crpp"; nearest: "crp"'):
        trace(workspace, "tiny", "P1", variable="crpp")
    with pytest.raises(UnknownKey, match='^no participant of tiny "P4"$'):
        trace(workspace, "tiny", "P4", variable="crp")
    with pytest.raises(UnknownKey, match='no visit of this participant "3"; there are: "1", "2"'):
        trace(workspace, "tiny", "P2", visit_id="3", variable="crp")
    with pytest.raises(UnknownKey, match="no sample of this participant"):
        trace(workspace, "tiny", "P2", sample_id="S1", variable="crp")
    traced.declare("tiny", study=STUDY_YAML, mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    with pytest.raises(NotTraceable, match="declaration is broken"):
        trace(traced.workspace(), "tiny", "P1", variable="crp")


def test_what_was_never_harmonised_says_how(installation: Installation) -> None:
    with pytest.raises(NotTraceable, match="omics materialize harmonised/tiny/participant"):
        trace(installation.workspace(), "tiny", "P1", variable="sex")


def test_slots_and_long_tables(installation: Installation) -> None:
    for name, text in {
        "people.csv": "id,drug_1,drug_2,note\nP1,aza,ifx,\nP2,,mp,\n",
        "visits.csv": "id,visit,test,result,sample,crp\nP1,1,CRP,5,,\nP1,1,Hb,140,,\n",
    }.items():
        (installation.source / name).write_text(text)
    mapping = """\
participant:
  from: files.people
  key: [id]
visit:
  from: files.visits
  key: [id, visit]
  reshape: {spread: test, values: result, columns: {c: CRP, h: Hb}}
  crp: {number: c, unit: mg/L}
  haemoglobin: {number: h, unit: g/L}
sample:
  from: files.people
  key: [id, slot]
  reshape: {slots: 1..2, columns: {drug: "drug_{slot}"}}
  sample_comments: drug
not_mapped:
  x: [note, sample, crp]
"""
    study = STUDY.format(name="tiny").partition("assays:")[0]
    known = installation.workspace().dictionary.of_entity("sample")
    text = next(variable.name for variable in known if variable.type == "text")
    installation.declare("tiny", study=study, mapping=mapping.replace("sample_comments", text))
    materialise(installation)
    assert told(ask(installation, "P1", "crp", "1")) == [("result", "5", "value")]
    assert told(ask(installation, "P1", "haemoglobin", "1")) == [("result", "140", "value")]
    rows = trace(installation.workspace(), "tiny", "P1", sample_id="2", variable=text)
    assert told(rows) == [("drug_2", "ifx", "value")]
    assert rows[0].agrees is True


def test_the_notebook_gets_a_frame_and_nothing_is_logged(
    traced: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        frame = trace_frame("tiny", "P1", visit_id="1", variable="calprotectin")
    assert list(frame["raw_text"]) == ["", "120"]
    assert list(frame["agrees"]) == [True, True]
    assert "depth" not in frame.columns
    assert "P1" not in caplog.text
    assert "120" not in caplog.text


def test_a_trace_of_a_thousand_participants_takes_less_than_a_second(installation: Installation) -> None:
    people = "".join(f"P{n},m,{n % 80},2014-01-01,x\n" for n in range(1000))
    visits = "".join(f"P{n},{v},{v}.5,,120,other,ifx,2,1\n" for n in range(1000) for v in range(4))
    bloods = "".join(f"P{n},{v},1{v}0\n" for n in range(1000) for v in range(4))
    for name, rows in {"people.csv": people, "visits.csv": visits, "bloods.csv": bloods}.items():
        (installation.source / name).write_text(FILES[name].splitlines(keepends=True)[0] + rows)
    installation.declare("tiny", study=STUDY_YAML, mapping=MAPPING)
    materialise(installation)
    ask(installation, "P500", "sampling_ada", "2")  # libraries are loaded, declarations read
    started = time.process_time()  # of this process, for others may keep the machine busy
    assert {row.agrees for row in ask(installation, "P501", "sampling_ada", "2") if row.depth == 0} == {True}
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"verb": "copy", "columns": ["a"]}, "a"),
        ({"verb": "number", "columns": ["crp"], "unit": "mg/L"}, "{number: crp, unit: mg/L}"),
        (
            {
                "verb": "coalesce",
                "parts": [{"verb": "copy", "columns": ["a"]}, {"verb": "number", "columns": ["b"]}],
            },
            "{coalesce: [a, {number: b}]}",
        ),
        (
            {"verb": "any_of", "columns": ["a", "b"], "yes": ["1"], "no": ["0"]},
            "{any_of: [a, b], yes: 1, no: 0}",
        ),
        ({"verb": "score", "name": "hbi", "definition": {"label": "x"}}, "{score: hbi}"),
    ],
)
def test_rules_are_told_as_they_are_written(rule, text):
    assert readable(rule) == text
