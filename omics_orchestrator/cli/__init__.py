"""The command `omics`: one module per command, imported when it is called. What a command does lives below."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import typer

from omics_orchestrator import logs
from omics_orchestrator.cli.catalogue import catalogue
from omics_orchestrator.cli.dictionary_commands import dictionary
from omics_orchestrator.cli.ending import of_the_machine, tell
from omics_orchestrator.cli.new_study_command import new_study
from omics_orchestrator.cli.release_notes import release_notes
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.settings import wants_json

app = typer.Typer(
    name="omics",
    help="Clinical and omics data of research studies: declared, harmonised, registered, loaded.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(dictionary, name="dictionary")
STUDIES = typer.Argument(None, help="Study names; default: all.", show_default=False)


@app.command()
def demo(
    studies: str = typer.Option("demo", help="demo, public, all, or study names separated by commas."),
) -> None:
    """Generate the demo cohort, materialise the asset graph and tell where everything is."""
    from omics_orchestrator.cli.demo import run_demo

    run_demo(studies)


@app.command()
def check(studies: list[str] | None = STUDIES) -> None:
    """Read the declarations of all (or these) studies and list every mistake with file and line."""
    from omics_orchestrator.cli.check import run_check

    raise typer.Exit(run_check(studies or []))


app.command("new-study")(new_study)


@app.command()
def materialize(
    keys: list[str] | None = typer.Argument(
        None,
        help="Studies, asset keys or prefixes such as harmonised/hmp2; default: everything.",
        show_default=False,
    ),
    force: bool = typer.Option(False, "--force", help="Run them even where nothing changed."),
) -> None:
    """Materialise what is stale: changed declarations, changed sources and what follows from them."""
    from omics_orchestrator.cli.materialize import run_materialize

    raise typer.Exit(run_materialize(keys or [], force=force))


@app.command()
def backfill(
    study: str = typer.Argument(help="The study."),
    since: datetime = typer.Option(help="The first day, YYYY-MM-DD (UTC).", formats=["%Y-%m-%d"]),
    until: datetime | None = typer.Option(
        None, help="The last day; default: today.", formats=["%Y-%m-%d"], show_default=False
    ),
    source: str | None = typer.Option(None, help="Only this source or assay; default: all of the study."),
) -> None:
    """Read again what a study's sources changed in these days, then run what follows from it."""
    from omics_orchestrator.cli.backfill import run_backfill

    raise typer.Exit(run_backfill(study, since, until, source))


@app.command()
def status(
    name: str | None = typer.Argument(None, metavar="[study]", help="One study; by default all."),
    failed: bool = typer.Option(False, "--failed", help="Only failed checks and failed assets."),
    variables: bool = typer.Option(False, "--variables", help="What became of each variable in each study."),
    study: str | None = typer.Option(None, help="With --variables: one study, with counts and reasons."),
    entity: str | None = typer.Option(None, help="With --variables: participant, visit, sample …"),
) -> None:
    """Show each study, how old its assets are, what is stale, which checks fail."""
    if variables or study or entity:
        from omics_orchestrator.cli.status_variables import show_variables_status

        show_variables_status(study or name, entity)
        return
    from omics_orchestrator.cli.status import run_status

    run_status(only_failed=failed, study=name)


@app.command()
def trace(
    study: str = typer.Argument(help="The study."),
    participant: str = typer.Argument(help="The participant's id, in any spelling that the study knows."),
    variable: str = typer.Argument(help="The variable."),
    visit: str | None = typer.Option(None, help="The visit; by default each visit of the participant."),
    sample: str | None = typer.Option(None, help="The sample; by default each sample of the participant."),
) -> None:
    """Show where one value comes from: record, column, raw text, rule, version and run."""
    from omics_orchestrator.cli.trace import show_trace

    show_trace(study, participant, variable, visit=visit, sample=sample)


@app.command()
def variables(
    words: list[str] | None = typer.Argument(
        None,
        help="What to look for, in any words: a name, label, code, synonym; default: all.",
        show_default=False,
    ),
    every: bool = typer.Option(False, "--all", help="Not only the 20 best."),
) -> None:
    """Search variables, the best first, with unit and coverage per study; and the studies that the words find."""
    from omics_orchestrator.cli.tables import show_variables

    show_variables(" ".join(words or []), every=every)


@app.command()
def files(
    study: str | None = typer.Argument(None, help="Study; default: all."),
    assay: str | None = typer.Option(None, help="Only this assay."),
    unlinked: bool = typer.Option(False, "--unlinked", help="Only files that wait in quarantine, and why."),
    verdict: str | None = typer.Option(
        None,
        help="valid, warnings, invalid, unreadable, unverified, damaged or barred (listed, out of reach).",
    ),
    missing: bool = typer.Option(False, "--missing", help="Only files that their store lists no more."),
    identifying: bool = typer.Option(
        False, "--identifying", help="Only files whose name or header seems to identify a person."
    ),
    manifest: Path | None = typer.Option(
        None, help="Write them to a file instead: .csv, .tsv, or .sha256 for sha256sum -c."
    ),
) -> None:
    """List registered files with verdict and sample, or write them as a manifest."""
    from omics_orchestrator.cli.files import Wanted, show_files

    show_files(Wanted(study, assay, unlinked, verdict, missing, identifying), manifest)


