"""What is known of a study before anybody declared it: whence tables come, columns, what rows seem to be.

How it is found: file.py, redcap.py, database.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.secret import Secret


def named(name: str, option: str) -> Secret:
    """Return the secret of a name that was given on the command line.

    Raises:
        NotConfigured: it is no name; it is not told again, for it may be the secret itself.
    """
    try:
        return Secret(secret=name)
    except ValidationError:
        raise NotConfigured(
            f"{option} takes the name, in capitals, of the variable that holds the secret, never the secret itself"
        ) from None


@dataclass(frozen=True)
class Guess:
    """Rows of an entity, as they seem to lie in a table.

    Attributes:
        table: as the mapping writes it.
        why: what speaks for it; counts and names, never a value.
        key: columns that name a row; () = the table's own key.
        sure: False = it is written into the draft only where a rule is suggested for it.
    """

    table: str
    why: str
    key: tuple[str, ...] = ()
    sure: bool = True


@dataclass(frozen=True)
class Origin:
    """What a study is drafted from.

    Attributes:
        source: the name of its source in study.yaml.
        declared: lines that declare the source, below `sources:`.
        said: what was found, a line each: tables, sheets, instruments, events.
        columns: what the source tells of its columns; None = the declared source is asked for them.
        guesses: entity → its rows.
        join: (entity, table) → how a block reads it too, as YAML; '' = it cannot.
        pattern: of the participant ids.
        pattern_why: whence the pattern comes.
        settings: of this machine, with what is needed to read the source.
        notes: what a person should know, not of the study but of what was delivered.
        apart: key columns that seem to hold direct identifiers.
        keys: (table, column) of columns that name the participant in any table.
        form_status: whether the tables have a column `<table>_complete` each, as REDCap's do.
        unsure_joins: what is not known of the joins; '' = nothing.
        set_up: what must be set on this machine before anything can be read: variable → value or what it is.
    """

    source: str
    declared: Sequence[str]
    said: Sequence[str]
    guesses: Mapping[str, Guess]
    join: Callable[[str, str], str]
    pattern: str
    pattern_why: str
    settings: Settings
    columns: Sequence[Described] | None = None
    notes: Sequence[str] = ()
    apart: Sequence[str] = ()
    keys: Collection[tuple[str, str]] = ()
    form_status: bool = False
    unsure_joins: str = ""
    set_up: Mapping[str, str] = field(default_factory=dict)
