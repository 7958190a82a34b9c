"""The REDCap-like server answers as REDCap does: rows and columns, refusals, log, rights, failures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from omics_orchestrator.demo.redcap_folder import load_project
from omics_orchestrator.demo.redcap_server import RedcapServer, Token
from omics_orchestrator.demo.redcap_store import Key, RedcapProject, Rights

# Rows of data.csv that project.xml lacks or has more of: the two files were written on different days.
OTHER_ROWS = {"arm-multiple-delete": 56, "arm-single-delete": 16}
NO_DATA = ("simple-write",)  # has no data.csv


def entry(name: str, form: str, kind: str = "text", **words: str) -> dict[str, str]:
    from omics_orchestrator.demo.redcap_store import METADATA

    return dict.fromkeys(METADATA, "") | {"field_name": name, "form_name": form, "field_type": kind, **words}


def invented() -> RedcapProject:
    """Return a classic project: one form once, one that repeats."""
    project = RedcapProject(
        [
            entry("id", "person"),
            entry("name", "person", identifier="y"),
            entry("ticks", "person", "checkbox", select_choices_or_calculations="1, A | -90, B"),
            entry("photo", "person", "file"),
            entry("crp", "visit", text_validation_type_or_show_slider_number="number"),
        ],
        repeats=[{"form_name": "visit", "custom_form_label": ""}],
    )
    project.rows = {
        Key("1"): {"name": "x", "person_complete": "2"},
        Key("1", instrument="visit", instance=1): {"crp": "5"},
        Key("2"): {"ticks____90": "1"},
    }
    project.files[Key("1"), "photo"] = ("a.jpg", "image/jpeg", b"bytes")
    return project


@pytest.fixture
def server() -> Iterator[RedcapServer]:
    with RedcapServer({"T": invented()}) as served:
        yield served


def ask(server: RedcapServer, content: str, token: str = "T", **words: Any) -> requests.Response:
    data = {"token": token, "content": content, "format": "csv", "returnFormat": "json", **words}
    return requests.post(server.url, data=data, timeout=10)


def rows(answer: requests.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def test_every_project_folder_is_served_with_the_rows_of_its_export(shared_data: Path) -> None:
    folders = [one for one in sorted((shared_data / "redcap/redcapr/projects").iterdir()) if one.is_dir()]
    assert len(folders) == 28
    with RedcapServer({folder.name: load_project(folder) for folder in folders}) as served:
        for folder in folders:
            found = len(rows(ask(served, "record", folder.name))) - 1
            if folder.name in NO_DATA:
                continue
            with (folder / "data.csv").open(encoding="utf-8-sig", newline="") as file:
                expected = len([row for row in csv.reader(file) if row]) - 1
            assert found == OTHER_ROWS.get(folder.name, max(expected, 0)), folder.name


@pytest.mark.parametrize("name", ["gidamps_synthetic", "music_synthetic"])
def test_a_folder_of_answers_is_answered_again(shared_data: Path, name: str) -> None:
    import json

    folder = shared_data / "redcap" / name
    with RedcapServer({"T": load_project(folder)}) as served:
        for content in ("metadata", "repeatingFormsEvents", "formEventMapping"):
            known = json.loads((folder / f"{content}.json").read_text())
            answer = ask(served, content, format="json")
            if isinstance(known, list):
                assert answer.json() == known
            else:
                assert answer.status_code == 400
        names = json.loads((folder / "exportFieldNames.json").read_text())
        files = {
            row["field_name"]
            for row in served.tokens["T"].project.metadata
            if row["field_type"] in {"file", "descriptive"}
        }
        told = {tuple(row.values()) for row in ask(served, "exportFieldNames", format="json").json()}
        assert told == {tuple(row.values()) for row in names if row["original_field_name"] not in files}
        records = json.loads((folder / "records.json").read_text())
        answered = ask(served, "record", format="json").json()
        assert len(answered) == len(records)
        columns = records[0].keys()
        found = {tuple(row[name] for name in columns) for row in answered}
        assert found == {tuple(str(row[name]) for name in columns) for row in records}


def test_columns_and_rows_are_those_of_the_fields_that_were_asked(server: RedcapServer) -> None:
    everything = rows(ask(server, "record"))
    assert everything[0] == [
        "id", "redcap_repeat_instrument", "redcap_repeat_instance", "name", "ticks___1", "ticks____90", "photo",
        "person_complete", "crp", "visit_complete",
    ]  # fmt: skip
    assert everything[1:] == [
        ["1", "", "", "x", "0", "0", "", "2", "", ""],
        ["1", "visit", "1", "", "", "", "", "", "5", "0"],
        ["2", "", "", "", "0", "1", "", "0", "", ""],
    ]
    some = rows(ask(server, "record", **{"fields[0]": "crp", "exportBlankForGrayFormStatus": "true"}))
    assert some == [["redcap_repeat_instrument", "redcap_repeat_instance", "crp"], ["visit", "1", "5"]]
    assert rows(ask(server, "record", **{"fields[0]": "id", "records[0]": "2"}))[1:] == [["2", "", ""]]


@pytest.mark.parametrize(
    ("content", "words", "status", "says"),
    [
        ("record", {"token": "WRONG"}, 403, "permission"),
        ("record", {"fields[0]": "redcap_event_name"}, 400, "not valid"),
        ("record", {"fields[0]": "nope"}, 400, "'nope'"),
        ("event", {}, 400, "classic projects"),
        ("formEventMapping", {}, 400, "classic projects"),
        ("nonsense", {}, 400, "content"),
        ("record", {"dateRangeBegin": "yesterday"}, 400, "dateRangeBegin"),
    ],
)
def test_refusals(server: RedcapServer, content: str, words: dict[str, str], status: int, says: str) -> None:
    answer = ask(server, content, **words)
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_the_log_knows_what_was_done_by_the_server_s_own_clock(server: RedcapServer) -> None:
    project = server.tokens["T"].project
    project.zone = ZoneInfo("Asia/Tokyo")
    project.clock = lambda: datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    project.edit("1", "crp", "7", instrument="visit", instance=2)
    project.edit("3", "name", "new")
    project.rename("2", "20")
    project.delete("1")
    begun = rows(ask(server, "record", **{"fields[0]": "id", "dateRangeBegin": "2026-03-02 04:59:00"}))
    assert {row[0] for row in begun[1:]} == {"20", "3"}  # says nothing about what was deleted
    assert (
        rows(ask(server, "record", **{"fields[0]": "id", "dateRangeBegin": "2026-03-02 05:01:00"}))[1:] == []
    )
    told = ask(server, "log", format="json", logtype="record").json()
    assert [row["action"] for row in told] == [
        "Delete record 1", "Update record 20", "Create record 3", "Update record 1",
    ]  # fmt: skip
    assert told[0]["timestamp"] == "2026-03-02 05:00"


def test_rights_leave_columns_out_hash_ids_and_hide_other_groups(server: RedcapServer) -> None:
    project = server.tokens["T"].project
    project.dags, project.groups = {"north": "North"}, {"1": "north"}
    with_groups = {"exportDataAccessGroups": "true"}
    assert "redcap_data_access_group" in rows(ask(server, "record", **with_groups))[0]
    server.tokens["D"] = Token(project, Rights(export="no_identifiers", hashed=True))
    assert "name" not in rows(ask(server, "record", "D"))[0]
    assert {len(row[0]) for row in rows(ask(server, "record", "D"))[1:]} == {32}
    server.tokens["G"] = Token(project, Rights(dag="north"))
    inside = rows(ask(server, "record", "G", **with_groups))
    assert "redcap_data_access_group" not in inside[0]
    assert {row[0] for row in inside[1:]} == {"1"}
    assert "permission" in ask(server, "dag", "G").text
    server.tokens["N"] = Token(project, Rights(export="none", log=False))
    assert ask(server, "record", "N").status_code == 403
    assert ask(server, "log", "N").status_code == 403


def test_files_are_handed_out(server: RedcapServer) -> None:
    answer = ask(server, "file", action="export", record="1", field="photo")
    assert (answer.content, answer.headers["Content-Type"]) == (b"bytes", 'image/jpeg; name="a.jpg"')
    assert ask(server, "file", action="export", record="2", field="photo").status_code == 400


def test_failures_are_shown_as_often_as_was_said(server: RedcapServer) -> None:
    server.faults.add("status", status=503, times=2)
    assert [ask(server, "version").status_code for _ in range(3)] == [503, 503, 200]
    for kind, part in (("database_down", "could not connect"), ("html", "<html"), ("memory", "ran out of")):
        server.faults.add(kind)  # type: ignore[arg-type]
        answer = ask(server, "record")
        assert (answer.status_code, part in answer.text) == (200, True)
    server.faults.add("banned")
    assert ask(server, "record").status_code == 403
    server.faults.add("fewer_records", content="record")
    assert {row[0] for row in rows(ask(server, "record"))[1:]} == {"1"}
    server.faults.add("fewer_rows", content="record", size=2)
    assert len(rows(ask(server, "record"))) == 2
    server.faults.add("cut", size=30)
    assert len(ask(server, "record").content) == 30
    server.faults.add("memory", size=10_000, times=None)
    assert ask(server, "record").status_code == 200
    server.faults.clear()
    server.faults.add("killed", size=12)
    with pytest.raises(requests.RequestException):
        ask(server, "record")


def test_what_was_asked_is_remembered_without_the_token(server: RedcapServer) -> None:
    ask(server, "record", **{"fields[0]": "id"})
    (seen,) = server.requests
    assert seen.asked["fields[0]"] == "id"
    assert "token" not in seen.asked
    assert (seen.token, seen.status) == ("T", 200)
    assert server.sent == seen.sent > 0


def test_only_the_api_s_address_answers(server: RedcapServer) -> None:
    assert requests.get(server.url, timeout=10).status_code == 405
    assert requests.post(server.url.replace("/api/", "/apj/"), timeout=10).status_code == 404


def test_a_changed_dictionary_is_in_the_next_answer(server: RedcapServer) -> None:
    project = server.tokens["T"].project
    project.add_field("albumin", "visit")
    assert "albumin" in rows(ask(server, "record"))[0]
    project.remove_field("albumin")
    assert "albumin" not in rows(ask(server, "record"))[0]