@app.command()
def register(
    study: str = typer.Argument(help="The study."),
    assays: list[str] | None = typer.Argument(None, help="Its assays; default: all.", show_default=False),
    quick: bool = typer.Option(
        False, "--quick", help="Look at the first bytes of new files only; they stay unverified."
    ),
) -> None:
    """Register the files of a study now, without the asset graph: a first look at a new store."""
    from omics_orchestrator.cli.files import run_register

    raise typer.Exit(run_register(study, assays or [], quick=quick))


@app.command()
def verify(
    study: str | None = typer.Argument(None, help="Study; default: all."),
    assay: str | None = typer.Option(None, help="Only this assay."),
    share: float = typer.Option(
        1.0, min=0.0, max=1.0, help="Share of all bytes, those first that were not read for longest."
    ),
) -> None:
    """Read registered files again and tell which hold other bytes than were registered."""
    from omics_orchestrator.cli.files import run_verify

    raise typer.Exit(run_verify(study, assay, share=share))


@app.command()
def export(
    key: str = typer.Argument(help="The key of a table or matrix, such as dataset/music/main."),
    file: Path = typer.Argument(help="Where to write it: .csv or .parquet; a matrix .h5ad or .rds (Seurat)."),
    studies: str | None = typer.Option(None, help="Only these studies, separated by commas."),
    columns: str | None = typer.Option(None, help="Only these columns beside the keys, separated by commas."),
    force: bool = typer.Option(False, "--force", help="Replace the file if it is there."),
) -> None:
    """Write a published dataset, another table (CSV, Parquet) or a matrix (h5ad, Seurat's rds) as a file."""
    from omics_orchestrator.cli.export import run_export

    run_export(key, file, studies=studies, columns=columns, force=force)


app.command("catalogue")(catalogue)


app.command("release-notes")(release_notes)


@app.command()
def sql(query: str = typer.Argument(help="One SQL statement; it runs in a read-only transaction.")) -> None:
    """Run one SQL statement read-only and print its rows."""
    from omics_orchestrator.cli.tables import show_query

    show_query(query)


@app.command()
def retention(
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell what would be removed."),
) -> None:
    """Delete old runs with their logs, and what killed runs left; the schedule nightly_retention does it by itself."""
    from omics_orchestrator.cli.retention import run_retention

    run_retention(dry_run=dry_run)


@app.command()
def doctor(
    notify: bool = typer.Option(False, "--notify", help="Send a message to everybody who hears of failures."),
) -> None:
    """Look at versions, connections, rights, disks, clock and leftovers; say what mends each fault."""
    from omics_orchestrator.cli.doctor import run_doctor

    raise typer.Exit(run_doctor(notify=notify))


@app.command()
def backup(
    folder: Path = typer.Argument(help="A folder of its own, best on another disk; only changes are copied."),
) -> None:
    """Save both databases and our object store; the folder then holds identifiers too: keep it closed."""
    from omics_orchestrator.cli.backup import run_backup

    run_backup(folder)


@app.command()
def restore(
    folder: Path = typer.Argument(help="The folder that `omics backup` wrote."),
    force: bool = typer.Option(False, "--force", help="Replace an installation that is not empty."),
    verify: bool = typer.Option(False, "--verify", help="Only compare every byte with its digest."),
) -> None:
    """Check a back-up and put it in the place of this installation."""
    from omics_orchestrator.cli.backup import run_restore

    run_restore(folder, force=force, check_only=verify)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(command: list[str] = typer.Argument(help="The command and its arguments, after `--`.")) -> None:
    """Run any command (dagster …, psql …, jupyter …) in the environment of this installation."""
    from omics_orchestrator.cli.run import run_command

    run_command(command)


@app.command()
def dev(
    port: int = typer.Option(3000, help="Port of the UI on 127.0.0.1."),
) -> None:
    """Open the Dagster UI: code location, webserver and daemon until Ctrl-C."""
    from omics_orchestrator.cli.dev import run_dev

    raise typer.Exit(run_dev(port))


@app.command()
def daemon() -> None:
    """Run schedules, sensors and queued runs; a second daemon waits until the first has ended."""
    from omics_orchestrator.cli.daemon import run_daemon

    run_daemon()


def main() -> None:
    """Run the command line; an error made for people is printed as such, without a traceback."""
    try:
        if wants_json():
            logs.install()
        app(prog_name="omics")
    except OmicsError as error:
        tell(str(error))
        sys.exit(1)
    except BrokenPipeError:  # `omics files | head`
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        if (told := of_the_machine(error)) is None:
            raise  # a mistake of ours: the traceback is what helps
        tell(told)
        sys.exit(1)
