"""A daemon whose clock was two hours ahead, then one with the true clock: it looks at once, not in two hours."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.end_to_end.served import Served, children, within
from omics_orchestrator_tests.faults import clocked
from omics_orchestrator_tests.installation import FILES, Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

AHEAD = 2 * 3600  # seconds


@pytest.fixture
def ahead() -> dict[str, str]:
    """Variables under which a process's wall clock is ahead; its monotonic one is left alone."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("no clock can be set here: libfaketime is not installed (apt-get install faketime)")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"+{AHEAD}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": f"{WORKING_COPY}{os.pathsep}{Path(clocked.__file__).parent}",
    }


@pytest.fixture
def served(installation: Installation) -> Iterator[Served]:
    made = Served(installation, OMICS_LOOK_EVERY="5")
    yield made
    made.stop()


def ticks(served: Served, name: str) -> list[float]:
    """Return when a sensor looked, the newest first."""
    states = [one for one in served.instance.all_instigator_state() if one.name == name]
    found = [served.instance.get_ticks(one.instigator_origin_id, one.selector_id, limit=50) for one in states]
    return sorted((tick.timestamp for some in found for tick in some), reverse=True)


def versions(served: Served) -> int:
    with psycopg2.connect(str(served.installation.settings.database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from registry.file_version")
        (found,) = cursor.fetchone() or (0,)
    connection.close()
    return int(found)


def test_a_clock_that_is_set_back_lets_nothing_sleep(served: Served, ahead: dict[str, str]) -> None:
    served.code()
    true = dict(served.environment)
    served.environment |= ahead
    early = served.daemon("early")
    within(180, lambda: len(ticks(served, "new_files")) >= 2, served.log("early"))
    assert ticks(served, "new_files")[0] > time.time() + AHEAD / 2
    below = children(early)
    early.kill()
    for one in below:
        one.kill()
    early.wait()
    served.environment = true
    served.daemon("late")
    within(60, lambda: "new_files" in served.log("late"), served.log("late"))
    within(120, lambda: versions(served) >= 1, served.log("late"))
    (served.installation.source / "peaks.csv").write_text(FILES["peaks.csv"] + "f3,1,1,1,1\n")
    within(180, lambda: versions(served) == 2, "what came afterwards is registered")
    assert ticks(served, "new_files")[0] < time.time() + 60
