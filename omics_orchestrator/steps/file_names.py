"""What the registry writes for the files of a study, and whose they are by the study's own tables.

A pseudonymised study's object keys become keyed hashes, and names inside files bear pseudonyms; what stood there
lies in the schema `identifiers` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omics_orchestrator.registry.names import REPLACED, Names
from omics_orchestrator.registry.register import Circumstances
from omics_orchestrator.steps.pseudonymise import WORD, Pseudonyms, telling
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.private import read_crosswalk, remember_objects
from omics_orchestrator.storage.tables import read_table, table_state
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import objects_of, participants_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = re.compile(r"(\.[A-Za-z][A-Za-z0-9]{0,9}){1,3}$")  # .fastq.gz, .vcf.gz.tbi: what a hashed key keeps
LONGEST_ID = 6  # words of an id: GID-136-007 has three


class PseudonymousNames(Names):
    """Keys as keyed hashes, names inside files with pseudonyms in the place of participant ids."""

    def __init__(self, workspace: Workspace, study: Study) -> None:
        self._database = workspace.database
        self._table = objects_of(study.study)[1]
        self._participants = participants_of(study.study)[1]
        self.made = Pseudonyms(study, workspace.settings)
        self.prefix = f"{REPLACED}{self.made.digest('prefix')[:6]}:"
        self._new: dict[str, str] = {}

    def key(self, key: str) -> str:
        """Return a keyed hash that ends like the key's name does."""
        ending = SUFFIX.search(key.rpartition("/")[2])
        written = f"{self.prefix}{self.made.digest(key)[:32]}{ending[0] if ending else ''}"
        self._new[written] = key
        return written

    def keys(self, keys: Sequence[str]) -> Sequence[str]:
        """Return what is written for many keys."""
        return [self.key(key) for key in keys]

    def name(self, name: str) -> str:
        """Return a name with every id in it replaced: of known participants, and what else reads like one."""
        written = self.spoken(name)
        for part in _parts(written):
            if self.made.reads(part) and part not in self._pseudonyms:
                written = _replaced(written, part, self.made.of(part))
        if written != name:
            self._new[written] = name
        return written

    def spoken(self, name: str) -> str:
        """Return a name as extraction writes it into the study's tables: known ids in it are replaced."""
        return self.made.of(name) if self.made.reads(name) else self._within(name)

    def within(self, facts: Any) -> Any:
        """Return facts with the names in their texts replaced, at any depth."""
        if isinstance(facts, str):
            return self.name(facts)
        if isinstance(facts, dict):
            return {self.name(str(name)): self.within(value) for name, value in facts.items()}
        if isinstance(facts, list | tuple):
            return [self.within(value) for value in facts]
        return facts

    def original(self, written: str) -> str:
        """Return the key or name behind what is written."""
        return self._new.get(written) or self._known.get(written) or written

    def remember(self) -> None:
        """Keep the originals in the schema of identifiers."""
        new = {written: text for written, text in self._new.items() if self._known.get(written) != text}
        if new:
            remember_objects(self._database, self._table, new)
            self._known.update(new)

    @cached_property
    def _known(self) -> dict[str, str]:
        return read_crosswalk(self._database, self._table)

    @cached_property
    def _ids(self) -> dict[str, str]:
        """House spelling of every participant id seen so far → its pseudonym."""
        return {
            spelled: self.made.of(spelled) for spelled in read_crosswalk(self._database, self._participants)
        }

    @cached_property
    def _pseudonyms(self) -> frozenset[str]:
        return frozenset(self._ids.values())

    def _within(self, text: str) -> str:
        """Return a text with the known ids that stand in it as words replaced, longest first."""
        for part in _parts(text):
            if telling(part) and (pseudonym := self._ids.get(self.made.spelled(part) or "")):
                return self._within(_replaced(text, part, pseudonym))
        return text


def _replaced(text: str, part: str, by: str) -> str:
    return re.sub(rf"(?<![{WORD}]){re.escape(part)}(?![{WORD}])", by, text)


def _parts(text: str) -> Iterator[str]:
    """Yield every run of words of a text, longest first."""
    words = list(re.finditer(rf"[{WORD}]+", text))
    for length in range(min(len(words), LONGEST_ID), 0, -1):
        for start in range(len(words) - length + 1):
            yield text[words[start].start() : words[start + length - 1].end()]


def names_of(workspace: Workspace, study: Study) -> Names:
    """Return what the registry writes for a study's keys and names."""
    return PseudonymousNames(workspace, study) if study.pseudonymise else Names()


def sample_name(names: Names) -> Callable[[str], str] | None:
    """Return what turns a sample's name in files into the one of the study's tables; None = it is the same."""
    return names.spoken if isinstance(names, PseudonymousNames) else None


def circumstances(workspace: Workspace, study: Study, assay: str) -> Circumstances:
    """Return all that decides whose the files of an assay are."""
    names = names_of(workspace, study)
    read = study.participant_id.read
    if isinstance(names, PseudonymousNames):
        read = names.made.of_participant
    return Circumstances(
        samples=known_samples(workspace, study),
        participants=known_participants(workspace, study),
        participant_id=read,
        sample_name=sample_name(names),
        settled=study.settled.get(assay, {}),
        names=names,
    )


def known_samples(workspace: Workspace, study: Study) -> pa.Table | None:
    """Return the harmonised samples (participant_id, sample_id) of `study`, or None before there are any."""
    return _known(workspace, study, "sample", ["participant_id", "sample_id"])


def known_participants(workspace: Workspace, study: Study) -> pa.Table | None:
    """Return the harmonised participants of `study`, or None before there are any."""
    return _known(workspace, study, "participant", ["participant_id"])


def _known(workspace: Workspace, study: Study, entity: str, columns: list[str]) -> pa.Table | None:
    place = table_of(("harmonised", study.study, entity))
    if table_state(workspace.database, *place) is None:
        return None
    return read_table(workspace.database, *place, columns=columns)
