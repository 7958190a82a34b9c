"""`omics dictionary diff`: entries that came, went or changed, field by field, and the assets that they touch."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console

from omics_orchestrator.cli.words import omics
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.dictionary_diff import Change, Detail, Difference, dictionary_diff
from omics_orchestrator.steps.workspace import Workspace

SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
WHAT = {"added": "new", "removed": "gone", "changed": "runs again"}
LAYERS = ("raw", "harmonised", "dataset", "files", "matrix", "identity", "warehouse")


def show_diff(ref: str) -> None:
    """Print what changed since `ref`."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    found = dictionary_diff(Workspace(Settings.from_environment()), ref)
    console.print(f"dictionary {found.before[:12]} at {ref} ({found.commit}) → {found.now[:12]} now")
    for section, changes in groupby(found.changes, key=lambda change: change.section):
        console.print(f"\n{section.replace('_', ' ')}", style="bold")
        for change in changes:
            _show(console, change)
    for study, why in found.unread.items():
        console.print(f"\n{study}: {why}, so it is not compared; {omics()} check {study}", style="red")
    _touched(console, found)


def _show(console: Console, change: Change) -> None:
    sign, colour = SIGNS[change.kind]
    console.print(f"  {sign} {change.name}", style=colour)
    for detail in change.details:
        console.print(f"      {_line(detail)}")


def _line(detail: Detail) -> str:
    path = f"{detail.path}: " if detail.path else ""
    if detail.old is None:
        return f"+ {path}{detail.new}"
    return f"- {path}{detail.old}" if detail.new is None else f"{path}{detail.old} → {detail.new}"


def _touched(console: Console, found: Difference) -> None:
    if not found.changes:
        console.print("nothing changed")
    keys = sorted(found.touched, key=lambda key: (LAYERS.index(key.split("/")[0]), key))
    console.print(f"\nassets: {len(keys)}" if keys else "\nno asset is touched")
    for key in keys:
        console.print(f"  {key:<48} {WHAT[found.touched[key]]}")
    if keys:
        console.print("what lies downstream runs only where their content changes")
