"""The commands below `omics dictionary`, as typer reads them; what they do is in dictionary.py and suggest.py."""

from __future__ import annotations

from pathlib import Path

import typer

dictionary = typer.Typer(
    help="The data dictionary: what changed in it, what fits a study's columns.", no_args_is_help=True
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
    by: str | None = typer.Option(None, help="Who approves or rejects; default: the account."),
) -> None:
    """Suggest canonical variables for the columns of a study, and tell why; the mapping is never touched."""
    from omics_orchestrator.cli.suggest import mark, show_suggestions

    if approve:
        mark(study, approve, "approved", by)
    if reject:
        mark(study, reject, "rejected", by)
    if not approve and not reject:
        show_suggestions(
            study, columns or [], everything=everything, top=top, codebook=codebook, table=csv, save=save
        )
