"""Changed declarations are loaded anew once they lie still; the reload itself is tested with real processes."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import dagster as dg
import pytest

from omics_orchestrator.dictionary.folder import folder_digest
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.reload import reload_declarations
from omics_orchestrator_tests.installation import Installation


class Loaded:
    """A code location as it was loaded, and the cursor of its sensor."""

    def __init__(self, installation: Installation) -> None:
        self.definitions = build_definitions(installation.workspace())
        self.instance = open_instance(installation.settings)
        self.cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        sensor = self.definitions.get_sensor_def("dictionary")
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            found = cast(dg.SensorResult, sensor(context))
        self.cursor = found.cursor
        return list(found.run_requests or [])


def test_a_change_is_acted_on_when_two_looks_see_it_alike(installation: Installation) -> None:
    loaded = Loaded(installation)
    assert loaded.tick() == []
    folder = installation.declare("tiny_two")
    assert loaded.tick() == []
    (folder / "mapping.yaml").write_text("participant: [")  # a pull is still at work
    assert loaded.tick() == []
    (request,) = loaded.tick()
    assert request.tags["omics/place"] == "declarations"
    assert Loaded(installation).tick() == []


def test_a_change_that_is_taken_back_needs_no_reload(installation: Installation) -> None:
    loaded = Loaded(installation)
    variables = installation.dictionary / "variables.csv"
    before = variables.read_text()
    variables.write_text(before + "\n")
    assert loaded.tick() == []
    variables.write_text(before)
    assert loaded.tick() == []
    assert loaded.tick() == []


def test_a_broken_dictionary_keeps_the_sensor_that_will_load_it_when_it_is_mended(
    installation: Installation,
) -> None:
    variables = installation.dictionary / "variables.csv"
    before = variables.read_text()
    variables.write_text("nothing,of,the,kind\n1,2,3,4\n")
    loaded = Loaded(installation)
    assert loaded.tick() == []
    variables.write_text(before)
    assert loaded.tick() == []
    assert len(loaded.tick()) == 1


def test_the_digest_knows_contents_and_names_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    file = tmp_path / "studies" / "a.yaml"
    file.write_text("x: 1\n")
    before = folder_digest(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_text("x")
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "study.schema.json").write_text("{}")
    file.touch()
    assert folder_digest(tmp_path) == before
    file.write_text("x: 2\n")
    changed = folder_digest(tmp_path)
    file.rename(tmp_path / "studies" / "b.yaml")
    assert len({before, changed, folder_digest(tmp_path)}) == 3
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert folder_digest(tmp_path) == folder_digest(tmp_path)


def test_a_run_that_knows_no_code_server_says_what_to_set(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMICS_CODE_HOST", raising=False)
    done = reload_declarations.execute_in_process(
        instance=open_instance(installation.settings), raise_on_error=False
    )
    assert not done.success
    (event,) = [event for event in done.all_events if event.is_step_failure]
    assert "OMICS_CODE_HOST" in str(event.step_failure_data.error)
