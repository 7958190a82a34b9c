"""A station whose study is up to date, made once; each test gets a copy, and what a quiet run makes of the changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.faults.station import Station


@dataclass(frozen=True)
class Quiet:
    """What nobody disturbed: a station that has ended, its content, and its content after `Station.change`."""

    station: Station
    before: Mapping[str, str]
    after: Mapping[str, str]


def materialised(station: Station) -> Mapping[str, str]:
    ensure_server(station.settings)
    station.omics("materialize")
    found = station.content()
    station.end()
    return found


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    folder = tmp_path_factory.mktemp("quiet")
    made = Station(folder / "made")
    before = materialised(made)
    changed = made.copy(folder / "changed")
    changed.change()
    after = materialised(changed)
    assert {name for name in before if before[name] != after[name]} >= {
        "raw_tiny.files__people", "harmonised_tiny.visit", "warehouse.participant", "registry.file_version",
        "metabolomics.zarr",
    }  # fmt: skip
    return Quiet(made, before, after)


@pytest.fixture
def station(quiet: Quiet, tmp_path: Path) -> Iterator[Station]:
    """A station that is up to date, its Postgres running, nothing else."""
    made = quiet.station.copy(tmp_path / "station")
    try:
        ensure_server(made.settings)
        yield made
    finally:
        made.end()
