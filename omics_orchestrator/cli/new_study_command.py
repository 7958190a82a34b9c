"""`omics new-study` as typer reads it; what it does is in new_study.py."""

from __future__ import annotations

from pathlib import Path

import typer


def new_study(
    name: str = typer.Argument(help="The study's name: small letters, digits and _."),
    redcap_dictionary: Path | None = typer.Option(
        None,
        help="A REDCap data dictionary (CSV as downloaded, or the API's JSON); records beside it are used.",
    ),
    redcap: bool = typer.Option(False, "--redcap", help="A project on a REDCap server; see --url, --token."),
    file: Path | None = typer.Option(None, help="A table: CSV and its like, or an Excel workbook."),
    sql: str | None = typer.Option(None, help="A database: its address, or the secret that holds it."),
    codebook: Path | None = typer.Option(None, help="With --file: a CSV that says what the columns mean."),
    url: str | None = typer.Option(
        None, help="With --redcap: the secret with the API's address; default: <NAME>_REDCAP_URL."
    ),
    token: str | None = typer.Option(
        None, help="With --redcap: the secret with the token; default: <NAME>_REDCAP_TOKEN."
    ),
    schema: str | None = typer.Option(None, help="With --sql: the schema of the tables."),
) -> None:
    """Draft study.yaml and mapping.yaml of a new study, with suggested rules as comments; tell what was found."""
    from omics_orchestrator.cli.new_study import Asked, draft_study

    draft_study(name, Asked(redcap_dictionary, redcap, file, sql, codebook, url, token, schema))
