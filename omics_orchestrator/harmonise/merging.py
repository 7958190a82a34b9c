"""The SQL that makes one row per key of the source rows. What becomes of a single cell is told in cells.py.

`repeated`: keys of several rows · `single`: the rows of all others, as they are · `several`: the rows of the repeated
keys · `gathered`: what these rows hold together · `agreed`: the value that they agree on, or that is picked ·
`merged`: one row per key.
"""

from __future__ import annotations

from collections.abc import Sequence

from omics_orchestrator.harmonise.steps import (
    BLANK,
    CONFLICTING,
    MISSING,
    OK,
    VALUE,
    Read,
    Shape,
    Step,
    beside,
    coded,
    column_of,
    selected,
)
from omics_orchestrator.verbs.base import identifier

UNKNOWN = coded(f"{MISSING}unknown")


def merge_steps(shape: Shape, read: Sequence[Read]) -> list[Step]:
    """Return the steps from the cells of rows to the cells of keys."""
    keys, usable = shape.key_list, f"WHERE r.{identifier('#key')} = '{OK}'"
    same = " AND ".join(f"r.{identifier(key)} = s.{identifier(key)}" for key in shape.keys)
    picked = [picked_row(one, keys) for one in read if one.repeats and one.repeats.chooses]
    single = [text for one in read for text in _alone(one)]
    gathered = [text for one in read for text in _gather(one)]
    agreed = [text for one in read for text in _agree(one)]
    merged = ['r."#rows"', *(text for one in read for text in _kept(one))]
    both = [selected([keys, *merged], source) for source in ("single", "agreed")]
    return [
        Step("repeated", selected([keys], "cells", f"\n{usable} GROUP BY {keys} HAVING count(*) > 1")),
        Step(
            "single",
            selected(
                [keys, 'CAST(1 AS BIGINT) AS "#rows"', *single],
                "cells",
                f"\nANTI JOIN repeated AS s ON {same} {usable}",
            ),
        ),
        Step("several", selected(["r.*", *picked], "cells", f"\nSEMI JOIN repeated AS s ON {same} {usable}")),
        Step("gathered", selected([keys, 'count(*) AS "#rows"', *gathered], "several", f"\nGROUP BY {keys}")),
        Step("agreed", selected([keys, 'r."#rows"', *agreed], "gathered")),
        Step("merged", "\nUNION ALL\n".join(both)),
    ]


def picked_row(one: Read, keys: str) -> str:
    """Return SQL: whether a row holds the value that is picked among the rows of its key."""
    extreme = one.repeats.extreme if one.repeats else "min"
    order = f"CASE WHEN {column_of(one.name)} IS NOT NULL THEN {column_of(one.name, 'order')} END"
    end = f"{extreme}({order}) OVER (PARTITION BY {keys})"
    return f"coalesce({order} = {end}, false) AS {beside(one.name, 'picked')}"


def _kept(one: Read) -> list[str]:
    kept = ["", "outcome"] + ["comparator"] * one.marked
    return [column_of(one.name, what) for what in kept]


def _alone(one: Read) -> list[str]:
    """Return the cells of a key that has one row."""
    if one.repeats and one.repeats.pick == "count":
        number = f"CASE WHEN {column_of(one.name)} IS NOT NULL THEN CAST(1 AS BIGINT) END"
        return [f"{number} AS {identifier(one.name)}", *_kept(one)[1:]]
    return _kept(one)


