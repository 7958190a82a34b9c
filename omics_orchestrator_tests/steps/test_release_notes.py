"""Release notes: what a publication changed, told in words and counts, in the UI, by a command and beside an export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from omics_orchestrator.cli import app
from omics_orchestrator.errors import NotConfigured, UnknownKey
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.export import export
from omics_orchestrator.steps.release_notes import ReleaseNote, as_markdown, notes_since, release_notes
from omics_orchestrator.steps.release_words import declared_changes
from omics_orchestrator.steps.select import Selection
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import published

FIRST = "First release: 5 rows, 9 variables."


@pytest.fixture
def made(tmp_path: Path, settings: Settings) -> Iterator[Installation]:
    """An installation of its own for each test: each changes it."""
    name = f"notes_{tmp_path.name[-40:]}".lower()
    with published(tmp_path, settings, re.sub(r"\W", "_", name)) as installation:
        yield installation


def run(made: Installation) -> None:
    session = Session(made.workspace())
    assert not session.materialise(session.assets()).failed


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def notes(made: Installation, name: str = "main") -> list[ReleaseNote]:
    return release_notes(made.workspace(), "wide", name)


def told_in_the_ui(made: Installation) -> str:
    event = open_instance(made.settings).get_latest_materialization_event(
        dg.AssetKey(["dataset", "wide", "main"])
    )
    assert event is not None
    assert event.asset_materialization is not None
    return str(event.asset_materialization.metadata["release_notes"].value)


def test_from_the_first_release_on(made: Installation) -> None:
    """Rows that change, come and go; a second run without a change; every place where a note is shown."""
    (first,) = notes(made)
    assert first.lines == (FIRST,)
    run(made)
    assert notes(made) == [first]
    visits = made.source / "wide/visits.csv"
    change(visits, "W1,2,2025-03-04,7.5,2,2\n", "W1,2,2025-03-04,8.5,1,2\nW1,3,2025-05-05,4,1,1\n")
    change(visits, "W9,1,2025-02-02,3,2,1\n", "")
    run(made)
    second, *_ = notes(made)
    assert second.lines[:2] == (
        "Rows: 1 added, 1 removed, 1 changed; 5 in all.",
        "Changed cells: `CRP` 1, `sampling_abx` 1.",
    )
    assert notes(made)[1:] == [first]
    assert second.text in told_in_the_ui(made)
    everything = "".join(one.text for name in ("main", "columns", "people") for one in notes(made, name))
    for secret in ("W1", "W9", "8.5", "2025-05-05"):
        assert secret not in everything
    done = export(made.workspace(), "dataset/wide/main", made.folder / "main.csv", Selection())
    assert done.notes is not None
    assert second.text in done.notes.read_text()
    printed = CliRunner().invoke(app, ["release-notes", "wide", "main"]).stdout
    assert printed.startswith("# dataset/wide/main\n\n## ")
    assert (second.text in printed, FIRST in printed) == (True, False)
    day = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    file = made.folder / "notes.md"
    arguments = ["release-notes", "wide", "--since", day, "--output", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert file.read_text().index(second.text) < file.read_text().index(FIRST)
    assert "# dataset/wide/people" in file.read_text()
    refused = CliRunner().invoke(app, arguments)
    assert "exists; name another file" in str(refused.exception)


def test_what_dictionary_and_mapping_say_otherwise(made: Installation) -> None:
    """A label, a unit, a code, a rule, a new and a removed variable, another name and another day."""
    dictionary, study = made.dictionary, made.dictionary / "studies/wide"
    change(study / "study.yaml", "crp: CRP}", "crp: CRP_mg, sampling_abx: antibiotics}")
    change(study / "study.yaml", "    reference_date: 2025-10-30\n", "    reference_date: 2025-10-31\n")
    change(study / "study.yaml", "female: F, male: M, unknown: U", "female: W, male: M, unknown: U")
    change(study / "mapping.yaml", "  ct_abdomen: {recode: ct, map: {1: yes, 2: no}}\n", "")
    change(
        study / "mapping.yaml",
        "  crp: {number: crp, unit: mg/L,",
        "  esr: {number: ct}\n  crp: {number: crp, unit: mg/L,",
    )
    change(study / "mapping.yaml", "missing: {nd: not_done}", "missing: {nd: unknown}")
    lines = (dictionary / "variables.csv").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("sampling_abx,"))
    change(dictionary / "variables.csv", row, row.replace(",Antibiotic", ",Any antibiotic"))
    assert ",Any antibiotic" in (dictionary / "variables.csv").read_text()
    run(made)
    second, _ = notes(made)
    text = second.text
    assert "Rows: 2 changed; 5 in all." in text
    assert "Changed cells: `diagnosis_duration_in_days` 1, `sex` 1." in text
    assert "Variables added: `esr` (" in text
    assert "Variables removed: `ct_abdomen` (" in text
    assert "Renamed: `CRP` is now `CRP_mg`, `sampling_abx` is now `antibiotics`." in text
    assert "`antibiotics`: label Antibiotic" in text
    assert "`sex`: codes new: W; codes gone: F." in text
    assert "Rule of `CRP_mg`: `{number: crp" in text
    assert "nd: unknown" in text
    assert "Reference date: 2025-10-30 → 2025-10-31." in text
    assert "Why a value is missing changed: `CRP_mg` 1." in text
    assert len(notes(made, "people")) == 1  # it shows nothing of all that: not published again


def test_another_key(made: Installation) -> None:
    change(
        made.dictionary / "studies/wide/study.yaml",
        "    entity: visit\n    description",
        "    entity: participant\n    description",
    )
    change(made.dictionary / "studies/wide/study.yaml", "    samples: first\n", "")
    study = made.dictionary / "studies/wide/study.yaml"
    change(study, ", crp: CRP}", ", sex: gender}")
    change(study, "sampling_abx: {yes: 1, no: 0}, ", "")
    run(made)
    second, _ = notes(made)
    assert second.lines[0] == "The key of a row is another one: 5 rows before, 3 now; no row can be followed."


def test_a_rule_that_changes_nothing_is_told_when_something_else_does(made: Installation) -> None:
    mapping = made.dictionary / "studies/wide/mapping.yaml"
    change(mapping, "{m: male, f: female}", "{m: male, f: female, w: female}")
    run(made)
    assert len(notes(made, "people")) == 1  # the same table: it was not published again
    change(made.source / "wide/people.csv", "W3,f,,40", "W3,f,,40\nW4,w,,41")
    run(made)
    assert notes(made, "people")[0].lines == (
        "Rows: 1 added; 4 in all.",
        "Rule of `sex`: `{recode: sex, missing: {x: refused}, map: {m: male, f: female}}` → "
        "`{recode: sex, missing: {x: refused}, map: {m: male, f: female, w: female}}`.",
    )


def test_what_is_asked_wrongly_or_too_early(made: Installation) -> None:
    workspace = made.workspace()
    with pytest.raises(UnknownKey, match='nearest: "wide"'):
        notes_since(workspace, "wid", None, None)
    with pytest.raises(UnknownKey, match='nearest: "main"'):
        notes_since(workspace, "wide", "mian", None)
    made.declare("plain")
    with pytest.raises(NotConfigured, match="plain publishes no dataset: `datasets:`"):
        notes_since(made.workspace(), "plain", None, None)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    nothing = as_markdown("wide", notes_since(workspace, "wide", "main", tomorrow), since=tomorrow)
    assert nothing == f"# dataset/wide/main\n\nNothing changed since {tomorrow:%Y-%m-%d}.\n"
    assert as_markdown("wide", {"new": []}, since=None) == "# dataset/wide/new\n\nNot published yet.\n"


def test_of_a_long_rule_the_part_that_differs() -> None:
    rest: dict[str, Any] = {"reference_date": None, "rows": {}}
    codes = ", ".join(f"{number}: code_{number}" for number in range(40))
    old = f"{{recode: drug, map: {{{codes}}}}}"
    new = old.replace("20: code_20", "20: x")
    told = [{**rest, "columns": {"a": {"is": "a", "rule": rule}}} for rule in (old, new, "")]
    (line,) = declared_changes(told[0], told[1])
    assert line == (
        "Rule of `a`: `… 18: code_18, 19: code_19, 20: code_20, 21: code_21, 22: code_22, 23 …` → "
        "`… 18: code_18, 19: code_19, 20: x, 21: code_21, 22: code_22, 23 …`."
    )
    assert list(declared_changes(told[2], told[1])) == [f"Rule of `a`: `none` → `{new}`."]
