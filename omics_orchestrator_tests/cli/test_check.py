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


def test_a_mistake_in_the_synonyms_is_told_and_only_the_search_does_without_that_row(
    installation: Installation,
) -> None:
    file = installation.dictionary / "synonyms.csv"
    lines = file.read_text(encoding="utf-8").count("\n")
    file.write_text(file.read_text(encoding="utf-8") + "thrombin,CRP,\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert f"synonyms.csv:{lines + 1}: thrombin: 'CRP' stands on line 2 already" in result.output
    assert result.output.endswith("1 problem in synonyms.csv, for search and pages only; tiny is fine\n")
    found = CliRunner().invoke(app, ["variables", "crp"])
    assert found.exit_code == 0
    assert found.output.splitlines()[1].startswith("crp ")


def test_a_mistake_in_the_drugs_is_told_and_everything_else_goes_on(installation: Installation) -> None:
    file = installation.dictionary / "drugs.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("L04AB02", "LO4AB02").replace("ifx; ifx_start", "ifx; ifx_begin"), encoding="utf-8"
    )
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert "drugs.csv:2: infliximab.atc: 'LO4AB02' is not a code of ATC" in result.output
    assert result.output.endswith("1 problem in drugs.csv, for search and pages only; tiny is fine\n")
    file.write_text(text.replace("ifx; ifx_start", "ifx; ifx_begin"), encoding="utf-8")
    told = CliRunner().invoke(app, ["check"]).output
    assert "drugs.csv:2: infliximab: variables: 'ifx_begin' is not in variables.csv" in told
    assert CliRunner().invoke(app, ["variables", "humira"]).exit_code == 0
