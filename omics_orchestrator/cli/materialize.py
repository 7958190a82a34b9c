"""`omics materialize`: run what is stale, one progress bar per study, and say what happened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from omics_orchestrator.cli.words import omics
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.stored import stored_studies
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.objects import VALUE

STORE = "OMICS_STORE_"  # how the variables begin that say where a store lies


def run_materialize(wanted: list[str], *, force: bool) -> int:
    """Materialise and report; return 0, or 1 when an asset failed."""
    console = Console()
    ensure_redcap(Settings.from_environment())
    workspace = Workspace(Settings.from_environment())
    broken = workspace.catalogue.broken  # a dictionary that cannot be used is told here and now
    session = Session(workspace)
    for name in broken:
        console.print(
            f"[red]{name}: its declaration is broken, it does not run[/red]: omics check", highlight=False
        )
    _tell_left_out(console, workspace, wanted)
    keys = session.assets(wanted)
    if not keys:
        below = f"no asset lies below {', '.join(wanted)}" if wanted else "no study is available here"
        console.print(f"{below}; {omics()} status lists what there is", soft_wrap=True)
        return 1
    started = time.monotonic()
    summary = with_progress(console, session, keys, force=force)
    report(console, summary, time.monotonic() - started)
    return 1 if summary.failed else 0


def _tell_left_out(console: Console, workspace: Workspace, wanted: Sequence[str]) -> None:
    """Say of the studies that are asked for and cannot be read here what is to be set; by default of those stored."""
    studies, stored = workspace.catalogue.studies, set(stored_studies(workspace))
    asked = (
        {part for key in wanted for part in key.split("/")[:2]} if wanted else stored
    )  # `tiny`, `raw/tiny/x`
    for name in sorted(asked & studies.keys()):
        if variable := workspace.unavailable(studies[name]):
            what = f" ({VALUE})" if variable.startswith(STORE) and variable.endswith("_URL") else ""
            rest = "; what is stored of it stays" if name in stored else ""
            told = f"{name}: not available here, {variable} is not set{what}{rest}"
            console.print(told, highlight=False, soft_wrap=True, markup=False)


def with_progress(console: Console, session: Session, keys: Sequence[str], *, force: bool = False) -> Summary:
    """Materialise the stale ones of `keys` under one bar per study."""
    expected = Counter(group_of(key) for key in keys)
    with Progress(
        TextColumn("  {task.description:<16}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("assets"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        bars: dict[str, TaskID] = {
            group: progress.add_task(group, total=number) for group, number in expected.items()
        }
        summary = session.materialise(
            keys, force=force, listener=lambda key: progress.advance(bars[group_of(key)])
        )
        for group, number in expected.items():
            lost = sum(group_of(key) == group for key in (*summary.failed, *summary.blocked))
            progress.update(bars[group], completed=number - lost)
    return summary


def report(console: Console, summary: Summary, seconds: float) -> None:
    """Say how much ran and was written, and what failed."""
    if not summary.ran:
        console.print(f"everything is up to date; nothing ran, nothing was written ({seconds:.1f} s)")
    else:
        well = counted(len(summary.ran.keys() - summary.failed.keys() - set(summary.blocked)), "asset")
        console.print(f"{well} ran, {summary.touched:,} rows and objects written ({seconds:.1f} s)")
    for key, error in summary.failed.items():
        console.print(f"[red]failed[/red]  {escape(key)}: {escape(error)}", soft_wrap=True)
    for key in summary.blocked:
        console.print(f"[yellow]held back[/yellow]  {escape(key)}: something upstream failed", soft_wrap=True)


def group_of(key: str) -> str:
    """Return the study of an asset key; the warehouse counts as one."""
    layer, rest = key.split("/", 1)
    return layer if layer == "warehouse" else rest.split("/", 1)[0]
