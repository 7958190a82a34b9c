"""`omics export`: a table or matrix as a file. Says where it lies and how large it is, and nothing of what is in it."""

from __future__ import annotations

from pathlib import Path

from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.export import export
from omics_orchestrator.steps.select import Selection
from omics_orchestrator.steps.workspace import Workspace


def run_export(key: str, file: Path, *, studies: str | None, columns: str | None, force: bool) -> None:
    """Write the table that bears `key`; studies and columns are names separated by commas."""
    asked = Selection(columns=_names(columns), studies=_names(studies))
    done = export(Workspace(Settings.from_environment()), key, file, asked, force=force)
    print(f"{done.file}: {done.rows:,} rows × {done.columns:,} columns of {key}")
    if done.notes:
        print(f"{done.notes}: what is to be known of it")
    for part in done.left_out:
        print(f"  left out, a Seurat object has no place for it: {part}")


def _names(listed: str | None) -> list[str] | None:
    return None if listed is None else [name.strip() for name in listed.split(",") if name.strip()]
