"""The top of `omics status`: last night, what failed and what mends it, whether the daemon lives."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from omics_orchestrator.cli.words import omics
from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.night import Night
from omics_orchestrator.steps.notify import Failure

WIDEST = 160  # characters of an error on the screen; the UI shows it whole


def show_night(console: Console, night: Night) -> None:
    """Print two lines, and two for each failure that stands."""
    runs = [f"{counted(night.green, 'run')} green"]
    runs += [f"[red]{night.failed} failed[/red]"] if night.failed else []
    runs += [f"{night.again} ran again"] if night.again else []
    runs += [f"{night.running} running"] if night.running else []
    runs += [f"{night.waiting} waiting"] if night.waiting else []
    console.print(f"since {night.since:%Y-%m-%d %H:%M} UTC: {' · '.join(runs)}", highlight=False)
    for failure in night.failures:
        console.print(_line(failure), soft_wrap=True, highlight=False)
        console.print(f"      → {_mends(failure)}", soft_wrap=True, highlight=False)
    console.print(_daemon(night), soft_wrap=True, highlight=False)
    console.print()


def _line(failure: Failure) -> str:
    text = " ".join(failure.text.split())
    text = text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
    more = f" and {len(failure.assets) - 1} more" if len(failure.assets) > 1 else ""
    where = (failure.assets[0] if failure.assets else failure.study) + more
    tried = counted(failure.attempts, "attempt")
    return f"[red]failed[/red] {escape(where)} · {escape(failure.kind)}: {escape(text)} ({tried})"


def _mends(failure: Failure) -> str:
    if not failure.assets:
        return f"the Dagster UI shows the run {failure.run_id[:8]}"
    return f"mend the cause, then {omics()} materialize {' '.join(failure.assets[:3])}"


def _daemon(night: Night) -> str:
    if night.daemon is None:
        starts = f"{omics()} dev, or the stack's service daemon, starts one"
        return f"[yellow]no daemon[/yellow]: nothing runs at night; {starts}"
    if not night.beats:
        silent = "has not told for two minutes that it lives"
        return f"[yellow]the daemon ({night.daemon.name}) {silent}[/yellow]: see its log"
    return f"daemon: {night.daemon.name}, since {night.daemon.since:%Y-%m-%d %H:%M}"
