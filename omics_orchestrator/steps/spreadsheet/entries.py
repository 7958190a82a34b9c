"""The rules of a mapping.yaml with their place in its text, so that one is replaced and all else stays, comments too.

What a rule may be is decided in studies/reading.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from omics_orchestrator.dictionary import ENTITIES
from omics_orchestrator.studies.mapping import WORDS

MARK = "\ufeff"  # of byte order, at the beginning of some files


@dataclass(frozen=True)
class Entry:
    """One rule.

    Attributes:
        rule: its text, on one line.
        start: where it begins in the file's text.
        end: where it ends.
        line: of the variable's name, from 1.
        last: the rule's last line.
        whole: whether it can be replaced: it is no block, and no comment stands within it.
    """

    rule: str
    start: int
    end: int
    line: int
    last: int
    whole: bool


def read_entries(text: str) -> dict[tuple[str, str], Entry]:
    """Return (entity, variable) → its rule; nothing of a file that is not YAML."""
    body = text.removeprefix(MARK)  # whose place the parser does not count
    try:
        tree = yaml.compose(body, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}
    found: dict[tuple[str, str], Entry] = {}
    for entity, block in _pairs(tree):
        if entity.value not in ENTITIES:
            continue
        for name, rule in _pairs(block):
            if name.value not in WORDS:
                found[entity.value, name.value] = _entry(body, name, rule, len(text) - len(body))
    return found


def replaced(text: str, entry: Entry, rule: str) -> str | None:
    """Return the file with another rule, or None where that would change anything else (`a # b`, `a: b`, `[`)."""
    new = text[: entry.start] + rule + text[entry.end :]
    try:
        before = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - texts only, no object is made
        after = yaml.load(new, Loader=yaml.CBaseLoader)  # noqa: S506 - as above
        meant = yaml.load(rule, Loader=yaml.CBaseLoader)  # noqa: S506 - as above
    except yaml.YAMLError:
        return None
    places = [
        place for place, one in read_entries(new).items() if (one.start, one.rule) == (entry.start, rule)
    ]
    if "\n" in rule or not meant or len(places) != 1:
        return None
    entity, name = places[0]
    before[entity][name] = meant
    return new if before == after else None


def _pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode):
            yield key, value


def _entry(text: str, name: yaml.Node, rule: yaml.Node, before: int) -> Entry:
    start, end = rule.start_mark.index, rule.end_mark.index
    raw = text[start:end]
    style = _style(rule)
    block = style in {"|", ">"} if isinstance(rule, yaml.ScalarNode) else not style
    lone = "\n" not in raw
    last = rule.end_mark.line + (0 if block and not rule.end_mark.column else 1)
    shown = raw if lone and not block else _on_one_line(text, rule)
    whole = not block and (lone or "#" not in raw)
    return Entry(shown, start + before, end + before, name.start_mark.line + 1, last, whole)


def _on_one_line(text: str, node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "[" + ", ".join(_on_one_line(text, one) for one in node.value) + "]"
    if isinstance(node, yaml.MappingNode):
        pairs = (f"{_on_one_line(text, key)}: {_on_one_line(text, value)}" for key, value in node.value)
        return "{" + ", ".join(pairs) + "}"
    raw = text[node.start_mark.index : node.end_mark.index]
    style = _style(node)
    plain = not style and not any(sign in raw for sign in ",[]{}\n")
    quoted = style in {"'", '"'} and "\n" not in raw
    return raw if plain or quoted else json.dumps(node.value, ensure_ascii=False)


def _style(node: yaml.Node) -> str | bool | None:
    """Return the sign around a text (none: it is plain), or whether a list or block stands in brackets."""
    if isinstance(node, yaml.ScalarNode):
        return node.style
    return node.flow_style if isinstance(node, yaml.CollectionNode) else None
