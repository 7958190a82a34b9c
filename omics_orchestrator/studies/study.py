"""One study as it is declared: study.yaml, and the mapping beside it. How they are read: reading.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from collections.abc import Mapping as Dict
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field

from omics_orchestrator.declared import Declared
from omics_orchestrator.sources import AnySource
from omics_orchestrator.sources.base import Source, admits
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator.studies.caveats import Caveat
from omics_orchestrator.studies.datasets import Dataset
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator.studies.mapping import Mapping
from omics_orchestrator.studies.settled import Settled

NAME = r"^[a-z][a-z0-9_]{0,39}$"
Name = Annotated[str, Field(pattern=NAME)]
DAY = timedelta(hours=25)  # the longest: when the clock goes back


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone, such as Europe/London") from error
    return name


def _span(text: str) -> timedelta:
    number = int(text[:-1])
    return timedelta(hours=number) if text.endswith("h") else timedelta(days=number)


def _more_than_a_day(text: str) -> str:
    if _span(text) <= DAY:
        raise ValueError(
            "fresh_within is more than 25h: sources are read once a day, and some days have 25 hours"
        )
    return text


class Schedule(Declared):
    """When the sources are read."""

    nightly: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["01:30"])
    """Local time, `hh:mm`."""
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    fresh_within: Annotated[
        str, Field(pattern=r"^[1-9][0-9]{0,3}[hd]$", examples=["30h", "3d"]), AfterValidator(_more_than_a_day)
    ] = "30h"
    """How old tables, files and datasets may be before they count as out of date: hours (`h`) or days (`d`)."""

    @property
    def window(self) -> timedelta:
        """`fresh_within` as a span of time."""
        return _span(self.fresh_within)


class Identifiers(Declared):
    """What the study says of columns that hold, or seem to hold, direct identifiers."""

    keep: tuple[str, ...] = Field(default=(), examples=[["redcap.demographics.date_of_birth"]])
    """`<source>.<table>.<column>`: kept, in the schema `identifiers` and nowhere else; no rule can read them."""
    not_identifying: dict[str, Annotated[str, Field(min_length=1)]] = {}
    """Column → why it is no identifier, although it looks like one."""


class StudyFile(Declared):
    """What study.yaml says: who, from where, which assays and datasets. How columns become variables: mapping.yaml."""

    study: Name
    """The study's name: its folder, its group, a part of every key."""
    title: str = Field(min_length=1)
    description: str = ""
    stewards: tuple[Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+)$")], ...] = Field(
        min_length=1
    )
    """Who answers for the data: e-mail addresses, or `team:<name>`."""
    schedule: Schedule | None = None
    participant_id: IdGrammar
    identifiers: Identifiers = Identifiers()
    """Columns with direct identifiers: a delivery that holds one stops, unless this says what becomes of it."""
    pseudonymise: bool = False
    """Whether participant ids are replaced by keyed hashes before anything is stored (secret OMICS_PSEUDONYM_KEY)."""
    sources: dict[Name, AnySource] = {}
    """The systems that deliver tables."""
    assays: dict[Name, Assay] = {}
    """The omics files, by a name of assays.yaml (or one with a suffix: mgx_species)."""
    datasets: dict[Name, Dataset] = {}
    """The wide tables that the study publishes under its own names, by a name of their own."""
    caveats: tuple[Caveat, ...] = ()
    """Known limitations: sentences, each of the whole study or `about` something of it."""


