"""How two declarations of a dataset differ, in words: variables that came, went or say something else, and rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import commonprefix
from typing import Any

from omics_orchestrator.storage.changes import Declared

Column = Mapping[str, Any]
SHORT = 100  # characters of a rule that are shown whole
AROUND = 30  # characters on either side of what changed in a longer one
WORDS = {"type": "type", "unit": "unit", "label": "label"}


def variables_in(declared: Declared) -> int:
    """Return how many variables a dataset shows (keys and columns beside inexact values are none)."""
    return sum("variable" in one for one in declared["columns"].values())


def declared_changes(before: Declared, now: Declared) -> Iterator[str]:
    """Yield what changed between two declarations, a line each, in Markdown."""
    was = {one["is"]: (name, one) for name, one in before["columns"].items()}
    of_now = {one["is"]: (name, one) for name, one in now["columns"].items()}
    yield from _names("Variables added", [of_now[one] for one in of_now if one not in was])
    yield from _names("Variables removed", [was[one] for one in was if one not in of_now])
    both = [(*was[one], *of_now[one]) for one in of_now if one in was]
    renamed = [f"`{old}` is now `{new}`" for old, _, new, _ in both if old != new]
    if renamed:
        yield f"Renamed: {', '.join(renamed)}."
    for _, old, name, new in both:
        if told := "; ".join(_fields(old, new)):
            yield f"`{name}`: {told}."
    for _, old, name, new in both:
        if old.get("rule") != new.get("rule"):
            yield f"Rule of `{name}`: {_from_to(old.get('rule', ''), new.get('rule', ''))}."
    yield from _rows(before, now)


def _names(what: str, columns: list[tuple[str, Column]]) -> Iterator[str]:
    told = [f"`{name}`" + (f" ({one['label']})" if one.get("label") else "") for name, one in columns]
    if told:
        yield f"{what}: {', '.join(told)}."


def _fields(old: Column, new: Column) -> Iterator[str]:
    """Yield what the dictionary, or the dataset, says otherwise of a column."""
    for field, word in WORDS.items():
        if old.get(field, "") != new.get(field, ""):
            yield f"{word} {old.get(field) or 'none'} → {new.get(field) or 'none'}"
    before, now = old.get("codes", []), new.get("codes", [])
    for word, codes in (
        ("new", [code for code in now if code not in before]),
        ("gone", [code for code in before if code not in now]),
    ):
        if codes:
            yield f"codes {word}: {', '.join(codes)}"
    if before != now and {*before} == {*now}:
        yield f"order of codes: {', '.join(now)}"


def _from_to(old: str, new: str) -> str:
    """Return `old → new`; of long texts the part that differs, with a little around it."""
    if not old or not new:
        return f"`{old or 'none'}` → `{new or 'none'}`"
    start = len(commonprefix([old, new]))
    end = min(len(commonprefix([old[::-1], new[::-1]])), len(old) - start, len(new) - start)
    before, after = max(start - AROUND, 0), max(end - AROUND, 0)
    if max(len(old), len(new)) <= SHORT:
        before = after = 0
    shown = (
        ("… " if before else "") + text[before : len(text) - after] + (" …" if after else "")
        for text in (old, new)
    )
    return " → ".join(f"`{one}`" for one in shown)


def _rows(before: Declared, now: Declared) -> Iterator[str]:
    """Yield what changed in how rows are made, and the date up to which time counts."""
    old, new = before["rows"], now["rows"]
    for entity in dict.fromkeys([*old, *new]):
        if old.get(entity) != new.get(entity):
            yield f"Rows of {entity} are made otherwise: {_from_to(old.get(entity, ''), new.get(entity, ''))}."
    if before["reference_date"] != now["reference_date"]:
        yield f"Reference date: {before['reference_date'] or 'none'} → {now['reference_date'] or 'none'}."
