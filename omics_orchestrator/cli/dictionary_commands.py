"""The commands below `omics dictionary`, as typer reads them; they are in dictionary.py, suggest.py, spreadsheet.py."""

from __future__ import annotations

from pathlib import Path

import typer

dictionary = typer.Typer(
    help="The data dictionary: what changed in it, what fits a study's columns, as a workbook.",
    no_args_is_help=True,
)


@dictionary.command("diff")
def dictionary_diff(
    ref: str = typer.Argument(help="A git commit, branch or tag, such as HEAD or v1.2."),
) -> None:
    """Tell what changed in the data dictionary since a commit, and which assets that makes run again."""
    from omics_orchestrator.cli.dictionary import show_diff

    show_diff(ref)


@dictionary.command("suggest")
def dictionary_suggest(
    study: str = typer.Argument(help="A study."),
    columns: list[str] | None = typer.Argument(
        None,
        help="Columns or patterns with *; default: those that no entry of the mapping uses.",
        show_default=False,
    ),
    everything: bool = typer.Option(False, "--all", help="Columns that are mapped or left out too."),
    top: int = typer.Option(3, min=1, max=40, help="So many variables for each column."),
    codebook: Path | None = typer.Option(None, help="A CSV that says what the columns mean."),
    csv: Path | None = typer.Option(None, help="Write the suggestions there too."),
    save: bool = typer.Option(False, "--save", help="Keep the best ones in suggestions.csv, as proposed."),
    approve: list[str] | None = typer.Option(None, help="COLUMN=VARIABLE, to keep as approved."),
    reject: list[str] | None = typer.Option(None, help="COLUMN=VARIABLE, never to be suggested again."),
    by: str | None = typer.Option(
        None, help="Who approves or rejects; default: git's user.email, else the account."
    ),
) -> None:
    """Suggest canonical variables for the columns of a study, and tell why; the mapping is never touched."""
    from omics_orchestrator.cli.suggest import mark, show_suggestions

    if approve:
        mark(study, approve, "approved", by, codebook)
    if reject:
        mark(study, reject, "rejected", by, codebook)
    if not approve and not reject:
        show_suggestions(
            study, columns or [], everything=everything, top=top, codebook=codebook, table=csv, save=save
        )


@dictionary.command("export")
def dictionary_export(
    file: Path = typer.Argument(help="The workbook to write, .xlsx."),
    replace: bool = typer.Option(False, "--replace", help="Overwrite a workbook that is there already."),
) -> None:
    """Write variables, codes, mappings and suggestions as a workbook for Excel or LibreOffice, with drop-downs."""
    from omics_orchestrator.cli.spreadsheet import write_workbook

    write_workbook(file, replace=replace)


@dictionary.command("import")
def dictionary_import(
    file: Path = typer.Argument(help="A workbook that `omics dictionary export` wrote."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell what would change."),
) -> None:
    """Bring the changes of a workbook into the dictionary; every complaint names its cell, a conflict stops it."""
    from omics_orchestrator.cli.spreadsheet import read_workbook

    raise typer.Exit(read_workbook(file, dry_run=dry_run))
