"""The SQL that reads every rule on every source row and tells what became of each cell. Merging rows: merging.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from omics_orchestrator.dictionary import MISSING_REASONS
from omics_orchestrator.harmonise.columns import cleaned
from omics_orchestrator.harmonise.steps import (
    BLANK,
    CONFLICTING,
    INVALID,
    MISSING,
    NOT_PICKED,
    UNMAPPED,
    VALUE,
    Read,
    Repeats,
    Step,
    beside,
    coded,
    column_of,
    selected,
)
from omics_orchestrator.verbs.base import NULL, identifier, literal

FLAWS = (CONFLICTING, INVALID, UNMAPPED)


def cell_steps(
    state: Sequence[str], carried: Collection[str], read: Sequence[Read], source: str = "keyed"
) -> list[Step]:
    """Clean the texts that rules read (`texts`), read every rule (`read`), tell each cell's outcome (`cells`).

    Args:
        state: SQL of what is kept of a row beside its cells.
        carried: the columns of `source` that are not cleaned yet.
        read: the variables.
        source: the step that gives the rows.
    """
    steps = []
    if texts := [f"{cleaned(f'r.{identifier(name)}')} AS {identifier(name)}" for name in sorted(carried)]:
        steps.append(Step("texts", selected([f"r.* REPLACE ({', '.join(texts)})"], source)))
        source = "texts"
    shared = [part for one in read for part in one.shared]
    for level in sorted({part.level for part in shared}):
        parts = [f"{part.sql} AS {identifier(part.name)}" for part in shared if part.level == level]
        steps.append(Step(f"shared_{level}", selected(["r.*", *parts], source)))
        source = f"shared_{level}"
    asked = [text for one in read for text in _read(one)]
    cells = [text for one in read for text in _cell(one)]
    steps.append(Step("read", selected([*state, *asked], source)))
    steps.append(Step("cells", selected([*state, *cells], "read")))
    return steps


def _read(one: Read) -> list[str]:
    cell = one.cell
    found = {"": cell.value, "reason": cell.reason, "answered": cell.answered}
    found |= {"comparator": cell.comparator} if one.marked else {}
    found |= {"flaw": cell.flaw} if cell.hides else {}
    found |= {"code": cell.code} if one.coded else {}
    found |= {"candidates": cell.candidates} if one.torn else {}
    found |= {"order": one.repeats.order} if one.repeats and one.repeats.order else {}
    return [
        f"{sql} AS {beside(one.name, what) if what else identifier(one.name)}" for what, sql in found.items()
    ]


def _cell(one: Read) -> list[str]:
    """Return value and outcome of a cell, and what else later steps ask of it."""
    name, cell = one.name, one.cell
    value, reason = column_of(name), column_of(name, "reason")
    usable, outcome = f"{reason} IS NULL", str(coded(VALUE))
    found = []
    if one.repeats and one.repeats.chooses:
        order = _order(one.repeats, name)
        found.append(f"{order} AS {beside(name, 'order')}")
        usable += f" AND {order} IS NOT NULL"
        outcome = f"CASE WHEN {order} IS NULL THEN {coded(NOT_PICKED)} ELSE {outcome} END"
    flaw = column_of(name, "flaw") if cell.hides else cell.flaw
    lost = str(coded(MISSING + cell.otherwise)) if cell.otherwise else _coded_flaw(flaw)
    whole = (
        f"CASE WHEN NOT ({column_of(name, 'answered')}) THEN {coded(BLANK)} "
        f"WHEN {reason} IS NOT NULL THEN {_coded_reason(reason)} "
        f"WHEN {value} IS NOT NULL THEN {outcome} ELSE {lost} END"
    )
    found.append(f"CASE WHEN {usable} THEN {value} END AS {identifier(name)}")
    found.append(f"CAST({whole} AS UTINYINT) AS {beside(name, 'outcome')}")
    if one.marked:
        mark = column_of(name, "comparator")
        found.append(
            f"CASE WHEN {usable} AND {value} IS NOT NULL THEN {mark} END AS {beside(name, 'comparator')}"
        )
    if cell.hides:
        found.append(f"CAST({_coded_flaw(flaw, NULL)} AS UTINYINT) AS {beside(name, 'flaw')}")
    if one.coded:
        alone = f"CASE WHEN {value} IS NULL AND {reason} IS NULL THEN {column_of(name, 'code')} END"
        found.append(f"{column_of(name, 'code') if cell.hides else alone} AS {beside(name, 'code')}")
    if one.torn:
        found.append(column_of(name, "candidates"))
    return found


def _order(repeats: Repeats, name: str) -> str:
    """Return SQL by which the rows of a key are ordered, NULL where a row cannot be picked."""
    if repeats.order:
        return column_of(name, "order")
    if repeats.codes and repeats.pick in {"worst", "best"}:
        return f"list_position([{', '.join(map(literal, repeats.codes))}], {column_of(name)})"
    return column_of(name)


def _coded_reason(reason: str) -> str:
    cases = " ".join(f"WHEN {literal(word)} THEN {coded(MISSING + word)}" for word in MISSING_REASONS)
    return f"CASE {reason} {cases} END"


def _coded_flaw(flaw: str, otherwise: str = str(coded(f"{MISSING}unknown"))) -> str:
    cases = " ".join(f"WHEN {literal(word)} THEN {coded(word)}" for word in FLAWS)
    return f"CASE {flaw} {cases} ELSE {otherwise} END"
