"""`omics new-study`: drafts a study from a REDCap dictionary or server, a file or a database; says what it saw."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from omics_orchestrator.cli.words import omics
from omics_orchestrator.errors import OmicsError
from omics_orchestrator.findings import counted
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.new_study import listed, new_study, refuse_name
from omics_orchestrator.steps.new_study.draft import Draft
from omics_orchestrator.steps.new_study.file import from_file
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.new_study.redcap import from_dictionary, from_server
from omics_orchestrator.steps.suggest.codebook import read_codebook
from omics_orchestrator.steps.workspace import Workspace

SHOWN = 12  # names of a list on the terminal


@dataclass(frozen=True)
class Asked:
    """From what a study is to be drafted: one of dictionary, server, file and database."""

    dictionary: Path | None = None
    server: bool = False
    file: Path | None = None
    database: str | None = None
    codebook: Path | None = None
    url: str | None = None
    token: str | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together; raises OmicsError."""
        given = sum(
            (self.dictionary is not None, self.server, self.file is not None, self.database is not None)
        )
        if given != 1:
            raise OmicsError(
                "from what? give one of --redcap-dictionary FILE, --redcap, --file FILE, --sql URL-OR-SECRET"
            )
        for option, asked, whose in (
            ("--codebook", self.codebook is not None and self.file is None, "--file"),
            ("--url and --token", bool(self.url or self.token) and not self.server, "--redcap"),
            ("--schema", self.schema is not None and self.database is None, "--sql"),
        ):
            if asked:
                raise OmicsError(f"{option} belongs to {whose}")


def draft_study(name: str, asked: Asked) -> None:
    """Write the folder of a new study and print what was found."""
    workspace = Workspace(Settings.from_environment())
    refuse_name(workspace, name)
    origin, whence = _origin(name, asked, workspace.settings)
    book = read_codebook(asked.codebook) if asked.codebook else {}
    draft = new_study(workspace, name, origin, book, whence)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    _show(console, name, draft)
    _next(console, workspace, name, draft)


def _origin(name: str, asked: Asked, settings: Settings) -> tuple[Origin, str]:
    if asked.dictionary is not None:
        said = f"the REDCap data dictionary {asked.dictionary.name}"
        return from_dictionary(name, asked.dictionary, settings), said
    if asked.server:
        url, token = (given or f"{name.upper()}_REDCAP_{word}" for given, word in _secrets(asked))
        return from_server(name, url, token, settings), "a REDCap project"
    if asked.file is not None:
        return from_file(name, asked.file, settings), asked.file.name
    from omics_orchestrator.steps.new_study.database import from_database  # loads SQLAlchemy

    return from_database(name, asked.database or "", asked.schema, settings), "a database"


def _secrets(asked: Asked) -> tuple[tuple[str | None, str], ...]:
    return (asked.url, "URL"), (asked.token, "TOKEN")


def _show(console: Console, name: str, draft: Draft) -> None:
    origin = draft.origin
    rows = [
        *(("source", line) for line in origin.said),
        *((entity, f"{guess.table}: {guess.why}") for entity, guess in draft.guesses.items()),
        ("participant id", f"{origin.pattern or 'no pattern'}  ({origin.pattern_why or 'no id was found'})"),
        ("identifiers", _names(draft.identifiers) or "no column seems to hold direct identifiers"),
        ("suggested", _suggested(draft)),
        ("undecided", _names(draft.undecided) or "each column has a suggestion"),
        *(("note", note) for note in origin.notes),
    ]
    last = ""
    for word, text in rows:
        console.print(f"{word if word != last else '':<16}{text}")
        last = word


def _suggested(draft: Draft) -> str:
    found = f"{counted(draft.ruled, 'rule')} in mapping.yaml, behind #: nothing is accepted by itself"
    more = [f"{draft.by_hand} more to be written by hand"] if draft.by_hand else []
    more += [f"{len(draft.elsewhere)} of them without rows that fit"] if draft.elsewhere else []
    return "; ".join([found, *more])


def _names(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = ", listed in mapping.yaml" if len(names) > SHOWN else ""
    return f"{counted(len(names), 'column')}: {listed(names, SHOWN)}{more}"


def _next(console: Console, workspace: Workspace, name: str, draft: Draft) -> None:
    folder = workspace.settings.dictionary / "studies" / name
    console.print(f"\nwritten: {folder / 'study.yaml'}\n         {folder / 'mapping.yaml'}\nnext:")
    for variable, value in draft.origin.set_up.items():
        console.print(f"  export {variable}={shlex.quote(value)}")
    console.print(f"  {omics()} check {name}\n  {omics()} materialize raw/{name}")
    console.print(
        f"  take the # off the rules that are right, and once more: {omics()} check {name}; {omics()} materialize"
    )
