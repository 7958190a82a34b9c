"""The sheet `mappings`: every rule of every study on one line; a changed one is put into its mapping.yaml.

Rules are added and taken out in mapping.yaml only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.spreadsheet.complaints import Complaint, Told
from omics_orchestrator.steps.spreadsheet.entries import Entry, read_entries, replaced
from omics_orchestrator.steps.spreadsheet.reading import Rows
from omics_orchestrator.steps.spreadsheet.records import Record, Records
from omics_orchestrator.steps.spreadsheet.seen import Seen
from omics_orchestrator.steps.spreadsheet.sheets import MAPPINGS, SHOWN, named

LISTED = 6  # rules of a list in a note

Key = tuple[str, ...]  # study, entity, variable
Entries = dict[Key, Entry]


def mapping_texts(folder: Path) -> dict[str, str]:
    """Return study → the text of its mapping.yaml, of those that can be read."""
    found = {}
    for file in sorted((folder / "studies").glob("*/mapping.yaml")):
        try:
            found[file.parent.name] = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError):  # omics check tells why
            continue
    return found


def all_entries(texts: Mapping[str, str]) -> Entries:
    """Return every rule of every study."""
    return {
        (study, *place): entry for study, text in texts.items() for place, entry in read_entries(text).items()
    }


def records_of(entries: Entries) -> Records:
    """Return the rules as the rows of the sheet."""
    rows = {
        key: Record(dict(zip(MAPPINGS.header, (*key, entry.rule), strict=True)), "", entry.line)
        for key, entry in entries.items()
    }
    return Records("", rows, "\n")


def shown(entries: Entries, dictionary: Dictionary, seen: Seen) -> dict[str, list[str]]:
    """Return the columns beside the rules that help to read them."""
    labels = {name: variable.label for name, variable in dictionary.variables.items()}
    return {
        f"{SHOWN}line": [f"{key[0]}/mapping.yaml:{one.line}" for key, one in entries.items()],
        f"{SHOWN}editable here": ["yes" if one.whole else "no" for one in entries.values()],
        f"{SHOWN}label": [labels.get(key[2], "") for key in entries],
        f"{SHOWN}codes in the data": [seen.get((key[0], key[1], key[2]), "") for key in entries],
    }


@dataclass
class Ruled:
    """What becomes of the mappings: study → new text, and which row changed which lines of it."""

    texts: dict[str, str] = field(default_factory=dict)
    rows: Rows = field(default_factory=Rows)
    changed: set[Key] = field(default_factory=set)

    def complaint(self, study: str, line: int, message: str, allowed: str) -> Complaint | None:
        """Return the complaint about a line of a study's new mapping.yaml, where a row changed that line."""
        for place, entry in read_entries(self.texts.get(study, "")).items():
            key = (study, *place)
            if key in self.changed and entry.line <= line <= entry.last:
                row = self.rows.places[key]
                cell = f"{self.rows.columns['rule']}{row}"
                return Complaint(MAPPINGS.name, row, cell, f"{named(key)}: {message}", allowed)
        return None


def rule(base: Entries, texts: Mapping[str, str], rows: Rows, told: Told) -> Ruled:
    """Return the mappings with the changed rules in them; what cannot be taken over is a complaint."""
    here = all_entries(texts)
    found = Ruled(rows=rows)
    for key, cells in rows.cells.items():
        new = cells["rule"]
        if key in base and new == base[key].rule:
            continue
        message, allowed = _refusal(key, new, base.get(key), here.get(key))
        if not message and new != here[key].rule:
            text = found.texts.get(key[0], texts[key[0]])
            now = read_entries(text)[key[1], key[2]]  # rules replaced before this one moved it
            after = replaced(text, now, new)
            if after is None:
                message, allowed = "this is no rule on one line of YAML", f"as it was: {base[key].rule}"
            else:
                found.texts[key[0]] = after
                found.changed.add(key)
        place = f"{rows.columns['rule']}{rows.places[key]}"
        if message:
            complaint = Complaint(MAPPINGS.name, rows.places[key], place, f"{named(key)}: {message}", allowed)
            told.complaints.append(complaint)
        elif key in found.changed:
            told.changes.append(f"{MAPPINGS.name}!{place}  {named(key)}: {here[key].rule} → {new}")
    if rows.whole and (lost := base.keys() - rows.cells.keys()):
        says = f"{counted(len(lost), 'row is', 'rows are')} not there; the rules stay"
        names = ", ".join(named(key) for key in sorted(lost)[:LISTED]) + (" …" if len(lost) > LISTED else "")
        told.notes.append(f"{MAPPINGS.name}: {says}, they are taken out in mapping.yaml: {names}")
    return found


def _refusal(key: Key, new: str, base: Entry | None, here: Entry | None) -> tuple[str, str]:
    """Return why a changed rule cannot be taken over, and what would be right; empty where it can."""
    if base is None:
        return (
            "this was no rule when the workbook was written",
            f"write a new rule into studies/{key[0]}/mapping.yaml yourself: import only changes rules",
        )
    if here is None:
        return f"the rule is gone from studies/{key[0]}/mapping.yaml here", "export again"
    if not new:
        return "the rule is empty", "a rule is taken out in mapping.yaml"
    if here.rule not in (base.rule, new):
        file = f"studies/{key[0]}/mapping.yaml"
        sides = f"was {base.rule!r}, is {new!r} in the workbook, {here.rule!r} in {file} here"
        return f"the rule {sides}", "keep one of them: take over the rule from there, or export again"
    if not here.whole and here.rule != new:
        where = f"studies/{key[0]}/mapping.yaml:{here.line}"
        return (
            f"the rule stands on several lines, in {where}",
            "change it there, so that layout and comments stay",
        )
    return "", ""
