"""The desk of a data manager: a small dictionary and its workbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator_tests.steps.spreadsheet.books import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