class Study(StudyFile):
    """One study: study.yaml and mapping.yaml together."""

    mapping: Mapping = Mapping()
    written_id: IdGrammar | None = None
    """How the sources write participant ids, where `participant_id` is the grammar of their pseudonyms."""
    settled: Dict[str, Settled] = {}
    """Assay → file → (participant, sample), as a person settled it (links.csv)."""
    folder: Path
    """Where it was read from."""

    def knows_id(self, text: str) -> bool:
        """Tell whether a text is a participant's id, as this study or its sources write it."""
        grammars = (self.participant_id, self.written_id)
        return any(grammar.read(text) is not None for grammar in grammars if grammar)

    def linked_to(self) -> str | None:
        """Return the entity whose rows decide whose files are: sample, else participant; None = neither is mapped."""
        return next((entity for entity in ("sample", "participant") if entity in self.mapping.entities), None)

    def place(self, reference: str) -> tuple[str, str]:
        """Return (source, table) of a table reference of the mapping.

        Raises:
            KeyError: no source has such a table.
        """
        found = resolve(reference, self.sources)
        if found is None:
            raise KeyError(reference)
        return found

    def raw_tables(self) -> dict[tuple[str, str], frozenset[str]]:
        """Return (source, table) → the columns and patterns that are asked of it, for every table read."""
        return self._raw_tables

    @cached_property
    def _raw_tables(self) -> dict[tuple[str, str], frozenset[str]]:
        asked: dict[tuple[str, str], set[str]] = {}
        for block in self.mapping.entities.values():
            for reference, columns in block.reads().items():
                asked.setdefault(self.place(block.table_of(reference)), set()).update(columns)
        for (
            entry
        ) in self.mapping.listed():  # a name without table may lie in several: not in those listed here
            place, column = split(entry, self.sources)
            if place in asked:
                listed = admits([column])
                asked[place] = {name for name in asked[place] if not listed(name)}
        for entry in self.identifiers.keep:
            place, column = split(entry, self.sources)
            if place:
                asked.setdefault(place, set()).add(column)
        return {place: frozenset(columns) for place, columns in asked.items()}

    def undecided(self, source: str, table: str, seen: Collection[str]) -> tuple[str, ...]:
        """Return the columns of a delivery that are neither asked for nor under `not_mapped`: drift."""
        decided = admits(self.raw_tables().get((source, table), frozenset()) | self.left_out(source, table))
        return tuple(name for name in seen if not decided(name))

    def needed(self, source: str, table: str) -> frozenset[str]:
        """Return the columns that rules read and no other table can hold; patterns are none."""
        asked = (
            (block.table_of(tables[0]), column)
            for block in self.mapping.entities.values()
            for tables, column in block.asked()
            if len(tables) == 1 and "*" not in column
        )
        return frozenset(column for reference, column in asked if self.place(reference) == (source, table))

    def left_out(self, source: str, table: str) -> frozenset[str]:
        """Return the columns and patterns of a table that `not_mapped` lists."""
        entries = (split(entry, self.sources) for entry in self.mapping.listed())
        return frozenset(column for place, column in entries if place in {None, (source, table)})

    def kept_apart(self, source: str, table: str) -> tuple[str, ...]:
        """Return the columns of a table that `identifiers: keep` names."""
        return self._of_table(self.identifiers.keep, source, table)

    def not_identifying(self, source: str, table: str) -> tuple[str, ...]:
        """Return the columns of a table that a person declares to be no identifiers."""
        return self._of_table(self.identifiers.not_identifying, source, table)

    def _of_table(self, entries: Collection[str], source: str, table: str) -> tuple[str, ...]:
        named = (split(entry, self.sources) for entry in entries)
        return tuple(column for place, column in named if place == (source, table))

    def locations(self) -> tuple[str, ...]:
        """Return every place in which bytes of this study lie, as declared."""
        declared = [*self.sources.values(), *self.assays.values()]
        return tuple(dict.fromkeys(place for one in declared for place in one.locations()))

    def digest(self, *parts: object) -> str:
        """Return a digest of the study's name and of declaration parts (models, texts, lists, dicts)."""
        return digest_of(self.study, *parts)


def resolve(reference: str, sources: Dict[str, Source]) -> tuple[str, str] | None:
    """Return (source, table) of `<source>` or `<source>.<table>`, or None where there is no such table."""
    source, _, table = reference.partition(".")
    if source not in sources:
        return None
    tables = sources[source].tables()
    if tables is None:
        return (source, table) if table else None
    if not tables:
        return (source, source) if table in {"", source} else None
    return (source, table) if table in tables else None


def split(entry: str, sources: Dict[str, Source]) -> tuple[tuple[str, str] | None, str]:
    """Return the table that an entry of `not_mapped` names (None = any), and the column or pattern in it."""
    parts = entry.split(".")
    for length in (2, 1):
        place = resolve(".".join(parts[:length]), sources) if len(parts) > length else None
        if place:
            return place, ".".join(parts[length:])
    return None, entry


def digest_of(*parts: object) -> str:
    """Return a digest of models, texts, lists and dicts; of a model also its class and version count."""
    return hashlib.sha256(json.dumps(parts, default=_plain).encode()).hexdigest()


def _plain(part: object) -> object:
    if isinstance(part, BaseModel):
        content = part.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return [type(part).__name__, getattr(part, "version", ""), content]
    if isinstance(part, set | frozenset):
        return sorted(part)
    raise TypeError(f"no digest of a {type(part).__name__}")
