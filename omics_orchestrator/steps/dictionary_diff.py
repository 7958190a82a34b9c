"""What changed in the data dictionary since a git commit, and which assets that touches.

Entries are compared as they are read, not as they are typed: a comment or a moved line is no change. Which assets are
touched is asked of studies/versions.py, which also decides what is stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import BaseModel

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.dictionary.drugs import as_written
from omics_orchestrator.errors import DeclarationError, OmicsError
from omics_orchestrator.steps.history import files_at
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Catalogue, Study, load_studies, versions

Kind = Literal["added", "removed", "changed"]
SHORT = 4  # lists up to this length are shown whole, of longer ones what came and went
LEFT_OUT = ("mapping", "entities", "rules")  # levels of the model that people do not write
FILLED_IN = ("where_reads", "definition")  # what the reader adds: told where it is declared
ORDERED = ("",)  # the place of entries of which the order counts: the last code of a list is the worst


class UnreadableHistory(OmicsError):
    """The dictionary of an earlier commit is written for another version of the program, or was wrong."""


@dataclass(frozen=True)
class Detail:
    """One field of a changed entry; None = not there."""

    path: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Change:
    """One entry that came, went or says something else: a variable, a code list, a unit, a study."""

    section: str
    name: str
    kind: Kind
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class Difference:
    """From an earlier dictionary to the one of now.

    Attributes:
        commit: the commit that was compared with.
        before: version of the dictionary there.
        now: version of the dictionary now.
        changes: every entry that differs, by section.
        touched: asset key → whether it is new, gone, or must run again.
        unread: study → why it could not be compared.
    """

    commit: str
    before: str
    now: str
    changes: tuple[Change, ...]
    touched: Mapping[str, Kind]
    unread: Mapping[str, str]


def dictionary_diff(workspace: Workspace, ref: str) -> Difference:
    """Compare the dictionary with its state at a git commit.

    Raises:
        NotConfigured: no git, or no git working copy.
        UnknownKey: no such commit.
        UnreadableHistory: the dictionary of then cannot be read.
    """
    folder = workspace.settings.dictionary
    dictionary, catalogue = workspace.dictionary, workspace.catalogue
    with TemporaryDirectory(prefix="omics_dictionary_") as temporary:
        place = Path(temporary).resolve()
        commit = files_at(folder, ref, place)
        old_dictionary = _read_old(place, ref)
        old_catalogue = load_studies(place, old_dictionary)
        old_drugs = as_written(place)
    unread = dict.fromkeys(old_catalogue.broken, f"broken at {ref}")
    unread |= dict.fromkeys(catalogue.broken, "broken now")
    before = _Side(old_dictionary, old_catalogue, old_drugs)
    after = _Side(dictionary, catalogue, as_written(folder))
    return Difference(
        commit=commit,
        before=old_dictionary.digest_of_all,
        now=dictionary.digest_of_all,
        changes=tuple(_changes(before, after, unread)),
        touched=_touched(before, after, unread),
        unread=unread,
    )


@dataclass(frozen=True)
class _Side:
    dictionary: Dictionary
    catalogue: Catalogue
    drugs: Mapping[str, Mapping[str, Mapping[str, str]]]
    """Section → class or ingredient → its cells."""

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return section → entry → what it says, as plain trees."""
        found = {}
        for one in fields(self.dictionary):
            entries = _tree(getattr(self.dictionary, one.name))
            found[one.name] = entries if isinstance(entries, dict) else {"": entries}
        found |= {section: _tree(rows) for section, rows in self.drugs.items()}
        return found | {"studies": {name: _study(study) for name, study in self.catalogue.studies.items()}}


def _read_old(place: Path, ref: str) -> Dictionary:
    try:
        return load_dictionary(place)
    except DeclarationError as error:
        listed = [
            f"  {ref}:{one.file.relative_to(place)}:{one.line}: {one.message}" for one in error.problems
        ]
        more = [f"  … and {len(listed) - SHORT} more"] if len(listed) > SHORT else []
        told = "\n".join([*listed[:SHORT], *more])
        raise UnreadableHistory(f"this program cannot read the data dictionary of {ref}:\n{told}") from None


