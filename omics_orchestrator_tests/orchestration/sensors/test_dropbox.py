"""Spreadsheets in a folder: read when they have arrived whole, tried again when they are bad, at once when mended."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest

from omics_orchestrator.orchestration.sensors.asking import ATTEMPT, PLACE
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator_tests.installation import STUDY, Installation
from omics_orchestrator_tests.orchestration.sensors.sensing import Sensing

PEOPLE = "id,sex,age,note\nP1,m,40,x\nP2,f,51,y\nP3,m,33,z\nP4,f,20,new\n"
HOUR = timedelta(hours=1)
EXCEL = STUDY.replace("kind: delimited", "kind: excel").replace(
    "{{people: people.csv, visits: visits.csv}}",
    "{{people: {{file: book.xlsx, sheet: people}}, visits: {{file: book.xlsx, sheet: visits}}}}",
)


def book(installation: Installation) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name in ("people", "visits"):
        sheet = workbook.create_sheet(name)
        for line in (installation.source / f"{name}.csv").read_text().splitlines():
            sheet.append(line.split(","))
    written = io.BytesIO()
    workbook.save(written)
    return written.getvalue()


@pytest.fixture
def sensing(installation: Installation) -> Sensing:
    """An installation whose sources are read."""
    sensing = Sensing(installation, "dropbox")
    assert sensing.tick() == []
    (request,) = sensing.tick()
    assert len(request.asset_selection or ()) == 2
    assert sensing.run(request)
    assert sensing.tick() == []
    assert sensing.said == "no file of a source changed"
    return sensing


def test_a_changed_file_is_read_at_the_second_look_that_sees_it_so(sensing: Sensing) -> None:
    path = sensing.installation.source / "people.csv"
    path.write_text(PEOPLE[:40])
    assert sensing.tick() == []
    assert "arriving" in sensing.said
    path.write_text(PEOPLE)  # it grows
    assert sensing.tick() == []
    (request,) = sensing.tick()
    assert request.tags[PLACE] == "raw/tiny/files"
    assert sensing.run(request)
    assert sensing.tick() == []
    assert sensing.said == "no file of a source changed"


@pytest.mark.parametrize(
    "beside", ["~$people.csv", ".~lock.people.csv#", "people.csv.part", "people.csv.tmp"]
)
def test_a_lock_or_a_half_written_file_beside_it_holds_it_back_for_half_a_day(
    sensing: Sensing, beside: str
) -> None:
    source = sensing.installation.source
    (source / "people.csv").write_text(PEOPLE)
    lock = source / beside
    lock.write_text("x")
    for _ in range(3):
        assert sensing.tick() == []
    old = (datetime.now(UTC) - 13 * HOUR).timestamp()
    os.utime(lock, (old, old))  # its program ended badly long ago
    assert len(sensing.tick()) == 1
    lock.unlink()
    assert len(sensing.tick()) == 1


def test_a_bad_spreadsheet_is_tried_three_times_then_rarely_and_at_once_when_mended(
    installation: Installation,
) -> None:
    installation.declare("tiny", study=EXCEL.format(name="tiny"))
    whole = book(installation)
    path = installation.source / "book.xlsx"
    path.write_bytes(whole[:200])
    sensing = Sensing(installation, "dropbox")
    assert sensing.tick() == []
    sensing.fail(3)
    assert sensing.tick() == []
    assert "failed 3 times" in sensing.said
    (fourth,) = sensing.tick(HOUR)
    assert fourth.tags[ATTEMPT] == "4"

    path.write_bytes(whole)
    assert sensing.tick() == []  # it may still be growing
    (fresh,) = sensing.tick()
    assert fresh.tags[ATTEMPT] == "1"
    assert sensing.run(fresh)
    assert sensing.tick(48 * HOUR) == []


def test_only_the_tables_that_failed_are_tried_again(sensing: Sensing) -> None:
    source = sensing.installation.source
    (source / "people.csv").write_text(PEOPLE)
    (source / "visits.csv").write_text("")
    assert sensing.tick() == []
    (first,) = sensing.tick()
    assert not sensing.run(first)
    (second,) = sensing.tick()
    assert [key.path[-1] for key in second.asset_selection or ()] == ["visits"]
    assert (second.tags[ATTEMPT], second.tags["omics/batch"]) == ("2", first.tags["omics/batch"])


def test_deleted_runs_open_nothing_that_was_read(sensing: Sensing) -> None:
    for run in sensing.instance.get_runs():
        sensing.instance.delete_run(run.run_id)
    assert sensing.tick() == []
    assert sensing.tick() == []


def test_a_source_that_is_not_followed_is_left_to_the_night(installation: Installation) -> None:
    installation.declare(
        "tiny", study=STUDY.format(name="tiny").replace("delimited,", "delimited, follow: no,")
    )
    sensing = Sensing(installation, "dropbox")
    for _ in range(3):
        assert sensing.tick() == []


def test_a_folder_that_cannot_be_listed_is_told_once(
    sensing: Sensing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omics_orchestrator.errors import StorageError

    def refuse(*_: object) -> object:
        raise StorageError("the share is away")

    monkeypatch.setattr(FolderStore, "head", refuse)
    assert sensing.tick() == []
    assert sensing.said.count("the share is away") == 1
