"""What changed in a window is staged and read again: REDCap, databases, files; also when killed in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.registry import reading
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Sql
from omics_orchestrator.sources.base import Held, Window
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.steps.deliver import by_day, deliver
from omics_orchestrator.steps.register import register
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.staged import FILES, forget, waiting, waits
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.tables import write_tables
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_extract_redcap import Pulls, made

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class World(Pulls):
    """A REDCap study whose server has a clock of its own."""

    def __init__(self, installation: Installation, server: RedcapServer) -> None:
        super().__init__(installation, server)
        self.now = START
        server.clock = self.project.clock = lambda: self.now

    def deliver(self, begins: datetime, days: int = 1, run_id: str = "r") -> StepResult:
        """Stage a window."""
        SHARED.forget()
        workspace = self.installation.workspace()
        study = workspace.catalogue.studies["tiny"]
        return deliver(workspace, study, "redcap", Window(begins, begins + days * DAY), run_id=run_id)

    def waits(self, table: str = "visit") -> bool:
        workspace = self.installation.workspace()
        return waits(workspace, workspace.catalogue.studies["tiny"], "redcap", table)

    def apply(self, *, killed: str = "") -> dict[str, object]:
        """Extract, write and forget, or stop after one of these."""
        result = self.extract()
        if killed == "extract":
            return {}
        written = write_tables(self.installation.workspace().database, result.writes)
        if killed != "write":
            forget(self.installation.workspace(), result.applied)
        changed = sum(one.inserted + one.updated for one in written if one.name == "redcap__visit")
        return {"changed": changed, "version": result.data_version, **result.facts}


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Stores of a machine that has only our own."""
    return Stores(Settings(home=tmp_path, dictionary=tmp_path, store_url=(tmp_path / "own").as_uri()))


@pytest.fixture
def world(installation: Installation) -> Iterator[World]:
    with RedcapServer({"TOKEN": made(30)}) as server:
        yield World(installation, server)


def test_a_lost_change_comes_back(world: World) -> None:
    world.pull()
    world.now = START + 2 * DAY
    world.pull()  # the mark is of the third day now
    edited = world.now - 1.5 * DAY
    world.now = edited
    world.project.edit("P7", "crp", "99", instrument="visit", instance=1)
    world.now = START + 3 * DAY
    assert world.apply()["changed"] == 0  # the change lies before the mark less 26 hours
    assert world.deliver(edited.replace(hour=0)).rows == 1
    assert world.waits()
    applied = world.apply()
    assert (applied["pull"], applied["changed"], world.cells()["P7", 1]) == ("changes", 1, "99")
    assert not world.waits()
    assert world.waits("person")  # each table applies for itself


@pytest.mark.parametrize("killed", ["extract", "write"])
def test_killed_between_nothing_is_lost_and_twice_is_once(world: World, killed: str) -> None:
    world.pull()
    world.now = START + 2 * DAY
    world.pull()
    world.now = START + 0.5 * DAY
    world.project.edit("P7", "crp", "99", instrument="visit", instance=1)
    world.now = START + 3 * DAY
    world.deliver(START.replace(hour=0), 2)
    world.apply(killed=killed)
    assert world.waits()
    world.deliver(START.replace(hour=0), 2, run_id="again")
    applied = world.apply()
    assert applied["changed"] == (1 if killed == "extract" else 0)
    assert not world.waits()
    assert world.cells()["P7", 1] == "99"
    again = world.apply()
    assert (again["changed"], again["version"]) == (0, applied["version"])


def test_what_is_staged_names_records_and_no_cell(world: World) -> None:
    world.now = START + DAY
    world.project.edit("P3", "crp", "123456", instrument="visit", instance=2)
    world.project.edit("P4", "crp", "123456", instrument="visit", instance=2)
    world.project.delete("P4")
    result = world.deliver(world.now.replace(hour=0))
    assert result.facts == {
        "changed_person": 1,
        "changed_visit": 1,
    }  # P4 is no more: the list of ids tells it
    store = world.installation.workspace().stores.own
    said = [store.get(one.key).decode() for one in store.list("staging")]
    assert len(said) == 2
    assert all('"P3"' in one and "123456" not in one for one in said)


def test_a_window_without_changes_asks_for_nothing(world: World) -> None:
    world.pull()
    world.now = START + 3 * DAY
    assert world.deliver(START - 9 * DAY).rows == 0
    assert world.apply()["changed"] == 0