def _changes(before: _Side, after: _Side, unread: Mapping[str, str]) -> Iterator[Change]:
    old_sections, new_sections = before.sections(), after.sections()
    for section, new in new_sections.items():
        old = old_sections[section]
        for name in sorted({*old, *new}):
            if section == "studies" and name in unread:
                continue
            if name not in old or name not in new:
                yield Change(section, name, "added" if name in new else "removed")
            elif details := tuple(_details(old[name], new[name], ORDERED if section == "code_lists" else ())):
                yield Change(section, name, "changed", details)


def _touched(before: _Side, after: _Side, unread: Mapping[str, str]) -> dict[str, Kind]:
    old = versions.of_all(before.catalogue, before.dictionary)
    new = versions.of_all(after.catalogue, after.dictionary)
    found: dict[str, Kind] = {}
    for key in sorted({*old, *new}):
        layer, name = key.split("/")[:2]
        if layer != "warehouse" and name in unread:
            continue
        if key not in old or key not in new:
            found[key] = "added" if key in new else "removed"
        elif old[key] != new[key]:
            found[key] = "changed"
    return found


def _study(study: Study) -> Any:
    """Return a study as a tree, without the old spellings of participant ids."""
    tree = _tree(study)
    tree.pop("folder")
    if aliases := tree["participant_id"].get("aliases"):  # ids of participants: told are number and digest
        digest = hashlib.sha256(repr(sorted(aliases.items())).encode()).hexdigest()
        tree["participant_id"]["aliases"] = f"{len(aliases)} old spellings ({digest[:6]})"
    return tree


def _tree(value: Any) -> Any:
    """Return models, records and mappings as plain dicts with text for keys."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if is_dataclass(value):
        return {one.name: _tree(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {
            " → ".join(key) if isinstance(key, tuple) else str(key): _tree(one) for key, one in value.items()
        }
    return value


def _details(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Detail]:
    """Yield every field in which two trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            if name not in FILLED_IN:
                yield from _entry(old, new, name, path)
        in_rule = "rules" in path[:-1]
        if (in_rule or path == ORDERED) and list(old) != list(new) and old.keys() == new.keys():
            yield Detail(_shown((*path, "(order)")), ", ".join(old), ", ".join(new))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif old != new:
        yield Detail(_shown(path), _text(old), _text(new))


def _entry(old: dict[str, Any], new: dict[str, Any], name: str, path: tuple[str, ...]) -> Iterator[Detail]:
    place = (*path, name)
    if name in old and name in new:
        yield from _details(old[name], new[name], place)
    elif name in old:
        yield Detail(_shown(place), _text(old[name]), None)
    else:
        yield Detail(_shown(place), None, _text(new[name]))


def _lists(old: list[Any], new: list[Any], path: tuple[str, ...]) -> Iterator[Detail]:
    """Yield what came and went in long lists of words, item by item in lists of rules, else the lists as they are."""
    if any(isinstance(one, dict) for one in (*old, *new)):
        pairs = {str(number): one for number, one in enumerate(old, 1)}
        yield from _details(pairs, {str(number): one for number, one in enumerate(new, 1)}, path)
        return
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    if max(len(old), len(new)) <= SHORT or not (gone or come):
        if old != new:
            yield Detail(_shown(path), _text(old), _text(new))
        return
    yield from (Detail(_shown(path), _text(one), None) for one in gone)
    yield from (Detail(_shown(path), None, _text(one)) for one in come)


def _shown(path: tuple[str, ...]) -> str:
    """Return the path in the words of the files."""
    return ".".join(part for part in path if part and part not in LEFT_OUT)


def _text(value: Any) -> str:
    """Return a value as one would write it in YAML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)
