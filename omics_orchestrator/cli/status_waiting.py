"""The section "Waiting" of `omics status`: batches that failed, when they are tried again, and what mends them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from omics_orchestrator.cli.words import omics
from omics_orchestrator.orchestration.session import Session

COLUMNS = ("waiting", "attempts", "next try", "once its cause is mended")


def show_waiting(console: Console, session: Session) -> None:
    """Print one line per batch that was tried and is not here; nothing where none waits."""
    found = session.waiting()
    if not found:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, no_wrap=True)
    for one in found:
        table.add_row(
            escape(one.place), str(one.attempts), _next(one.next_at, one.under_way), _mends(one.place)
        )
    console.print(table)
    console.print()


def _next(moment: datetime | None, under_way: bool) -> str:
    if under_way:
        return "running"
    now = datetime.now(UTC)
    if moment is None or moment <= now:
        return "at the next look"
    minutes = round((moment - now).total_seconds() / 60)
    return f"in {minutes} min" if minutes < 100 else f"in {minutes / 60:.0f} h"


def _mends(place: str) -> str:
    """Return the command that does not wait for the next try."""
    return f"{omics()} materialize {place}" if "/" in place else "start the code server again"