def test_a_server_that_does_not_answer_stages_nothing(world: World) -> None:
    world.server.tokens.clear()
    with pytest.raises(DeliveryError):
        world.deliver(START)
    assert not world.waits()


@pytest.mark.parametrize(
    ("said", "kind"), [("2026-03-0{} 10:00:00", "text"), ("2026-03-0{}T10:00:00+00:00", "text")]
)
def test_a_database_is_read_again_from_the_window_on(
    stores: Stores, tmp_path: Path, said: str, kind: str
) -> None:
    file = tmp_path / "clinic.db"
    with sqlite3.connect(file) as db:
        db.execute(f"create table lab (id integer primary key, value text, changed {kind})")
        rows = [(number, "old", said.format(number)) for number in range(1, 10)]
        db.executemany("insert into lab values (?, ?, ?)", rows)
    one = {"table": "lab", "key": ["id"], "watermark": "changed"}
    source = Sql.model_validate({"url": f"sqlite:///{file}", "tables": {"lab": one, "plain": "lab"}})
    assert source.by_day() == ("lab",)
    first = source.deliver("s", "lab", {"value"}, stores)
    held = Held(first.mark, first.data.select(["id"]))
    with sqlite3.connect(file) as db:  # somebody changed a row and left its watermark
        db.execute("update lab set value = 'new' where id = 5")
    assert source.deliver("s", "lab", {"value"}, stores, held=held).data["value"].to_pylist() == ["old"]
    window = source.changed("s", "lab", Window(START + 3 * DAY, START + 4 * DAY), stores)
    assert window.count in {3, 4}  # widened by the zones that the times may have
    read = source.deliver("s", "lab", {"value"}, stores, held=Held(held.mark, held.keys, (window,)))
    assert read.replaced is not None
    assert dict(zip(*(read.data[name].to_pylist() for name in ("id", "value")), strict=True))["5"] == "new"
    assert read.mark["watermark"] == first.mark["watermark"]


def test_a_watermark_that_is_no_time_is_told_and_then_read_as_a_whole(stores: Stores, tmp_path: Path) -> None:
    file = tmp_path / "clinic.db"
    with sqlite3.connect(file) as db:
        db.execute("create table lab (id integer primary key, turn integer)")
        db.executemany("insert into lab values (?, ?)", [(1, 1), (2, 2)])
    one = {"table": "lab", "key": ["id"], "watermark": "turn"}
    source = Sql.model_validate({"url": f"sqlite:///{file}", "tables": {"lab": one}})
    window = Window(START, START + DAY)
    with pytest.raises(DeliveryError, match="no time"):
        source.changed("s", "lab", window, stores)
    first = source.deliver("s", "lab", None, stores)
    held = Held(first.mark, first.data.select(["id"]), (window,))
    assert source.deliver("s", "lab", None, stores, held=held).replaced is None


def test_files_of_a_window_are_read_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    assert by_day(study) == {"metabolomics": (FILES,)}  # its tables are files: read as a whole
    first = register(workspace, study, "metabolomics", run_id="1")
    assert first.facts["read"] == 1
    assert register(workspace, study, "metabolomics", run_id="2").facts["read"] == 0
    now = datetime.now(UTC)
    staged = deliver(workspace, study, "metabolomics", Window(now - DAY, now + DAY), run_id="3")
    assert staged.rows == 1
    deliver(workspace, study, "metabolomics", Window(now - 9 * DAY, now - 8 * DAY), run_id="3")
    assert len(waiting(workspace, study, "metabolomics", FILES)) == 2
    assert register(workspace, study, "metabolomics", run_id="4", quick=True).facts["read"] == 0
    monkeypatch.setattr(reading.Reader, "read", None)
    with pytest.raises(TypeError):
        register(workspace, study, "metabolomics", run_id="5")
    monkeypatch.undo()
    assert waits(workspace, study, "metabolomics", FILES)  # a killed registration loses nothing
    again = register(workspace, study, "metabolomics", run_id="6")
    assert (again.facts["read"], again.data_version) == (1, first.data_version)
    assert not waits(workspace, study, "metabolomics", FILES)


def test_a_pseudonymised_study_keeps_no_id_of_its_sources(world: World) -> None:
    folder = world.installation.dictionary / "studies" / "tiny" / "study.yaml"
    folder.write_text(folder.read_text() + "pseudonymise: yes\n")
    assert by_day(world.installation.workspace().catalogue.studies["tiny"]) == {}
