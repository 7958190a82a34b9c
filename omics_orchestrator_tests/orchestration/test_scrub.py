"""The nightly scrub finds a flipped bit, says where, and says nothing else."""

from __future__ import annotations

import pytest

from omics_orchestrator.orchestration import scrub as scrubbing
from omics_orchestrator.orchestration.scrub import nightly_scrub, scrub
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.registry.test_verify import flip_a_bit


@pytest.fixture
def registered(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(scrubbing, "SHARE", 1.0)
    session = Session(installation.workspace())
    assert session.materialise(session.assets(["files"])).failed == {}
    return installation


def test_a_flipped_bit_fails_the_run(registered: Installation) -> None:
    assert scrub.execute_in_process().success
    flip_a_bit(registered.source / "peaks.csv")
    failed = scrub.execute_in_process(raise_on_error=False)
    assert not failed.success
    [told] = [event for event in failed.all_events if event.is_step_failure]
    message = told.step_failure_data.user_failure_data.description  # type: ignore[union-attr]
    assert message is not None
    assert message.startswith("1 file holds other bytes than registered (registry files 1)")
    assert "peaks" not in message


def test_it_runs_every_night(registered: Installation) -> None:
    schedule = nightly_scrub()
    assert (schedule.name, schedule.cron_schedule) == ("nightly_scrub", "30 4 * * *")
