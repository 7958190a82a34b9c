"""New files become one run per assay and attempt; what fails is tried three times, then less and less often."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psycopg2
import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.orchestration.sensors import asking, new_files
from omics_orchestrator.orchestration.sensors.asking import ATTEMPT, BATCH, PLACE
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.registry.arrivals import Arrivals, Position
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator_tests.installation import STUDY, Installation
from omics_orchestrator_tests.orchestration.sensors.sensing import Sensing

PEAKS = dg.AssetKey(["files", "tiny", "metabolomics"])
MORE = "id,S1,S2,S3,S4\nf1,1,2,3,4\n"
HOUR = timedelta(hours=1)
BREAK = """
create function registry.refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger refuse before insert or update on registry.file_version for each row execute function registry.refuse()
"""
MEND = "drop function registry.refuse() cascade"


def execute(installation: Installation, sql: str) -> None:
    connection = psycopg2.connect(installation.settings.database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


@pytest.fixture
def sensing(installation: Installation) -> Sensing:
    return Sensing(installation, "new_files")


@pytest.fixture
def registered(installation: Installation) -> Sensing:
    """An installation whose one file is registered."""
    session = Session(installation.workspace())
    assert not session.materialise(session.assets()).failed
    return Sensing(installation, "new_files")


def test_new_files_are_asked_for_once_registered_and_then_quiet(sensing: Sensing) -> None:
    (request,) = sensing.tick()
    assert request.asset_selection == [PEAKS]
    assert request.run_key == f"{request.tags[BATCH]}:1"
    assert (request.tags[ATTEMPT], request.tags[PLACE]) == ("1", "files/tiny/metabolomics")
    assert sensing.run(request)
    assert sensing.tick() == []
    assert "every store lists what the registry holds" in sensing.said
    (sensing.installation.source / "peaks.csv").write_text(MORE)
    (changed,) = sensing.tick()
    assert changed.tags[BATCH] != request.tags[BATCH]


def test_what_is_queued_or_running_is_not_asked_for_again(sensing: Sensing) -> None:
    (request,) = sensing.tick()
    run = sensing.instance.create_run_for_job(
        job_def=_job(sensing), asset_selection=frozenset([PEAKS]), tags=dict(request.tags)
    )
    assert sensing.tick() == []
    (sensing.installation.source / "peaks.csv").write_text(MORE)  # another batch: the same assay is busy
    assert sensing.tick() == []
    sensing.instance.report_run_failed(run)
    (again,) = sensing.tick()
    assert again.tags[ATTEMPT] == "1"


def _job(sensing: Sensing) -> dg.JobDefinition:
    from omics_orchestrator.orchestration.build import build_definitions

    return build_definitions(sensing.workspace()).get_implicit_global_asset_job_def()


@pytest.mark.faults
def test_three_attempts_then_back_off_then_the_mended_batch_is_registered(registered: Sensing) -> None:
    installation = registered.installation
    (installation.source / "peaks.csv").write_text(MORE)
    execute(installation, BREAK)
    keys = registered.fail(3)
    assert len(set(keys)) == 3
    assert {key.split(":")[0] for key in keys} == {keys[0].split(":")[0]}
    assert registered.tick() == []
    assert "failed 3 times" in registered.said
    assert registered.tick(HOUR - timedelta(minutes=2)) == []

    (fourth,) = registered.tick(HOUR)
    assert fourth.tags[ATTEMPT] == "4"
    assert not registered.run(fourth)
    assert registered.tick(2 * HOUR) == []

    execute(installation, MEND)
    (fifth,) = registered.tick(5 * HOUR)
    assert registered.run(fifth)
    assert registered.tick(5 * HOUR) == []


@pytest.mark.faults
def test_a_batch_that_backs_off_is_registered_by_hand_once_its_cause_is_mended(registered: Sensing) -> None:
    installation = registered.installation
    (installation.source / "peaks.csv").write_text(MORE)
    execute(installation, BREAK)
    registered.fail(3)
    execute(installation, MEND)
    session = Session(installation.workspace())
    done = session.materialise(session.assets(["files/tiny/metabolomics"]))
    assert not done.failed
    assert list(done.ran) == ["files/tiny/metabolomics"]
    assert registered.tick(25 * HOUR) == []


def test_a_changed_batch_starts_afresh(registered: Sensing) -> None:
    installation = registered.installation
    (installation.source / "peaks.csv").write_text(MORE)
    execute(installation, BREAK)
    registered.fail(3)
    assert registered.tick() == []
    (installation.source / "peaks.csv").write_text(MORE + "f2,1,2,3,4\n")
    (fresh,) = registered.tick()
    assert fresh.tags[ATTEMPT] == "1"


def test_deleted_runs_open_nothing_that_is_registered_and_do_not_break_counting(registered: Sensing) -> None:
    for run in registered.instance.get_runs():
        registered.instance.delete_run(run.run_id)
    assert registered.tick() == []

    (registered.installation.source / "peaks.csv").write_text(MORE)
    execute(registered.installation, BREAK)
    registered.fail(3)
    oldest = registered.instance.get_runs()[-1]
    registered.instance.delete_run(oldest.run_id)
    assert registered.tick() == []  # the third one is left: still three
    for run in registered.instance.get_runs():
        registered.instance.delete_run(run.run_id)
    (afresh,) = registered.tick()  # nothing is left: the count begins anew
    assert afresh.tags[ATTEMPT] == "1"


def test_a_store_that_does_not_answer_is_told_once_and_hinders_no_other(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "peaks.csv").write_text(MORE)
    peaks = STUDY.rpartition("  metabolomics:")[2].strip()
    more = f"  metabolomics_two: {peaks}\n  metabolomics_far: {peaks.replace('store+tiny', 'store+far')}\n"
    installation.declare("tiny", study=STUDY.format(name="tiny") + more.replace("{{", "{").replace("}}", "}"))
    monkeypatch.setenv("OMICS_STORE_FAR_URL", other.as_uri())
    stores = {**installation.settings.source_stores, "far": other.as_uri()}
    installation.settings = replace(installation.settings, source_stores=stores)
    head = FolderStore.head

    def refuse(self: FolderStore, key: str) -> object:
        if self.folder == str(installation.source):
            raise StorageError("the store is away")
        return head(self, key)

    monkeypatch.setattr(FolderStore, "head", refuse)
    sensing = Sensing(installation, "new_files")
    (request,) = sensing.tick()
    assert request.tags[PLACE] == "files/tiny/metabolomics_far"
    assert sensing.run(request)
    assert sensing.tick() == []
    assert sensing.said.count("the store is away") == 1


def test_a_tick_asks_for_a_bounded_number_of_batches(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "BATCHES", 2)
    for number in range(3):
        installation.declare(f"tiny_{number}")
    sensing = Sensing(installation, "new_files")
    first = sensing.tick()
    assert len(first) == 2
    for request in first:
        sensing.run(request)
    assert len(sensing.tick()) == 2
    asked = {request.tags[PLACE] for request in (*first, *sensing.tick())}
    assert len(asked) == 4


def test_a_look_that_runs_out_of_time_goes_on_there(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        installation.declare(f"tiny_{number}")
    workspace = installation.workspace()
    studies = list(workspace.catalogue.studies.values())
    seen: list[str] = []

    def slow(_: object, study: object, *__: object) -> Arrivals:
        seen.append(study.study)  # type: ignore[attr-defined]
        return Arrivals()

    monkeypatch.setattr(new_files, "arrivals", slow)
    cursor = ""
    for _ in range(4):
        look = new_files.Listings(workspace, studies, lambda: False)
        assert list(look.batches(cursor)) == []
        cursor = look.cursor
    assert seen == ["tiny", "tiny_0", "tiny_1", "tiny"]


def test_a_huge_listing_is_gone_on_with_and_the_cursor_holds_numbers_only(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = installation.workspace()
    positions: list[Position] = []

    def slow(_: object, __: object, ___: object, start: Position, ____: object) -> Arrivals:
        positions.append(start)
        return (
            Arrivals(position=Position(start.after + 7, start.present + 2))
            if len(positions) < 3
            else Arrivals()
        )

    monkeypatch.setattr(new_files, "arrivals", slow)
    cursor: str | None = "no cursor of ours"
    for _ in range(3):
        look = new_files.Listings(workspace, list(workspace.catalogue.studies.values()), lambda: False)
        list(look.batches(cursor))
        cursor = look.cursor
    assert positions == [Position(), Position(7, 2), Position(14, 4)]
    assert cursor == ""  # seen to the end
