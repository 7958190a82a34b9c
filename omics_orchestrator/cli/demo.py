"""`omics demo`: generate the cohort, materialise everything, tell where it is. Also what `make demo` runs."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console

from omics_orchestrator.cli.materialize import group_of, report, with_progress
from omics_orchestrator.cli.status_variables import summary
from omics_orchestrator.cli.words import omics
from omics_orchestrator.demo import generate
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.errors import NotConfigured, UnknownKey
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings, without_password
from omics_orchestrator.steps import find
from omics_orchestrator.steps.status import status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import read_query

LAYERS = ("raw", "harmonised", "files", "matrix", "identity")
PUBLIC = ("hmp2", "prism", "risk")


def run_demo(studies: str) -> None:
    """Materialise the studies that `studies` names and print the summary."""
    started = time.monotonic()
    console = Console(highlight=False)
    settings = Settings.from_environment()
    if studies in {"demo", "all"} or "demo_" in studies:
        generate(settings.home / "demo")
        ensure_redcap(settings)
        settings = Settings.from_environment()  # the folder makes the demo's store and server known
    workspace = Workspace(settings)
    chosen = chosen_studies(workspace, studies)
    _headline(console, workspace)
    session = Session(workspace)
    prefixes = [f"{layer}/{study}" for study in chosen for layer in LAYERS]
    keys = session.assets([*prefixes, "warehouse"])
    summary = with_progress(console, session, keys)
    report(console, summary, time.monotonic() - started)
    _overview(console, workspace, session, chosen)


def chosen_studies(workspace: Workspace, wanted: str) -> list[str]:
    """Return the studies of `demo`, `public`, `all` or a list separated by commas.

    Raises:
        NotConfigured: none of them is available on this machine.
    """
    known = workspace.catalogue.studies
    groups = {
        "demo": [name for name in known if name.startswith("demo_")],
        "public": [name for name in known if name in PUBLIC],
        "all": list(known),
    }
    names = groups.get(wanted) or [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UnknownKey("study", name, known)
    missing = {name: variable for name in names if (variable := workspace.unavailable(known[name]))}
    if names and len(missing) == len(names):
        variables = ", ".join(sorted(set(missing.values())))
        raise NotConfigured(
            f"{', '.join(names)}: not available here; set {variables} to the root of the files"
        )
    return [name for name in names if name not in missing]


def _headline(console: Console, workspace: Workspace) -> None:
    where = without_password(workspace.database.url).removeprefix("postgresql://").split("/")[0]
    kind = "PostgreSQL" if workspace.settings.database_url else "embedded PostgreSQL"
    (version,) = read_query(workspace.database, "show server_version").column(0).to_pylist()
    console.print(
        f"omics_orchestrator · {kind} {version.split()[0]} at {where} · store {workspace.settings.store_url}",
        soft_wrap=True,
    )


def _overview(console: Console, workspace: Workspace, session: Session, studies: list[str]) -> None:
    console.print()
    _tables(console, workspace, studies)
    counts = find.ledger(workspace, studies)
    lost = " · ".join(
        f"{why.replace('_', ' ')} {number:,}" for why, number in sorted(counts.lost.items()) if number
    )
    console.print(
        f"Values     {counts.values_in:,} in = {counts.values_out:,} out + {sum(counts.lost.values()):,} accounted for "
        f"({lost or 'nothing lost'})",
        soft_wrap=True,
    )
    files = find.count_files(workspace, studies)
    console.print(
        f"Files      {files.registered:,} registered · {files.linked:,} linked · {files.quarantined:,} in quarantine · "
        f"{files.invalid:,} invalid"
    )
    matrices = [
        f"matrix/{study}/{assay}" for study, assay in find.stored_matrices(workspace) if study in studies
    ]
    console.print(f"Matrices   {len(matrices)}: {', '.join(matrices) or 'none'}", soft_wrap=True)
    checks = [check for check in session.checks() if group_of(check.asset) in {*studies, "warehouse"}]
    failed = Counter(check.name for check in checks if not check.passed)
    names = f" ({', '.join(f'{name} {number}' for name, number in failed.most_common())})" if failed else ""
    console.print(
        f"Checks     {len(checks) - failed.total()} passed · {failed.total()} failed{names}",
        soft_wrap=True,
    )
    console.print(f"Coverage   {summary(status_matrix(workspace).only(studies))}", soft_wrap=True)
    _next(console)


def _next(console: Console) -> None:
    following = {
        "make dev": "the asset graph in your browser",
        f"{omics()} variables calprotectin": "where is it measured, and how well",
        f"{omics()} status --failed": "what is wrong with the data",
        f"{omics()} status --variables": "what became of every variable in every study",
    }
    width = max(map(len, following))
    for number, (command, meaning) in enumerate(following.items()):
        console.print(f"{'Next' if number == 0 else '':<10} {command:<{width}}   {meaning}", soft_wrap=True)
    console.print("Your own study in ten minutes: docs/add-a-study.md")


def _tables(console: Console, workspace: Workspace, studies: list[str]) -> None:
    by_place: dict[str, list[str]] = {}
    for key, state in find.stored_tables(workspace).items():
        layer, group, *rest = key.split("/")
        if layer == "warehouse":
            by_place.setdefault("warehouse", []).append(f"{group} {state.rows:,}")
        elif group in studies:
            by_place.setdefault(f"{layer}_{group}", []).append(
                f"{'__'.join(rest) or 'outcomes'} {state.rows:,}"
            )
    for number, (place, tables) in enumerate(sorted(by_place.items(), key=lambda one: one[0] != "warehouse")):
        label = "Tables" if number == 0 else ""
        console.print(f"{label:<10} {place:<26} {' · '.join(sorted(tables))}", soft_wrap=True)
