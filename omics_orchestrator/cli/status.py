"""`omics status`: one screen that tells how old everything is, what is stale, what failed and what mends it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from omics_orchestrator.cli.materialize import group_of
from omics_orchestrator.cli.night import show_night
from omics_orchestrator.cli.status_waiting import show_waiting
from omics_orchestrator.cli.words import omics
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.harmonise.rulebook import dictionary_version
from omics_orchestrator.orchestration.session import CheckState, Session
from omics_orchestrator.orchestration.stale import NO_ANSWER
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.find import count_files
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.backup import last_backup

OLD_BACKUP = timedelta(days=7)


def run_status(*, only_failed: bool, study: str | None = None) -> None:
    """Print the status of every study of this machine, or of one.

    Raises:
        UnknownKey: there is no such study.
    """
    console = Console()
    ensure_redcap(Settings.from_environment())
    workspace = Workspace(Settings.from_environment())
    session = Session(workspace)
    if study and study not in {*workspace.catalogue.studies, *workspace.catalogue.broken}:
        raise UnknownKey("study", study, workspace.catalogue.studies)
    checks = [check for check in session.checks() if study in {None, group_of(check.asset)}]
    failed = [check for check in checks if not check.passed]
    here = [one for one in workspace.catalogue.studies.values() if not workspace.unavailable(one)]
    show_night(console, session.night(here))
    if not only_failed:
        _studies(console, workspace, session, failed, study)
    show_failed(console, failed)
    show_waiting(console, session)
    console.print(f"{len(checks) - len(failed)} checks passed · {len(failed)} failed")
    for command in _next(workspace, session, failed):
        console.print(command, soft_wrap=True)


def show_failed(console: Console, failed: list[CheckState]) -> None:
    """Print one line per failed check, errors first."""
    for check in sorted(failed, key=lambda one: (one.severity != "error", one.asset, one.name)):
        colour = "red" if check.severity == "error" else "yellow"
        text = f"[{colour}]{check.severity:<5}[/{colour}] {escape(check.asset)} · {check.name}: {escape(check.message)}"
        console.print(text, soft_wrap=True, highlight=False)


def _studies(
    console: Console, workspace: Workspace, session: Session, failed: list[CheckState], study: str | None
) -> None:
    ages, stale = session.materialised_at(), session.stale()
    groups: dict[str, list[str]] = defaultdict(list)
    for key in session.assets():
        if study in {None, group_of(key)}:
            groups[group_of(key)].append(key)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("study", "assets", "stale", "failed checks", "oldest", "newest"):
        table.add_column(name)
    for group, keys in groups.items():
        times = sorted(ages[key] for key in keys if key in ages)
        wrong = sum(group_of(check.asset) == group for check in failed)
        old, new = (_age(times[0]), _age(times[-1])) if times else ("never", "never")
        table.add_row(group, str(len(keys)), str(sum(key in stale for key in keys)), str(wrong), old, new)
    console.print(table if groups else "no study is available here yet")
    for place in sorted({"/".join(key.split("/")[:3]) for key, why in stale.items() if why == NO_ANSWER}):
        told = (
            f"[yellow]{place}: the source does not answer[/yellow]; {omics()} materialize {place} tells why"
        )
        console.print(told, soft_wrap=True, highlight=False)
    dictionary = workspace.dictionary
    known = f"{len(dictionary.variables)} variables · {len(dictionary.code_lists)} code lists"
    console.print(f"\ndictionary {dictionary_version(dictionary)} · {known}", highlight=False)
    console.print(_backup(workspace.settings), soft_wrap=True, highlight=False)
    for variable, names in workspace.not_set().items():
        if study and study not in names:
            continue
        told = f"{', '.join(names)}: not available here, {variable} is not set"
        console.print(told, soft_wrap=True, highlight=False)
    for name in workspace.catalogue.broken:
        console.print(f"[red]{name}: its declaration is broken[/red]", highlight=False)
    console.print()


def _backup(settings: Settings) -> str:
    """Return how old the last back-up is; one older than a week is a warning."""
    taken = last_backup(settings)
    if taken is None:
        return f"no back-up was taken here; {omics()} backup <folder>"
    old = datetime.now(UTC) - taken > OLD_BACKUP
    return f"[yellow]back-up: {_age(taken)}[/yellow]; {omics()} backup" if old else f"back-up: {_age(taken)}"


def _next(workspace: Workspace, session: Session, failed: list[CheckState]) -> list[str]:
    """Return the commands that would help now."""
    found = []
    if number := len(session.stale()):
        found.append(f"stale assets: {number:<18} {omics()} materialize")
    if number := len(workspace.catalogue.broken):
        found.append(f"broken declarations: {number:<11} {omics()} check")
    if number := count_files(workspace).quarantined:
        found.append(f"files in quarantine: {number:<11} {omics()} files --unlinked")
    if failed:
        counts = "select COLUMN, count(*) from raw_STUDY.SOURCE__TABLE group by 1"
        found.append(f'cells behind a check:            {omics()} sql "{counts}", or its page in the UI')
    return found


def _age(moment: datetime) -> str:
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"
