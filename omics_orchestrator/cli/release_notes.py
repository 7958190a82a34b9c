"""`omics release-notes`: what changed in the published datasets of a study, as Markdown for those who use them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import typer


def release_notes(
    study: str = typer.Argument(help="The study."),
    dataset: str | None = typer.Argument(None, help="One of its datasets; default: all.", show_default=False),
    since: datetime | None = typer.Option(
        None,
        help="Every change since that day, YYYY-MM-DD; default: the last one.",
        formats=["%Y-%m-%d"],
        show_default=False,
    ),
    output: Path | None = typer.Option(None, help="Write them to a new file, .md, instead."),
) -> None:
    """Tell what changed in published datasets: variables, codes, rules, and how many rows and cells."""
    from omics_orchestrator.settings import Settings
    from omics_orchestrator.steps.release_notes import as_markdown, notes_since
    from omics_orchestrator.steps.workspace import Workspace

    day = since.astimezone() if since else None
    text = as_markdown(
        study, notes_since(Workspace(Settings.from_environment()), study, dataset, day), since=day
    )
    if output is None:
        typer.echo(text, nl=False)
        return
    write_new(output, text)
    typer.echo(f"{output}: release notes of {study}")


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet.

    Raises:
        ExportError: it is there, or its folder is not.
    """
    from omics_orchestrator.steps.export import ExportError

    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise ExportError(f"{file} exists; name another file") from None
    except FileNotFoundError:
        raise ExportError(f"{file}: there is no folder {file.parent}") from None
