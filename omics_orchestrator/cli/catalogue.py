"""`omics catalogue`: the pages that tell what variables and studies there are. Says where they lie and how many."""

from __future__ import annotations

from pathlib import Path

import typer


def catalogue(
    folder: Path | None = typer.Argument(
        None, help="Where; default: the folder catalogue of OMICS_HOME.", show_default=False
    ),
    smallest: int = typer.Option(
        5, min=5, help="No smaller count is written; all others are rounded to multiples of it."
    ),
) -> None:
    """Write pages that tell what variables and studies there are: they open in any browser, without a server."""
    from omics_orchestrator.settings import Settings
    from omics_orchestrator.steps.catalogue import write_catalogue
    from omics_orchestrator.steps.workspace import Workspace

    settings = Settings.from_environment()
    done = write_catalogue(Workspace(settings), folder or settings.home / "catalogue", smallest)
    if done.unreached:
        print(f"{done.unreached}\nso the pages tell what is declared only")
    print(f"{done.pages:,} pages, {done.size / 1e6:.1f} MB: open {done.start}")
