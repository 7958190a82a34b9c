"""Participant ids become pseudonyms before anything is stored; the crosswalk lies in the schema `identifiers` only."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError, NotConfigured
from omics_orchestrator.orchestration import current
from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Attachment, Delivery
from omics_orchestrator.steps.pseudonymise import Pseudonyms, pseudonymised, telling
from omics_orchestrator.steps.stored import NotTraceable
from omics_orchestrator.steps.trace import trace
from omics_orchestrator.storage.tables import read_query, read_table
from omics_orchestrator.studies.pseudonyms import PSEUDONYM, id_columns
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_identify import everything

SECRET = "a secret of at least thirty-two signs"
STUDY = """\
study: tiny
title: Tiny study
stewards: [tiny@example.org]
participant_id: {pattern: "TIN-0*(?P<number>[0-9]+)(-[A-Z])?", written: "TIN-{number}", aliases: aliases.csv}
pseudonymise: yes
sources:
  files:
    kind: delimited
    location: "store+tiny://"
    tables: {people: people.csv, visits: visits.csv, bloods: bloods.csv}
"""
MAPPING = """\
participant:
  from: files.people
  key: [id]
  sex: {recode: sex, map: {m: male, f: female}}
visit:
  from: files.visits
  key: [id, visit]
  join: {files.bloods: {cardinality: one_to_one, on: {id: subject, visit: visit}}}
  crp: {number: files.bloods.crp, unit: mg/L}
sample:
  from: files.visits
  key: [id, sample]
  visit_id: visit
