"""The section "Waiting" of `omics status`: batches that failed, when they are tried again, and what mends them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from omics_orchestrator.cli.words import omics
from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.session import Session


def show_waiting(console: Console, session: Session) -> None:
    """Print one line per batch that was tried and is not here; nothing where none waits."""
    found = session.waiting()
    if found:
        console.print("\nWaiting", style="bold")
    for one in found:
        tried = counted(one.attempts, "attempt")
        told = f"{one.place} · {tried}, next one {_next(one.next_at, one.under_way)}; {_mends(one.place)}"
        console.print(escape(told), soft_wrap=True, highlight=False)
    if found:
        console.print()


def _next(moment: datetime | None, under_way: bool) -> str:
    if under_way:
        return "under way"
    now = datetime.now(UTC)
    if moment is None or moment <= now:
        return "at the next look"
    minutes = round((moment - now).total_seconds() / 60)
    return f"in {minutes} min" if minutes < 100 else f"in {minutes / 60:.0f} h"


def _mends(place: str) -> str:
    """Return what does not wait for it, once the cause is mended."""
    return f"once mended: {omics()} materialize {place}" if "/" in place else "or start the code server again"
