"""What ran or was declared before `changed_upstream` looked first is followed all the same, once, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.sensors.asking import ATTEMPT, PLACE
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import MAPPING, Installation
from omics_orchestrator_tests.orchestration.sensors.sensing import Sensing
from omics_orchestrator_tests.orchestration.sensors.test_new_files import execute

RAW = ["raw/tiny/files/people", "raw/tiny/files/visits"]
HOUR = timedelta(hours=1)


def materialise(installation: Installation, *keys: str) -> None:
    """Run these assets (none named: all) outside of any sensor."""
    session = Session(installation.workspace())
    done = session.materialise(session.assets(keys))
    assert done.failed == {}


def asked(request: dg.RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or ()}


def follow(sensing: Sensing) -> list[str]:
    """Look until nothing is left to ask for, run what is asked for, and return the keys in their order."""
    keys: list[str] = []
    for _ in range(20):
        requests, silent = sensing.tick(), sensing.said == "nothing is behind"
        if silent:
            return keys
        for request in requests:
            assert sensing.run(request)
            keys += sorted(asked(request))
    raise AssertionError(f"it asks for ever: {keys}")


@pytest.fixture
def sensing(installation: Installation) -> Sensing:
    """An installation where everything is materialised."""
    materialise(installation)
    return Sensing(installation, "left_behind")


def test_nothing_is_asked_where_nothing_is_behind(sensing: Sensing) -> None:
    for _ in range(3):
        assert sensing.tick() == []
        assert sensing.said == "nothing is behind"


def test_what_a_run_changed_unseen_is_followed_to_the_warehouse(sensing: Sensing) -> None:
    people = sensing.installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,41"))
    materialise(sensing.installation, *RAW)
    assert sensing.tick() == []  # perhaps `changed_upstream` is about to ask
    (request,) = sensing.tick()
    assert (asked(request), request.tags[PLACE]) == ({"harmonised/tiny/participant"}, "behind/tiny")
    assert sensing.run(request)
    assert "warehouse/participant" in follow(sensing)
    assert Session(sensing.workspace()).stale() == {}
    with sensing.workspace().database.engine.connect() as connection:
        ages = connection.exec_driver_sql("SELECT age FROM warehouse.participant WHERE participant_id = 'P1'")
        assert ages.scalar_one() == 41


def test_what_was_declared_unseen_is_followed(sensing: Sensing) -> None:
    sensing.installation.declare("tiny", mapping=MAPPING.replace("m: male, f: female", "m: female, f: male"))
    keys = follow(sensing)
    assert keys[0] == "harmonised/tiny/participant"
    assert keys.count("harmonised/tiny/participant") == 1
    assert Session(sensing.workspace()).stale() == {}


def test_a_study_of_which_only_the_sources_were_read_gets_the_rest(installation: Installation) -> None:
    sensing = Sensing(installation, "left_behind")
    assert follow(sensing) == []  # reading sources first is for the schedule and the other sensors
    materialise(installation, *RAW)
    keys = follow(sensing)
    assert {"harmonised/tiny/participant", "warehouse/participant", "files/tiny/metabolomics"} <= set(keys)
    assert Session(sensing.workspace()).stale() == {}


def test_a_table_whose_own_check_failed_is_made_again_when_its_upstream_changed(sensing: Sensing) -> None:
    young = "  checks:\n    young: {expect: age < 50, severity: error}\nvisit:\n"
    installation = sensing.installation
    installation.declare("tiny", mapping=MAPPING.replace("visit:\n", young, 1))
    session = Session(installation.workspace())
    session.materialise(session.assets())
    people = installation.source / "people.csv"
    people.write_text(people.read_text().replace("P2,f,51", "P2,f,49"))
    materialise(installation, *RAW)
    assert follow(sensing)[0] == "harmonised/tiny/participant"
    assert "warehouse/participant" not in Session(sensing.workspace()).stale()


def test_what_fails_is_tried_three_times_and_then_backs_off(sensing: Sensing) -> None:
    people = sensing.installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,41"))
    materialise(sensing.installation, *RAW)
    execute(sensing.installation, "ALTER TABLE raw_tiny.files__people RENAME TO elsewhere")
    assert sensing.tick() == []
    for attempt in ("1", "2", "3"):
        (request,) = sensing.tick()
        assert request.tags[ATTEMPT] == attempt
        assert not sensing.run(request)
    assert sensing.tick() == []
    assert "failed 3 times" in sensing.said
    execute(sensing.installation, "ALTER TABLE raw_tiny.elsewhere RENAME TO files__people")
    (request,) = sensing.tick(2 * HOUR)
    assert sensing.run(request)
    assert "warehouse/participant" in follow(sensing)


def test_below_a_failed_blocking_check_only_the_warehouse_is_asked(sensing: Sensing) -> None:
    young = "  checks:\n    young: {expect: age < 50, severity: error}\nvisit:\n"
    sensing.installation.declare("tiny", mapping=MAPPING.replace("visit:\n", young, 1))
    people = sensing.installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,41"))
    materialise(sensing.installation, *RAW)
    assert sensing.tick() == []
    (request,) = sensing.tick()
    assert not sensing.run(request)  # it is written, and its check fails
    assert set(follow(sensing)) == {"warehouse/participant"}  # which keeps the rows that it had
    with sensing.workspace().database.engine.connect() as connection:
        ages = connection.exec_driver_sql("SELECT age FROM warehouse.participant WHERE participant_id = 'P1'")
        assert ages.scalar_one() == 40


def test_while_somebody_is_at_work_nothing_is_asked(sensing: Sensing) -> None:
    people = sensing.installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,41"))
    materialise(sensing.installation, *RAW)
    job = build_definitions(sensing.workspace()).resolve_implicit_global_asset_job_def()
    run = sensing.instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.STARTED,
        asset_selection=frozenset({dg.AssetKey(["harmonised", "tiny", "participant"])}),
    )
    assert [sensing.tick() for _ in range(3)] == [[], [], []]
    sensing.instance.delete_run(run.run_id)
    assert sensing.tick() == []
    assert len(sensing.tick()) == 1


def test_a_cursor_that_cannot_be_read_costs_one_look(sensing: Sensing) -> None:
    people = sensing.installation.source / "people.csv"
    people.write_text(people.read_text().replace("P1,m,40", "P1,m,41"))
    materialise(sensing.installation, *RAW)
    sensing.cursor = "no JSON"
    assert sensing.tick() == []
    assert len(sensing.tick()) == 1
