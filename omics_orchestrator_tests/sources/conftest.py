"""A folder that is the source store `here`."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.objects import Stores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder behind `store+here://`."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def stores(folder: Path) -> Stores:
    """Stores of a machine that has `store+here://` and, where the public data lie, `store+data://`."""
    data = Path(__file__).parents[3] / "shared" / "data"
    return Stores(
        Settings(
            home=folder.parent,
            dictionary=folder.parent,
            store_url=(folder.parent / "own").as_uri(),
            source_stores={"here": folder.as_uri(), "data": data.as_uri()},
        )
    )
