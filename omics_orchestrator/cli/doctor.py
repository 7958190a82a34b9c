"""`omics doctor`: one line per thing that was looked at, ok, warn or fail, and below it what mends it."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.doctor import examine
from omics_orchestrator.steps.workspace import Workspace

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def run_doctor(*, notify: bool = False) -> int:
    """Print every line; return 1 when something fails."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    lines = examine(Workspace(Settings.from_environment()), notify=notify)
    for line in lines:
        console.print(
            Text(f"{line.state:<5} ", COLOURS[line.state]) + Text(f"{line.subject:<10} {line.told}")
        )
        if line.mend:
            console.print(f"      {'':<10} → {line.mend}")
    counted = {state: sum(line.state == state for line in lines) for state in COLOURS}
    console.print(" · ".join(f"{number} {state}" for state, number in counted.items()))
    return int(counted["fail"] > 0)
