"""`omics retention`: remove old runs and what killed runs left, now, or tell what would be removed."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console

from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.retention import remove_old
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.workspace import Workspace


def run_retention(*, dry_run: bool) -> None:
    """Remove or count, and print how much it is."""
    console = Console(highlight=False)
    workspace = Workspace(Settings.from_environment())
    instance = open_instance(workspace.settings)
    found = remove_old(workspace, instance, datetime.now(UTC), dry_run=dry_run)
    done, days = "would be deleted" if dry_run else "deleted", workspace.settings.keep_runs_days
    if days:
        kept = f"; {found.kept} kept, which the present stands on" if found.kept else ""
        console.print(f"runs older than {days} days: {found.runs} {done}{kept}")
    else:
        console.print("runs are kept for ever (OMICS_KEEP_RUNS_DAYS=0)")
    for kind, number in sorted(found.things.items()):
        console.print(f"{kind}: {number} {done}")
    if found.things:
        console.print(counted(found.size, "byte"))
