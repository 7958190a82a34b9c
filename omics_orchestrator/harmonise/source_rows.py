"""The SQL that gives an entity its source rows: stacked, joined, filtered, with a key. Cells are read in steps.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omics_orchestrator.harmonise import keys
from omics_orchestrator.harmonise.columns import GROUP, REDCAP_KEY, cleaned, distinct_names
from omics_orchestrator.harmonise.steps import NO_KEY, OK, ROW, UNREADABLE, Pairs, Shape, Step
from omics_orchestrator.studies import IdGrammar
from omics_orchestrator.verbs.base import identifier, literal


def row_steps(shape: Shape, joins: Mapping[str, Pairs], where: str) -> list[Step]:
    """Stack the block's own tables, join the others (never multiplying a row), keep what `where` says."""
    stacked = []
    for table in shape.block.own_tables():
        texts = _texts(shape, table)
        instrument = f"{literal(shape.instruments[table])} AS {identifier('#instrument')}"
        stacked.append(f"SELECT {', '.join([instrument, *texts])} FROM {shape.tables[table]} AS r")
    found = [Step("rows", "\nUNION ALL BY NAME\n".join(stacked))]
    joined, extra = "", ""
    for number, (table, pairs) in enumerate(joins.items()):
        extra += f", j{number}.{identifier(ROW)} AS {identifier(f'{ROW}:{table}')}"
        found.append(Step(f"unique_{number}", unique_rows(shape, table, [right for _, right in pairs])))
        matches = [f"{_matchable(left, right)} = j{number}.{identifier(right)}" for left, right in pairs]
        joined += f"\nLEFT JOIN unique_{number} AS j{number} ON {' AND '.join(matches)}"
        for name in shape.columns.read_from(table).values():
            extra += f", j{number}.{identifier(name)}"
    found.append(Step("joined", f"SELECT r.*{extra} FROM rows AS r{joined}"))
    found.append(Step("kept", f"SELECT * FROM joined AS r WHERE {where}"))
    return found


def unique_rows(shape: Shape, table: str, on: Sequence[str]) -> str:
    """Return the rows of a joined table; unless one row may meet several, those whose key stands there once."""
    names = distinct_names(shape.columns.delivered[table])
    keyed = [_matchable(cleaned(f"r.{identifier(names[column])}"), column) for column in on]
    texts = [f"{key} AS {identifier(column)}" for key, column in zip(keyed, on, strict=True)]
    texts += _texts(shape, table)
    once = f"QUALIFY count(*) OVER (PARTITION BY {', '.join(keyed)}) = 1"
    if shape.block.join[table].cardinality == "one_to_many":
        once = ""
    return f"SELECT {', '.join(texts)} FROM {shape.tables[table]} AS r {once}"


def _matchable(text: str, column: str) -> str:
    """Return a join key: blank never matches, but a classic REDCap project has no event at all."""
    return f"coalesce({text}, '')" if column == REDCAP_KEY[1] else text


def _texts(shape: Shape, table: str) -> list[str]:
    names = distinct_names(shape.columns.delivered[table])
    texts = [
        f"{cleaned(f'r.{identifier(names[column])}')} AS {identifier(name)}"
        for column, name in shape.columns.read_from(table).items()
    ]
    return [f"r.{identifier(ROW)}", *texts]


def key_steps(
    shape: Shape, grammar: IdGrammar, key: Sequence[str], columns: Sequence[str], *, redcap: bool
) -> list[Step]:
    """Replace aliases, read the participant id by the grammar, write the second key, tell unusable keys."""
    named = f"coalesce(a.new, {columns[0]}) AS {identifier('#id')}"
    aliases = f"SELECT r.*, {named} FROM kept AS r LEFT JOIN aliases AS a ON a.old = {columns[0]}"
    text = f"r.{identifier('#id')}"
    made = [f"{keys.participant(grammar, text)} AS participant_id"]
    made += [
        f"nullif({keys.group(grammar, text, name)}, '') AS {identifier(GROUP + name)}"
        for name in shape.columns.groups
    ]
    if len(shape.keys) > 1:
        second = keys.second(key[1:], columns[1:], redcap=redcap)
        made.append(f"{second} AS {identifier(shape.keys[1])}")
    lacking = " OR ".join(
        f"{name} IS NULL" for name in [columns[0], *(f"r.{identifier(k)}" for k in shape.keys[1:])]
    )
    state = f"CASE WHEN {lacking} THEN '{NO_KEY}' WHEN r.participant_id IS NULL THEN '{UNREADABLE}' ELSE '{OK}' END"
    return [
        Step("named", aliases),
        Step("spelled", f"SELECT r.*, {', '.join(made)} FROM named AS r"),
        Step("keyed", f"SELECT r.*, {state} AS {identifier('#key')} FROM spelled AS r"),
    ]
