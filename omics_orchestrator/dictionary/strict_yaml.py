"""Strict reading of YAML: the tree as written, and the line of everything in it.

Keys and values stay text (`yes`, `no`, `08` are words; models turn text into numbers); a key given twice,
anchors, aliases and tags are refused. Built on the events of PyYAML's C parser: its nodes lose the anchors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from omics_orchestrator.dictionary.problems import Problems, read_text

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"
Place: TypeAlias = tuple[str | int, ...]

DEEPEST = (
    50  # blocks and lists within each other: no declaration needs ten, and each costs a level of our stack
)
WORDS = {
    "found character that cannot start any token": "a character that cannot start a value",
    "mapping values are not allowed in this context": "a colon where no key is expected",
    "did not find expected key": "wrong indentation, or a bracket or quote that is not closed",
    "found unexpected end of stream": "a quote is not closed",
    "did not find expected ',' or ']'": "a list is not closed",
    "did not find expected ',' or '}'": "a pair of braces is not closed",
    "but found another document": "a second document begins",
}


@dataclass
class Document:
    """One file: its tree (None = unreadable or empty) and the line on which each key and list item stands."""

    file: Path
    problems: Problems
    tree: Tree = None
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """Return the line of `place`, or of the nearest place above it that exists."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def complain(self, place: Place, message: str, allowed: str = "") -> None:
        """Note a mistake at a place of this file."""
        self.problems.add(self.file, self.line(place), dotted(place), message, allowed)

    def section(self, *place: str) -> dict[str, Tree]:
        """Return the block at `place` (without one: the file), empty where there is none or another thing."""
        tree = self.tree
        for part in place:
            tree = tree.get(part, {}) if isinstance(tree, dict) else {}
        if isinstance(tree, dict):
            return tree
        if place or tree is not None:
            self.complain(place, "must be a block of `key: value`")
        return {}


def read_yaml(file: Path, problems: Problems) -> Document:
    """Read one YAML file strictly; mistakes are added to `problems`."""
    document = Document(file, problems)
    text = read_text(file, problems)
    if text is None:
        return document
    tab = next((n for n, line in enumerate(text.split("\n"), 1) if "\t" in line[: _indent(line)]), None)
    if tab:
        problems.add(file, tab, "", "a tab in the indentation", "indent with spaces")
        return document
    try:
        document.tree = _Builder(document).build(text)
    except TooDeepError as error:
        allowed = f"at most {DEEPEST} blocks and lists within each other"
        problems.add(file, error.line, "", "nested too deeply", allowed)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = WORDS.get(error.problem or "", error.problem or "not YAML")
        began = f"it began on line {error.context_mark.line + 1}" if error.context_mark else ""
        problems.add(file, mark.line + 1 if mark else 1, "", words, began)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(file, line, "", "a control character", "remove it")
    else:
        if document.tree is None:
            problems.add(file, 1, "", "the file is empty")
    return document


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


class TooDeepError(Exception):
    """The tree is deeper than any declaration; it is not read further."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Builder:
    """Turns the parser's events into the tree of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.events: Iterator[yaml.Event] = iter(())

    def build(self, text: str) -> Tree:
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        tree: Tree = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.refuse(event, (), "a second document begins", "one file holds one document")
            elif isinstance(event, yaml.NodeEvent):
                value = self.value(event, ())
                tree = value if documents == 1 else tree
        return tree

    def value(self, event: yaml.Event, place: Place) -> Tree:
        self.plain(event, place)
        if len(place) > DEEPEST:
            raise TooDeepError(_line(event))
        if isinstance(event, yaml.ScalarEvent):
            return None if not event.value and not event.style else str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(place)
        if isinstance(event, yaml.MappingStartEvent):
            return self.pairs(place)
        return "*"  # an alias, refused above

    def plain(self, event: yaml.Event, place: Place) -> None:
        """Refuse what YAML can do and a declaration must not."""
        if isinstance(event, yaml.AliasEvent):
            self.refuse(
                event, place, f"the alias *{event.anchor}", "write the value out, or name a map under `maps:`"
            )
        elif anchor := getattr(event, "anchor", None):
            self.refuse(event, place, f"the anchor &{anchor}", "write the value where it is needed")
        elif tag := getattr(event, "tag", None):
            self.refuse(event, place, f"the tag {tag}", "leave it out: every value is read as text")

    def sequence(self, place: Place) -> list[Tree]:
        items: list[Tree] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            here = (*place, len(items))
            self.document.lines[here] = _line(event)
            items.append(self.value(event, here))
        return items

    def pairs(self, place: Place) -> dict[str, Tree]:
        pairs: dict[str, Tree] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.value(event, place)
            if not isinstance(key, str):
                self.refuse(event, place, "a key must be one word", "only values may be lists or blocks")
                self.value(next(self.events), place)
                continue
            here = (*place, key)
            if key in pairs:
                first = self.document.lines[here]
                self.refuse(event, here, "the key is given twice", f"it was given first on line {first}")
            self.document.lines.setdefault(here, _line(event))
            pairs[key] = self.value(next(self.events), here)
        return pairs

    def refuse(self, event: yaml.Event, place: Place, message: str, allowed: str) -> None:
        document = self.document
        document.problems.add(document.file, _line(event), dotted(place), message, allowed)


def dotted(place: Place) -> str:
    """Return the place as it is shown: `visit.crp.map`, list items as `key[2]` counted from 1."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text
