"""`kill -9` of notebook, CLI and UI in random orders: no process is left behind, no row is lost."""

from __future__ import annotations

import random
import subprocess
import time

import pytest

from omics_orchestrator_tests.end_to_end.conftest import Made
from omics_orchestrator_tests.end_to_end.processes import of_home, start, start_dev, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

NOTEBOOK = "from omics_orchestrator import load; import time; load('warehouse/visit'); time.sleep(600)"
ROWS = " union all ".join(
    f"select '{table}', count(*) from {table}"
    for table in ("registry.file", "warehouse.participant", "warehouse.sample", "warehouse.visit")
)


def begin(made: Made, kind: str) -> subprocess.Popen[bytes]:
    if kind == "notebook":
        return start(made, "-c", NOTEBOOK)
    if kind == "cli":
        return start(made, "-m", "omics_orchestrator.cli", "materialize", "--force")
    return start_dev(made)[0]


def rows(made: Made) -> list[str]:
    return made.omics("sql", ROWS).splitlines()


@pytest.mark.parametrize("rounds", [20])
def test_nothing_is_left_and_nothing_is_lost(demo: Made, rounds: int) -> None:
    choose = random.Random(20261121)
    before = rows(demo)
    for number in range(rounds):
        kinds = choose.sample(["notebook", "cli", "dev"], choose.choice([1, 1, 2, 3]))
        started = [begin(demo, kind) for kind in kinds]
        time.sleep(choose.uniform(0.1, 6))
        choose.shuffle(started)
        for process in started:
            process.kill()
            process.wait()
            time.sleep(choose.uniform(0, 0.5))
        left = wait_until(lambda: not of_home(demo), 10)
        assert left, f"round {number} of {kinds}: {[process.cmdline() for process in of_home(demo)]}"
        assert rows(demo) == before, f"round {number} of {kinds}"
    assert "nothing was written" in demo.omics("materialize") or "assets ran" in demo.omics("materialize")


def test_next_client_recovers_after_a_killed_supervisor(demo: Made) -> None:
    before = rows(demo)
    notebook = begin(demo, "notebook")
    assert wait_until(lambda: any("supervisor" in " ".join(one.cmdline()) for one in of_home(demo)), 30)
    for process in of_home(demo):
        if "supervisor" in " ".join(process.cmdline()):
            process.kill()
    assert rows(demo) == before
    notebook.kill()
    notebook.wait()
    assert wait_until(lambda: not of_home(demo), 10)
