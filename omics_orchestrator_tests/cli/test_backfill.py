"""`omics backfill`: what it prints, its exit status, and that it goes on where it was interrupted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from typer.testing import CliRunner

from omics_orchestrator.cli import app
from omics_orchestrator.cli.backfill import WrongDays, days_between, run_backfill
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.sources.base import Window
from omics_orchestrator.steps.staged import FILES, stage, waits
from omics_orchestrator_tests.installation import Installation

DELIVERY = dg.AssetKey(["delivery", "tiny", "metabolomics"])


def today() -> datetime:
    """Return when this day began; asked by each test, for a suite may run over midnight."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def week_ago() -> datetime:
    return today().replace(tzinfo=None) - timedelta(days=6)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_it_stages_applies_and_runs_what_follows(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_backfill("tiny", week_ago(), None, None) == 0
    told = capsys.readouterr().out
    assert f"tiny: {week_ago().date()} to {today().date()} (7 days)" in told
    assert "files: read as a whole, it cannot be asked by day" in told
    assert "metabolomics: staged\n" in told
    assert "failed" not in told
    assert len(dg.DagsterInstance.get().get_materialized_partitions(DELIVERY)) == 7
    assert Session(installation.workspace()).stale() == {}

    assert (
        run_backfill("tiny", week_ago(), None, None) == 0
    )  # once more: read again, nothing written but the reading
    told = capsys.readouterr().out
    assert "3 assets ran" in told


def test_interrupted_it_goes_on_from_what_is_staged(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    stage(
        workspace,
        study,
        "metabolomics",
        FILES,
        Window(today() - timedelta(days=6), today() + timedelta(days=1)),
        run_id="killed",
    )
    assert run_backfill("tiny", week_ago(), None, "metabolomics") == 0
    assert "metabolomics: staged before and not applied yet, goes on from there" in capsys.readouterr().out
    assert not waits(workspace, study, "metabolomics", FILES)
    assert dg.DagsterInstance.get().get_materialized_partitions(DELIVERY) == set()


def test_what_fails_is_told_and_stays_staged(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    (installation.source / "visits.csv").unlink()
    assert run_backfill("tiny", week_ago(), None, None) == 1
    told = capsys.readouterr().out
    assert "failed  raw/tiny/files/visits" in told
    assert "the same command goes on" in told


def test_one_source_leaves_the_others_alone(installation: Installation) -> None:
    assert run_backfill("tiny", week_ago(), None, "files") == 0
    instance = dg.DagsterInstance.get()
    assert instance.get_materialized_partitions(DELIVERY) == set()
    assert instance.get_latest_materialization_event(dg.AssetKey(["raw", "tiny", "files", "people"]))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tinny", "--since", "2026-01-01"], 'no study "tinny"; nearest: "tiny"'),
        (["tiny", "--since", "2026-01-01", "--source", "file"], 'no source or assay "file"'),
        (["tiny", "--since", "2026-01-02", "--until", "2026-01-01"], "is later than 2026-01-01"),
        (["tiny", "--since", "2026-01-01", "--until", "2999-01-01"], "lies in the future"),
        (["tiny", "--since", "1999-01-01"], "too early"),
        (["tiny", "--since", "yesterday"], "yesterday"),
        (["tiny"], "--since"),
    ],
)
def test_what_makes_no_sense_ends_with_2(installation: Installation, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["backfill", *arguments])
    assert done.exit_code == 2
    assert told in done.output.replace("\n", " ")


def test_days_include_both_ends() -> None:
    days = days_between(moment("2026-03-01"), moment("2026-03-07"), date(2026, 3, 9))
    assert str(days) == "2026-03-01 to 2026-03-07 (7 days)"
    assert str(days_between(moment("2026-03-09"), None, date(2026, 3, 9))).endswith("(1 day)")
    covered = (moment("2026-03-01"), moment("2026-03-08"))
    assert days.within(*covered)
    assert not days.within(covered[0], covered[1] - timedelta(days=1))
    with pytest.raises(WrongDays):
        days_between(moment("2026-03-10"), None, date(2026, 3, 9))
