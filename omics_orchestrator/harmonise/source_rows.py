"""The SQL that gives an entity its source rows: stacked, joined, filtered, with a key. Cells are read in steps.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omics_orchestrator.harmonise import keys
from omics_orchestrator.harmonise.columns import GROUP, REDCAP_KEY, cleaned, distinct_names
from omics_orchestrator.harmonise.steps import NO_KEY, OK, ROW, UNREADABLE, Pairs, Shape, Step
from omics_orchestrator.studies import IdGrammar, Join
from omics_orchestrator.verbs.base import identifier, literal
from omics_orchestrator.verbs.date import read_date
from omics_orchestrator.verbs.number import read_number
from omics_orchestrator.verbs.reduce import window

MEETS = f"r.{identifier('#meets')}"  # the participant id by which a row of the block meets joined rows
RECORDS = "records"  # the step that counts the records of each participant; only where REDCap gives the rows
BY, FOR_ROW = "#by", "#for"  # of a joined row: what it is picked by, and the row of the block for which it is


@dataclass(frozen=True)
class House:
    """How the participant ids of both sides of a join become comparable.

    Attributes:
        grammar: the study's id grammar.
        column: SQL of the block's column with the participant id.
    """

    grammar: IdGrammar
    column: str

    def spelled(self, text: str) -> str:
        """Return SQL: an id in the house's spelling, any other text as it is; the aliases are joined as `a`."""
        known = f"coalesce(a.new, {text})" if self.grammar.aliases else text
        return f"coalesce({keys.participant(self.grammar, known)}, {text})"

    def aliases(self, text: str) -> str:
        """Return the join that `spelled` needs."""
        return f" LEFT JOIN aliases AS a ON a.old = {text}" if self.grammar.aliases else ""


def row_steps(
    shape: Shape, joins: Mapping[str, Pairs], conditions: Mapping[str, str], where: str, house: House
) -> list[Step]:
    """Stack the block's own tables, join the others (never multiplying a row), keep what `where` says.

    Args:
        shape: the block.
        joins: name of a join → its pairs of columns.
        conditions: name of a join → SQL of what its `where` asks of a row there.
        where: SQL of what the block's `where` asks.
        house: how participant ids meet.
    """
    found = stacked_rows(shape, joins, house)
    joined, extra = "", ""
    for number, (table, pairs) in enumerate(joins.items()):
        extra += f", j{number}.{identifier(ROW)} AS {identifier(f'{ROW}:{table}')}"
        found += joined_rows(shape, table, number, pairs, conditions[table], house)
        matches = [f"{left} = j{number}.{identifier(right)}" for left, right in pairs]
        usable = f"unique_{number}"
        if shape.block.join[table].pick:
            usable, matches = f"picked_{number}", [f"j{number}.{identifier(FOR_ROW)} = r.{identifier(ROW)}"]
        joined += f"\nLEFT JOIN {usable} AS j{number} ON {' AND '.join(matches)}"
        for name in shape.columns.read_from(table):
            extra += f", j{number}.{identifier(name)}"
    found.append(Step("joined", f"SELECT r.*{extra} FROM rows AS r{joined}"))
    found.append(Step("kept", f"SELECT * FROM joined AS r WHERE {where}"))
    return found


def stacked_rows(shape: Shape, joins: Mapping[str, Pairs], house: House) -> list[Step]:
    """Return the steps that give the block's own rows, with the id by which joined rows are met where one asks."""
    stacked = [part for table in shape.block.own_tables() for part in own_rows(shape, table)]
    text = "\nUNION ALL BY NAME\n".join(stacked)
    if not any(left == MEETS for pairs in joins.values() for left, _ in pairs):
        return [Step("rows", text)]
    meets = f"SELECT r.*, {house.spelled(house.column)} AS {MEETS.removeprefix('r.')} FROM stacked AS r"
    return [Step("stacked", text), Step("rows", meets + house.aliases(house.column))]


def own_rows(shape: Shape, table: str) -> list[str]:
    """Return the SELECTs that give the rows of one of the block's own tables; with slots one for each slot."""
    reshape = shape.block.reshape
    instrument = f"{literal(shape.instruments[table])} AS {identifier('#instrument')}"
    source = f"FROM {shape.tables[table]} AS r"
    if reshape is None:
        return [f"SELECT {', '.join([instrument, *_texts(shape, table)])} {source}"]
    made = made_columns(shape, table)
    parts = []
    for columns in made:
        filled = " OR ".join(f"({text}) IS NOT NULL" for name, text in columns.items() if name != reshape.as_)
        only = f" WHERE {filled}" if reshape.slots else ""
        parts.append(f"SELECT {', '.join([instrument, *_texts(shape, table, columns)])} {source}{only}")
    return parts


def made_columns(shape: Shape, table: str) -> list[dict[str, str]]:
    """Return for each slot (once without slots) new column → its SQL."""
    reshape, names = shape.block.reshape, distinct_names(shape.columns.delivered[table])

    def text(column: str) -> str:
        return cleaned(f"r.{identifier(names[column])}")

    if reshape is None:
        return []
    if reshape.spread is not None:
        about, value = text(reshape.spread), text(reshape.values or "")
        return [
            {
                name: f"CASE WHEN {about} = {literal(word)} THEN {value} END"
                for name, word in reshape.columns.items()
            }
        ]
    return [
        {name: text(reshape.column(name, slot)) for name in reshape.columns} | {reshape.as_: literal(slot)}
        for slot in reshape.slots
    ]


