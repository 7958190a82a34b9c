"""What `omics status` says of batches that failed: attempts, next try, and nothing once they are here or changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from omics_orchestrator.cli.status import run_status
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.orchestration.sensors.sensing import Sensing

MANIFEST = '"store+tiny://peaks.csv", manifest: "store+tiny://peaks.md5"'


@pytest.fixture
def failed(installation: Installation) -> Sensing:
    """An installation whose files cannot be registered: their manifest is no list of digests. Tried twice."""
    from omics_orchestrator_tests.installation import STUDY

    declared = STUDY.replace('"store+tiny://peaks.csv"', MANIFEST).format(name="tiny")
    installation.declare("tiny", study=declared)
    (installation.source / "peaks.md5").write_text("no digest\n")
    sensing = Sensing(installation, "new_files")
    sensing.fail(2)
    return sensing


def test_a_batch_waits_until_it_is_here(failed: Sensing, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = Session(failed.workspace()).waiting()
    assert (found.place, found.attempts, found.under_way) == ("files/tiny/metabolomics", 2, False)
    assert found.next_at is None
    failed.fail(1)
    (found,) = Session(failed.workspace()).waiting()
    assert found.attempts == 3
    assert found.next_at is not None
    assert timedelta(minutes=50) < found.next_at - datetime.now(UTC) < timedelta(minutes=61)

    run_status(only_failed=False)
    printed = capsys.readouterr().out
    assert "files/tiny/metabolomics" in printed
    assert "materialize files/tiny/metabolomics" in printed
    assert "in 60 min" in printed or "in 59 min" in printed
    assert "peaks" not in printed

    (failed.installation.source / "peaks.md5").write_text("# none\n")  # mended: another batch, tried at once
    assert Session(failed.workspace()).waiting() == []
    (request,) = failed.tick()
    assert failed.run(request)
    assert Session(failed.workspace()).waiting() == []


def test_files_that_were_taken_away_wait_no_more(failed: Sensing) -> None:
    (failed.installation.source / "peaks.csv").unlink()
    assert failed.tick() == []
    assert Session(failed.workspace()).waiting() == []


def test_a_study_that_is_no_more_waits_no_more(failed: Sensing) -> None:
    failed.installation.declare("tiny", study="study: [")
    assert Session(failed.workspace()).waiting() == []


def test_spreadsheets_wait_too(installation: Installation) -> None:
    (installation.source / "visits.csv").write_text("")
    sensing = Sensing(installation, "dropbox")
    assert sensing.tick() == []
    sensing.fail(1)
    (found,) = Session(sensing.workspace()).waiting()
    assert (found.place, found.attempts) == ("raw/tiny/files", 1)
    (installation.source / "visits.csv").write_text("id,visit,sample,crp\nP1,1,S1,5.5\n")
    assert Session(sensing.workspace()).waiting() == []
