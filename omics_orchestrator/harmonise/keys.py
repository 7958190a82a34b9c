"""How the key columns of a source become participant_id, visit_id, sample_id … in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

from omics_orchestrator.harmonise.columns import REDCAP_KEY
from omics_orchestrator.studies import IdGrammar
from omics_orchestrator.verbs.base import identifier, literal

MOST_GROUPS = 9  # DuckDB's regexp_extract knows the groups 0 to 9


def groups(grammar: IdGrammar) -> tuple[str, ...]:
    """Return the named groups of the id grammar that can be read."""
    found = re.compile(grammar.pattern).groupindex
    return tuple(name for name, index in found.items() if index <= MOST_GROUPS)


def group(grammar: IdGrammar, text: str, name: str) -> str:
    """Return SQL: what a named group of the grammar matched, '' where it matched nothing."""
    index = re.compile(grammar.pattern).groupindex[name]
    return f"regexp_extract({text}, {literal(f'^(?:{grammar.pattern})$')}, {index})"


def participant(grammar: IdGrammar, text: str) -> str:
    """Return SQL: the id in the house's spelling, NULL where the text is no id of the study.

    Args:
        grammar: the study's id grammar.
        text: SQL of the id as the source writes it, aliases already replaced.
    """
    spelled = text
    if grammar.written is not None:
        parts = []
        for fixed, name, _, _ in Formatter().parse(grammar.written):
            parts += [literal(fixed)] if fixed else []
            parts += [group(grammar, text, name)] if name else []
        spelled = " || ".join(parts)
    return f"CASE WHEN regexp_full_match({text}, {literal(grammar.pattern)}) THEN {spelled} END"


def second(key: Sequence[str], columns: Sequence[str], *, redcap: bool) -> str:
    """Return SQL: the second key of an entity, NULL where a part of it is blank.

    REDCap's own key columns give `<event, or instrument in a classic project>#<instance>`; all others are
    joined by `-` as they are written.

    Args:
        key: the names of the key columns after the participant id.
        columns: the SQL of their texts.
        redcap: whether the table has REDCap's own key columns.
    """
    given = dict(zip(key, columns, strict=True))
    parts = [column for name, column in given.items() if not redcap or name not in REDCAP_KEY]
    if len(parts) < len(given):
        parts.insert(0, _redcap(given))
    return " || '-' || ".join(parts)


def _redcap(given: dict[str, str]) -> str:
    event = given.get("event_name")
    instrument = f"r.{identifier('#instrument')}"
    base = f"coalesce({event}, {instrument})" if event else instrument
    instances = [given[name] for name in ("event_instance", "form_instance") if name in given]
    marks = [f"CASE WHEN {column} <> '0' THEN '#' || {column} ELSE '' END" for column in instances]
    return " || ".join([base, *marks])
