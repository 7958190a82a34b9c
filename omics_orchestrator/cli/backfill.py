"""`omics backfill`: read again what a study's sources changed in a span of days, then run what follows from it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rich.console import Console
from rich.markup import escape

from omics_orchestrator.cli.materialize import report, with_progress
from omics_orchestrator.cli.words import omics
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.errors import DeclarationError, OmicsError, UnknownKey
from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.deliveries import FIRST
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.deliver import by_day
from omics_orchestrator.steps.staged import FILES, waiting
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

AGAIN = "what it staged stays: the same command goes on"


class WrongDays(OmicsError):
    """A span of days that cannot be asked for."""


@dataclass(frozen=True)
class Days:
    """From `first` to `last`, both included, in UTC."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last} ({counted((self.last - self.first).days + 1, 'day')})"

    def within(self, begins: datetime, ends: datetime) -> bool:
        """Tell whether a window covers the days."""
        return begins.date() <= self.first and ends.date() >= self.last + timedelta(days=1)


def days_between(since: datetime, until: datetime | None, today: date) -> Days:
    """Return the days from `since` to `until`, by default to today.

    Raises:
        WrongDays: they end before they begin, in the future, or before there was anything to ask for.
    """
    first, last = since.date(), until.date() if until else today
    if last > today:
        raise WrongDays(f"--until {last} lies in the future: today is {today} (UTC)")
    if first > last:
        raise WrongDays(f"--since {first} is later than {last}")
    if first < date.fromisoformat(FIRST):
        raise WrongDays(f"--since {first} is too early: deliveries begin with {FIRST}")
    return Days(first, last)


def run_backfill(study: str, since: datetime, until: datetime | None, source: str | None) -> int:
    """Stage, apply and follow; return 0, 1 when something failed, or 2 when the days or names make no sense."""
    console = Console()
    ensure_redcap(Settings.from_environment())
    workspace = Workspace(Settings.from_environment())
    try:
        days = days_between(since, until, datetime.now(UTC).date())
        declared = _study(workspace, study)
        names = _names(declared, source)
    except (WrongDays, UnknownKey) as error:
        console.print(str(error), soft_wrap=True, highlight=False)
        return 2
    if variable := workspace.unavailable(declared):
        console.print(f"{study}: not available here, {variable} is not set", highlight=False)
        return 1
    started = time.monotonic()
    session = Session(workspace)
    console.print(f"{study}: {days}", highlight=False)
    lost = [name for name in names if not _delivered(console, workspace, session, declared, name, days)]
    return _applied(
        console, session, declared, [name for name in names if name not in lost], started
    ) or bool(lost)


def _study(workspace: Workspace, name: str) -> Study:
    catalogue = workspace.catalogue
    if name in catalogue.broken:
        raise DeclarationError(catalogue.broken[name].problems)
    if name not in catalogue.studies:
        raise UnknownKey("study", name, catalogue.studies)
    return catalogue.studies[name]


def _names(study: Study, chosen: str | None) -> list[str]:
    """Return the sources and assays that are read; all, or the one chosen."""
    names = list(dict.fromkeys([*(source for source, _ in study.raw_tables()), *study.assays]))
    if chosen is not None and chosen not in names:
        raise UnknownKey("source or assay", chosen, names)
    return [chosen] if chosen else names


def _delivered(
    console: Console, workspace: Workspace, session: Session, study: Study, name: str, days: Days
) -> bool:
    """Stage the changes of one source or assay where it can be asked by day; tell whether it may be read now."""
    tables = by_day(study).get(name)
    if tables is None:
        console.print(f"  {name}: read as a whole, it cannot be asked by day", highlight=False)
        return True
    if all(_waits(workspace, study, name, table, days) for table in tables):
        console.print(f"  {name}: staged before and not applied yet, goes on from there", highlight=False)
        return True
    if failed := session.deliver(study.study, name, days.first, days.last):
        console.print(f"  [red]{name}: failed[/red]: {escape(failed)}", soft_wrap=True, highlight=False)
        return False
    found = [waiting(workspace, study, name, table) for table in tables if table != FILES]
    records = max((window.count for one in found for window in one.values()), default=0)
    told = f", {counted(records, 'record')} changed" if records else ""
    console.print(f"  {name}: staged{told}", highlight=False)
    return True


def _waits(workspace: Workspace, study: Study, name: str, table: str, days: Days) -> bool:
    windows = waiting(workspace, study, name, table).values()
    return any(days.within(window.begins, window.ends) for window in windows)


def _applied(console: Console, session: Session, study: Study, names: list[str], started: float) -> int:
    """Run what reads these sources, then what is stale below them; return 1 when an asset failed."""
    places = [f"{layer}/{study.study}/{name}" for name in names for layer in ("raw", "files")]
    read = session.assets(places) if places else []
    if not read:
        return 0
    first = with_progress(console, session, read, force=True)
    then = with_progress(
        console, session, session.assets([study.study, "warehouse"])
    )  # new samples link files anew
    report(console, first.and_then(then), time.monotonic() - started)
    if first.failed or then.failed:
        console.print(f"{AGAIN}, or {omics()} materialize", soft_wrap=True)
        return 1
    return 0