"""
FILES = {
    "people.csv": "id,sex\nTIN-7001,m\nTIN-07002,f\nold seven,m\nnobody at all,f\n",
    "visits.csv": "id,visit,sample\nTIN-7001,1,TIN-7001-S1\nTIN-7002,1,7002/TIN-7002\nTIN-7003,1,S3\n",
    "bloods.csv": "subject,visit,crp\nTIN-7001-B,1,5\nTIN-07002,1,6\nTIN-7003,1,7\n",
}
PLANTED = ("TIN-7", "TIN-0", "old seven", "nobody at all")


def declare(installation: Installation, *, study: str = STUDY, mapping: str = MAPPING) -> Path:
    for name, text in FILES.items():
        (installation.source / name).write_text(text)
    folder = installation.declare("tiny", study=study, mapping=mapping)
    (folder / "aliases.csv").write_text("old,new\nold seven,TIN-7003\n")
    return folder


@pytest.fixture
def pseudonymous(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("OMICS_PSEUDONYM_KEY", SECRET)
    environment = {**installation.environment(), "OMICS_PSEUDONYM_KEY": SECRET}
    installation.settings = Settings.from_environment(environment)
    declare(installation)
    return installation


def run(installation: Installation) -> Summary:
    session = Session(installation.workspace())
    return session.materialise(session.assets())


def crosswalk(installation: Installation) -> dict[str, str]:
    rows = read_query(
        installation.workspace().database, "select * from identifiers.tiny__participants"
    ).to_pylist()
    return {row["participant_id"]: row["pseudonym"] for row in rows}


def test_the_line_runs_on_pseudonyms(pseudonymous: Installation) -> None:
    summary = run(pseudonymous)
    assert summary.failed == {}
    database, known = pseudonymous.workspace().database, crosswalk(pseudonymous)
    assert {one for one in known if known[one].startswith("P")} == {"TIN-7001", "TIN-7002", "TIN-7003"}
    assert known["nobody at all"].startswith("X")
    people = read_table(database, "harmonised_tiny", "participant")
    three = {known[one] for one in ("TIN-7001", "TIN-7002", "TIN-7003")}
    assert set(people["participant_id"].to_pylist()) == three
    visits = read_table(database, "harmonised_tiny", "visit").to_pylist()
    assert {row["participant_id"]: row["crp"] for row in visits} == {
        known["TIN-7001"]: 5, known["TIN-7002"]: 6, known["TIN-7003"]: 7,
    }  # fmt: skip
    samples = read_table(database, "harmonised_tiny", "sample").to_pylist()
    assert {row["sample_id"] for row in samples} == {
        f"{known['TIN-7001']}-S1", f"7002/{known['TIN-7002']}", "S3",
    }  # fmt: skip
    failed = [
        one for one in Session(pseudonymous.workspace()).checks() if one.name == "keys" and not one.passed
    ]
    assert [one.asset for one in failed] == [
        "harmonised/tiny/participant"
    ]  # what is no id is none as pseudonym


def test_ids_lie_in_no_other_schema(pseudonymous: Installation) -> None:
    assert run(pseudonymous).failed == {}
    urls = (pseudonymous.settings.database_url, pseudonymous.settings.dagster_database_url)
    found = {
        place for url in urls for place, text in everything(str(url)) if any(one in text for one in PLANTED)
    }
    assert found == {"identifiers.tiny__participants.participant_id"}
    stored = [
        file for file in pseudonymous.settings.home.rglob("*") if file.is_file() and file.suffix != ".pickle"
    ]
    texts = [file.read_bytes().decode("utf-8", "replace") for file in stored]
    assert not [text for text in texts if any(one in text for one in PLANTED)]


def test_a_second_run_writes_nothing(pseudonymous: Installation) -> None:
    run(pseudonymous)
    session = Session(pseudonymous.workspace())
    assert session.materialise(session.assets(), force=True).touched == 0


def test_another_key_makes_every_table_run_again(
    pseudonymous: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pseudonymous)
    monkeypatch.setenv("OMICS_PSEUDONYM_KEY", SECRET[::-1])
    current.forget()
    before = set(crosswalk(pseudonymous).values())
    other = {**pseudonymous.settings.environment, "OMICS_PSEUDONYM_KEY": SECRET[::-1]}
    pseudonymous.settings = Settings.from_environment(other)
    assert {"raw/tiny/files/people", "raw/tiny/files/visits"} <= set(run(pseudonymous).ran)
    held = read_table(pseudonymous.workspace().database, "raw_tiny", "files__people")["id"].to_pylist()
    assert not before & set(held)


def test_an_id_that_the_table_does_not_list_is_replaced_wherever_a_cell_is_one(
    pseudonymous: Installation,
) -> None:
    (pseudonymous.source / "people.csv").write_text(
        "id,sex\nTIN-7001,m\nTIN-7002,TIN-07999\nTIN-7003, TIN-7998 \n"
    )
    run(pseudonymous)
    cells = read_table(pseudonymous.workspace().database, "raw_tiny", "files__people")["sex"].to_pylist()
    assert [cell[0] for cell in sorted(cells)] == ["P", "P", "m"]


def test_a_trace_by_the_id_itself_is_told_to_ask_for_the_pseudonym(pseudonymous: Installation) -> None:
    run(pseudonymous)
    with pytest.raises(NotTraceable, match="ask for the pseudonym"):
        trace(pseudonymous.workspace(), "tiny", "TIN-7001", variable="sex")


def test_a_machine_without_the_key_does_not_have_the_study(installation: Installation) -> None:
    declare(installation)
    workspace = installation.workspace()
    assert workspace.unavailable(workspace.catalogue.studies["tiny"]) == "OMICS_PSEUDONYM_KEY"
    short = Settings.from_environment({"OMICS_PSEUDONYM_KEY": "short"})
    with pytest.raises(NotConfigured, match="at least 32 characters"):
        Pseudonyms(workspace.catalogue.studies["tiny"], short)


def test_pseudonyms_depend_on_study_and_key_and_not_on_the_spelling(pseudonymous: Installation) -> None:
    study = pseudonymous.workspace().catalogue.studies["tiny"]
    other = study.model_copy(update={"study": "other"})
    settings = pseudonymous.settings
    changed = Settings.from_environment({"OMICS_PSEUDONYM_KEY": SECRET[::-1]})
    made = Pseudonyms(study, settings)
    same = {made.of(text) for text in ("TIN-7003", " TIN-007003 ", "TIN-7003-A", "old seven")}
    assert len(same) == 1
    (one,) = same
    assert PSEUDONYM.read(one) == one
    assert (
        len({one, Pseudonyms(other, settings).of("TIN-7003"), Pseudonyms(study, changed).of("TIN-7003")}) == 3
    )
    assert PSEUDONYM.read(made.of("no id")) is None
    assert made.of(" ") == " "


def test_columns_with_ids_are_those_of_keys_and_joins(pseudonymous: Installation) -> None:
    study = pseudonymous.workspace().catalogue.studies["tiny"]
    columns = {
        table: id_columns(study, "files", table) - {"record_id"} for table in ("people", "visits", "bloods")
    }
    assert columns["people"] == {"id"}
    assert "id" in columns["visits"]
    assert "subject" in columns["bloods"]


def test_side_tables_attachments_and_rows_that_give_way(pseudonymous: Installation) -> None:
    workspace = pseudonymous.workspace()
    study = workspace.catalogue.studies["tiny"]
    data = pa.table({"record_id": ["TIN-7001"], "note": ["seen, TIN-7001"], "code": ["7001"]})
    issues = pa.table({"record_id": ["TIN-7001"], "field": ["note"]})
    file = Attachment(("TIN-7001",), "scan", "TIN-7001_scan.pdf", lambda: b"")
    delivery = Delivery(
        data, ("record_id",), (), replaced=data.select(["record_id"]), beside={"issues": (issues, ("record_id",))},
        attachments=(file,),
    )  # fmt: skip
    found = pseudonymised(workspace, study, "files", "people", delivery)
    assert found.replaced is not None
    known = Pseudonyms(study, pseudonymous.settings).of("TIN-7001")
    assert found.data.to_pylist() == [{"record_id": known, "note": f"seen, {known}", "code": "7001"}]
    assert found.replaced["record_id"].to_pylist() == [known]
    assert found.beside["issues"][0].to_pylist() == [{"record_id": known, "field": "note"}]
    assert (found.attachments[0].key, found.attachments[0].name) == ((known,), f"{known}_scan.pdf")


def test_two_spellings_of_one_raw_key_are_refused(pseudonymous: Installation) -> None:
    workspace = pseudonymous.workspace()
    data = pa.table({"record_id": ["TIN-7001", "TIN-07001"]})
    study = workspace.catalogue.studies["tiny"]
    with pytest.raises(DeliveryError, match="1 row repeats the key of another") as told:
        pseudonymised(workspace, study, "files", "people", Delivery(data, ("record_id",), ()))
    assert "7001" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "tells"),
    [("1", False), ("P1", False), ("12345", False), ("123456", True), ("P-01", True), (None, False)],
)
def test_short_ids_are_not_looked_for_elsewhere(text: str | None, tells: bool) -> None:
    assert telling(text) is tells


@pytest.mark.parametrize(
    ("study", "mapping", "place", "words"),
    [
        (
            STUDY,
            MAPPING.replace("  key: [id]\n", "  key: [id]\n  where: \"id <> 'TIN-1'\"\n"),
            "mapping.yaml:4",
            "pseudonym",
        ),
        (
            STUDY,
            MAPPING.replace("recode: sex", "recode: participant_id.number"),
            "mapping.yaml:4",
            "a pseudonym has no groups",
        ),
    ],
    ids=["where", "group"],
)
def test_what_cannot_be_pseudonymised_is_told(
    installation: Installation, study: str, mapping: str, place: str, words: str
) -> None:
    declare(installation, study=study, mapping=mapping)
    message = str(installation.workspace().catalogue.broken["tiny"])
    assert place in message
    assert words in message
