"""One file comes home as it was registered, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps.fetch import fetch
from omics_orchestrator.steps.register import register
from omics_orchestrator_tests.installation import FILES, Installation


@pytest.fixture
def registered(installation: Installation) -> Installation:
    session = Session(installation.workspace())
    session.materialise(session.assets(["files"]))
    return installation


def test_a_file_comes_home(registered: Installation, tmp_path: Path) -> None:
    path = fetch(registered.workspace(), 1, tmp_path / "new" / "folder")
    assert (path.name, path.read_text()) == ("peaks.csv", FILES["peaks.csv"])
    before = path.stat().st_mtime_ns
    assert fetch(registered.workspace(), 1, path.parent).stat().st_mtime_ns == before
    path.write_text("spoilt here")
    assert fetch(registered.workspace(), 1, path.parent).read_text() == FILES["peaks.csv"]


def test_other_bytes_are_refused_and_nothing_is_left(registered: Installation, tmp_path: Path) -> None:
    (registered.source / "peaks.csv").write_text("id,S1\nf1,9\n")
    with pytest.raises(DeliveryError, match="registry file 1 holds other bytes"):
        fetch(registered.workspace(), 1, tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_what_is_not_there_is_told(registered: Installation, tmp_path: Path) -> None:
    with pytest.raises(UnknownKey, match="99"):
        fetch(registered.workspace(), 99, tmp_path)


def test_what_was_never_read_is_not_handed_out(installation: Installation, tmp_path: Path) -> None:
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    register(workspace, study, "metabolomics", run_id="by hand", quick=True)
    with pytest.raises(DeliveryError, match="never read whole"):
        fetch(workspace, 1, tmp_path)