def _gather(one: Read) -> list[str]:
    """Return what the rows of a key hold together: their least and greatest value, loss and comparator, and counts."""
    name = one.name
    value, outcome = column_of(name), column_of(name, "outcome")
    if one.repeats and one.repeats.chooses:
        value = f"CASE WHEN {column_of(name, 'picked')} THEN {value} END"
    lost = f"FILTER ({outcome} >= {coded(CONFLICTING)})"
    found = [
        f"min({outcome}) {lost} AS {beside(name, 'lost')}",
        f"max({outcome}) {lost} AS {beside(name, 'lost most')}",
        f"count({column_of(name)}) AS {beside(name, 'values')}",
    ]
    if one.repeats and not one.repeats.chooses:
        return [f"{_computed(one)} AS {identifier(name)}", *found]
    found.append(f"min({value}) AS {identifier(name)}")
    found.append(f"max({value}) AS {beside(name, 'most')}")
    if one.repeats:
        found.append(f"count({value}) AS {beside(name, 'rows')}")
    if one.marked:
        mark = f"CASE WHEN {value} IS NOT NULL THEN coalesce({column_of(name, 'comparator')}, '') END"
        found += [f"min({mark}) AS {beside(name, 'comparator')}", f"max({mark}) AS {beside(name, 'mark')}"]
    return found


def _computed(one: Read) -> str:
    """Return SQL: the value that the rows of a key give together; a censored number gives no mean."""
    pick, value = one.repeats.pick if one.repeats else "", column_of(one.name)
    lost = f"count(*) FILTER ({column_of(one.name, 'outcome')} >= {coded(CONFLICTING)})"
    if pick == "count":
        return f"nullif(count({value}), 0)"
    if pick == "any":
        return f"CASE WHEN bool_or({value}) THEN true WHEN {lost} = 0 THEN bool_or({value}) END"
    exact = f"count({column_of(one.name, 'comparator')}) = 0" if one.marked else "true"
    return f"CASE WHEN {exact} THEN {'avg' if pick == 'mean' else 'median'}({value}) END"


def _agree(one: Read) -> list[str]:
    """Return the cells of a key of several rows; `rows`: values that made it, `left`: values that did not."""
    name = one.name
    value, lost, values = column_of(name), column_of(name, "lost"), column_of(name, "values")
    one_loss = f"{lost} = {column_of(name, 'lost most')}"
    none = f"CASE WHEN {lost} IS NULL THEN {coded(BLANK)} WHEN {one_loss} THEN {lost} ELSE {UNKNOWN} END"
    if one.repeats and not one.repeats.chooses:
        none = f"CASE WHEN {values} > 0 AND {lost} IS NULL THEN {UNKNOWN} ELSE {none} END"
        outcome = f"CASE WHEN {value} IS NOT NULL THEN {coded(VALUE)} ELSE {none} END"
        rows = f"CASE WHEN {value} IS NOT NULL THEN 1 ELSE 0 END"
        return [
            value,
            f"CAST({outcome} AS UTINYINT) AS {beside(name, 'outcome')}",
            *([f"CAST(NULL AS VARCHAR) AS {beside(name, 'comparator')}"] * one.marked),
            f"{rows} AS {beside(name, 'rows')}",
            f"{values} - {rows} AS {beside(name, 'left')}",
        ]
    rows = column_of(name, "rows") if one.repeats else values
    differs = f"{value} IS DISTINCT FROM {column_of(name, 'most')}"
    if one.marked:
        differs += f" OR {column_of(name, 'comparator')} IS DISTINCT FROM {column_of(name, 'mark')}"
    if one.torn:
        differs += f" OR coalesce({lost} = {coded(CONFLICTING)}, false)"
    kept = f"WHEN {value} IS NOT NULL THEN {coded(VALUE)} ELSE {none}"
    outcome = f"CASE WHEN {differs} THEN {coded(CONFLICTING)} {kept} END"
    found = [
        f"CASE WHEN NOT ({differs}) THEN {value} END AS {identifier(name)}",
        f"CAST({outcome} AS UTINYINT) AS {beside(name, 'outcome')}",
    ]
    if one.marked:
        mark = f"nullif({column_of(name, 'comparator')}, '')"
        found.append(f"CASE WHEN NOT ({differs}) THEN {mark} END AS {beside(name, 'comparator')}")
    return [*found, f"{rows} AS {beside(name, 'rows')}", f"{values} - {rows} AS {beside(name, 'left')}"]
