"""Datasets stay fresh while their sources are read, and grow old when these are not, or when something is stale."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import pytest

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.confirm import confirm, hourly_confirmation
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import add_wide

MAIN, PEOPLE, COLUMNS = (dg.AssetKey(["dataset", "wide", name]) for name in ("main", "people", "columns"))


class Line:
    """A study with two datasets that was run once."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.run()
        self.instance = dg.DagsterInstance.get()

    def run(self, *keys: str, force: bool = False) -> None:
        session = Session(self.installation.workspace())
        assert session.materialise(session.assets(keys), force=force).failed == {}

    def confirmed(self) -> list[dg.AssetKey]:
        return confirm(self.instance, Session(self.installation.workspace())._line.nodes)

    def latest(self, key: dg.AssetKey) -> dg.EventLogEntry:
        found = self.instance.get_latest_materialization_event(key)
        assert found is not None
        return found

    def stale(self) -> dict[str, str]:
        return Session(self.installation.workspace()).stale()


@pytest.fixture
def line(installation: Installation) -> Line:
    add_wide(installation)
    return Line(installation)


def test_a_dataset_is_confirmed_once_when_its_sources_were_read(line: Line) -> None:
    assert line.confirmed() == []  # made after its sources were read: as fresh as they are
    before = line.latest(MAIN)
    line.run("raw/wide", force=True)
    assert set(line.confirmed()) == {MAIN, PEOPLE, COLUMNS}
    after = line.latest(MAIN)
    assert after.timestamp > before.timestamp
    told, said = before.asset_materialization, after.asset_materialization
    assert told is not None
    assert said is not None
    assert said.tags == told.tags
    assert said.metadata["confirmed"].value is True
    assert {**said.metadata, "confirmed": None} == {**told.metadata, "confirmed": None}
    assert line.confirmed() == []
    assert line.stale() == {}


def test_a_source_that_was_not_read_lets_it_grow_old(line: Line) -> None:
    line.run("raw/wide/own/people", force=True)
    assert line.confirmed() == [PEOPLE]  # the other also stands on visits


def test_nothing_is_confirmed_below_what_is_stale(line: Line) -> None:
    mapping = line.installation.dictionary / "studies" / "wide" / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("f: female", "f: unknown"))
    line.run("raw/wide", force=True)
    assert any(key.startswith("harmonised/wide") for key in line.stale())
    assert line.confirmed() == []


def assets_of(installation: Installation) -> Sequence[dg.AssetsDefinition]:
    defined = build_definitions(installation.workspace()).assets or []
    return [asset for asset in defined if isinstance(asset, dg.AssetsDefinition)]


def test_the_job_confirms(line: Line) -> None:
    line.run("raw/wide", force=True)
    (schedule,) = hourly_confirmation(assets_of(line.installation))
    assert (schedule.name, schedule.cron_schedule) == ("hourly_confirmation", "50 * * * *")
    definitions = build_definitions(line.installation.workspace())
    done = definitions.resolve_job_def("confirmation").execute_in_process(instance=line.instance)
    [event] = [one for one in done.all_events if one.event_type_value == "STEP_OUTPUT"]
    assert event.step_output_data.metadata["datasets"].value == 3


def test_without_datasets_there_is_nothing_to_confirm(installation: Installation) -> None:
    assert hourly_confirmation(assets_of(installation)) == []