def joined_rows(
    shape: Shape, table: str, number: int, pairs: Pairs, condition: str, house: House
) -> list[Step]:
    """Return the steps that give the usable rows of a joined table.

    `side_<n>`: those that its `where` keeps. `unique_<n>`: of these, unless one row may meet several or one of them is
    picked, those whose key stands there once. `picked_<n>`: for each row of the block the one that is picked.
    """
    join, names = shape.block.join[table], distinct_names(shape.columns.delivered[table])
    source, texts = f"{shape.tables[table]} AS r", []
    for left, right in pairs:
        text = cleaned(f"r.{identifier(names[right])}")
        if left == MEETS:
            source, text = source + house.aliases(text), house.spelled(text)
        texts.append(f"{matchable(text, right)} AS {identifier(right)}")
    if join.by is not None:
        texts.append(f"{cleaned(f'r.{identifier(names[join.by])}')} AS {identifier(BY)}")
    texts += _texts(shape, table)
    side = f"SELECT {', '.join(texts)} FROM {source} WHERE {condition}"
    several = join.cardinality == "one_to_many" or join.pick
    listed = ", ".join(identifier(right) for _, right in pairs)
    once = "" if several else f" QUALIFY count(*) OVER (PARTITION BY {listed}) = 1"
    steps = [Step(f"side_{number}", side), Step(f"unique_{number}", f"SELECT * FROM side_{number}{once}")]
    if join.pick:
        steps.append(Step(f"picked_{number}", picked(shape, join, number, pairs)))
    return steps


def picked(shape: Shape, join: Join, number: int, pairs: Pairs) -> str:
    """Return SQL: for each row of the block (`#for`) the row of the joined table that is picked."""
    by, row = f"u.{identifier(BY)}", f"u.{identifier(ROW)}"
    met = " AND ".join(f"{left} = u.{identifier(right)}" for left, right in pairs)
    if join.pick == "nearest":
        here = read_date(shape.columns.find(join.to or ""), "%Y-%m-%d")
        distance = f"abs(date_diff('day', {read_date(by, '%Y-%m-%d')}, {here}))"
        met += f" AND {distance} IS NOT NULL" + (
            f" AND {distance} <= {window(join.within)}" if join.within else ""
        )
        order = f"{distance}, {by}, {row}"
    else:
        way = "DESC" if join.pick == "last" else "ASC"
        met += f" AND {by} IS NOT NULL"
        order = f"{read_number(by)} {way} NULLS LAST, {by} {way}, {row}"
    whose = f"r.{identifier(ROW)}"
    return (
        f"SELECT {whose} AS {identifier(FOR_ROW)}, u.* FROM rows AS r JOIN unique_{number} AS u ON {met} "
        f"QUALIFY row_number() OVER (PARTITION BY {whose} ORDER BY {order}) = 1"
    )


def matchable(text: str, column: str) -> str:
    """Return a join key: blank never matches, but a classic REDCap project has no event at all."""
    return f"coalesce({text}, '')" if column == REDCAP_KEY[1] else text


def _texts(shape: Shape, table: str, made: Mapping[str, str] | None = None) -> list[str]:
    names, made = distinct_names(shape.columns.delivered[table]), made or {}
    texts = []
    for name, column in shape.columns.read_from(table).items():
        raw = f"r.{identifier(names[column])}" if column in names else ""
        carried = raw if name in shape.columns.carried else cleaned(raw)
        texts.append(f"{made.get(column) or carried} AS {identifier(name)}")
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
    spelled, source = f"SELECT r.*, {', '.join(made)} FROM named AS r", "spelled"
    found = [Step("named", aliases), Step("spelled", spelled)]
    if redcap and key[0] == REDCAP_KEY[0]:
        found.append(Step(RECORDS, records(columns[0])))
        if set(key[1:]) & set(REDCAP_KEY):
            found.append(Step("apart", apart(columns[0], shape.keys[1])))
            source = "apart"
    return [*found, Step("keyed", f"SELECT r.*, {state} AS {identifier('#key')} FROM {source} AS r")]


def records(record: str) -> str:
    """Return SQL: participant, how many record ids of a REDCap project are that one, and without those of aliases."""
    known = f"count(DISTINCT {record}) AS records, count(DISTINCT r.{identifier('#id')}) AS unsettled"
    return (
        f"SELECT r.participant_id, {known} FROM spelled AS r WHERE r.participant_id IS NOT NULL GROUP BY ALL"
    )


def apart(record: str, second: str) -> str:
    """Return SQL: rows of which no two have the same keys only because two records are one participant.

    REDCap counts the instances of each record; so where several records are one participant, the second key of those
    that the house spells otherwise names the record too: `sampling#1@GID-007-P`.
    """
    key, several = f"r.{identifier(second)}", f"min({record}) OVER person <> max({record}) OVER person"
    named = (
        f"CASE WHEN {record} <> r.participant_id AND {several} THEN {key} || '@' || {record} ELSE {key} END"
    )
    window = "WINDOW person AS (PARTITION BY r.participant_id)"
    return f"SELECT r.* REPLACE ({named} AS {identifier(second)}) FROM spelled AS r {window}"
