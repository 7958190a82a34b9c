"""Which rules wait for a reference date: those that name it, and those that need one of them.

They are computed when a dataset that gives the date is published (harmonise/dated.py). Until then such a variable is
missing, reason `pending`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from omics_orchestrator.studies.mapping import Mapping
from omics_orchestrator.verbs import Verb

REFERENCE_DATE = "reference_date"
PARTICIPANT = "participant."
QUOTED = re.compile(r"'(?:[^']|'')*'")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
OF_COLUMN = re.compile(r"\b(?:number|code|date|text)\s*\(\s*\"?([A-Za-z_][^()\",]*?)\"?\s*\)", re.IGNORECASE)


def words_in(expression: str) -> set[str]:
    """Return the words of an expression outside its texts: every name in it, without loading an SQL parser.

    >>> sorted(words_in("date_diff('day', participant.date_of_birth, reference_date)"))
    ['date_diff', 'participant.date_of_birth', 'reference_date']
    """
    return set(WORD.findall(QUOTED.sub("''", expression)))


def dated_rules(mapping: Mapping, entity: str) -> dict[str, Verb]:
    """Return the rules of an entity that need the reference date, directly or through another variable."""
    block = mapping.entities.get(entity)  # type: ignore[call-overload]
    if block is None:
        return {}
    needed = {REFERENCE_DATE}
    if entity != "participant":
        needed |= {f"{PARTICIPANT}{name}" for name in dated_rules(mapping, "participant")}
    words = {name: needs(rule, entity) for name, rule in block.rules.items() if rule.reads_variables}
    found: set[str] = set()
    while more := {name for name, said in words.items() if name not in found and said & needed}:
        found |= more
        needed |= more
    return {name: rule for name, rule in block.rules.items() if name in found}


def needs(rule: Verb, entity: str) -> set[str]:
    """Return the names in a rule's expressions; in the participant's own block the prefix says nothing."""
    found = {word for text in rule.expressions() for word in words_in(text)}
    return {word.removeprefix(PARTICIPANT) for word in found} if entity == "participant" else found


def reading_columns(mapping: Mapping, entity: str) -> Iterator[tuple[str, str]]:
    """Yield (variable, column) of dated rules that read a source column, which only harmonising can."""
    block = mapping.entities.get(entity)  # type: ignore[call-overload]
    for name, rule in dated_rules(mapping, entity).items():
        for text in rule.expressions():
            for column in OF_COLUMN.findall(QUOTED.sub("''", text)):
                known = block and column in {*block.rules, *mapping.none}
                if not known and not column.startswith(PARTICIPANT):
                    yield name, column
