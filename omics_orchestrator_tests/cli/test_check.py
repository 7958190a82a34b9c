"""`omics check` also tells what is no mistake and yet worth knowing."""

from __future__ import annotations

from typer.testing import CliRunner

from omics_orchestrator.cli import app
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import MAPPING, STUDY, add_wide


def test_a_rule_that_no_dataset_dates_is_a_note(installation: Installation) -> None:
    add_wide(installation)
    assert "note" not in CliRunner().invoke(app, ["check"]).output
    undated = STUDY.replace("    reference_date: 2025-10-30\n", "").replace(
        ", reference_date: 2025-10-31", ""
    )
    installation.declare("wide", study=undated, mapping=MAPPING)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "wide: note: participant: diagnosis_duration_in_days: named by or needing reference_date, "
        "which no dataset gives; never computed",
        "tiny, wide are fine",
    ]
    assert "note" not in CliRunner().invoke(app, ["check", "tiny"]).output
