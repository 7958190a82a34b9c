"""A study's rules for one entity → one DuckDB query, as named steps. Running it is run.py's business.

Every mistake that shows when rules meet the delivered columns and the dictionary is told here, all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.harmonise import keys, source_rows, steps
from omics_orchestrator.harmonise.cells import cell_steps
from omics_orchestrator.harmonise.columns import REDCAP_KEY, Columns, cleaned, distinct_names
from omics_orchestrator.harmonise.complaints import Complaints
from omics_orchestrator.harmonise.merging import merge_steps
from omics_orchestrator.harmonise.rules import Flags, Rules
from omics_orchestrator.harmonise.steps import Derived, Pairs, Read, Step
from omics_orchestrator.harmonise.variables import PARTICIPANT, Variables
from omics_orchestrator.studies import EntityBlock, IdGrammar, Study
from omics_orchestrator.studies.dating import dated_rules
from omics_orchestrator.verbs.base import SQL_TYPES, identifier
from omics_orchestrator.verbs.expression import translate
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed


@dataclass(frozen=True)
class EntityQuery:
    """One entity of one study as SQL.

    Attributes:
        steps: the query, step by step; each reads only steps before it and the registered tables.
        tables: table reference → the name under which its raw table must be registered.
        joins: joined table → the step that holds its usable rows, and its pairs of columns.
        rows: the columns that number the source rows of a row (own tables, each joined table).
        carried: the columns of `rows` whose texts nothing asks for before the rules are read → (table, column) of
            every raw table from which they come.
        keys: the key columns of the result.
        read: variables that are read from columns, then the source columns that expressions read.
        expected: check → SQL of what it expects of a row of the last step.
        derived: variables that are computed from variables.
        absent: variables without any rule → the reason of every row.
        order: every variable of the result, in the dictionary's order.
        participant: columns of participants that expressions name, with the prefix `participant.`.
    """

    steps: tuple[Step, ...]
    tables: Mapping[str, str]
    joins: Mapping[str, tuple[str, Pairs]]
    rows: tuple[str, ...]
    carried: Mapping[str, tuple[tuple[str, str], ...]]
    keys: tuple[str, ...]
    read: tuple[Read, ...]
    expected: Mapping[str, str]
    derived: tuple[Derived, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    participant: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The whole query as one statement; it holds names and codes, no participant's data."""
        listed = ", ".join(identifier(name) for name in (*self.keys, *self.order))
        asked = f"SELECT {listed} FROM {self.steps[-1].name} ORDER BY {', '.join(self.keys)}"
        return steps.with_steps(self.steps, asked)


def compile_entity(
    study: Study,
    entity: str,
    dictionary: Dictionary,
    columns: Mapping[str, Sequence[str]],
    *,
    flags: Flags = (),
) -> EntityQuery:
    """Compile the block of one entity.

    Args:
        study: the study.
        entity: an entity of its mapping.
        dictionary: the data dictionary.
        columns: table reference → columns of the delivered table, for every table of the block.
        flags: (table reference, column) of columns that the source declares as yesno, truefalse or checkbox.

    Raises:
        DeclarationError: naming every rule that cannot be compiled.
    """
    block = study.mapping.entities[entity]  # type: ignore[index]
    complaints = Complaints(study, entity)
    known = Columns(block, with_new_columns(block, columns), keys.groups(study.participant_id))
    pending = dated_rules(study.mapping, entity)
    rules = Rules(entity, block, study.mapping, dictionary, known, flags, complaints, pending)
    asking = _asking(study, entity, known, complaints)
    _check_reshape(block, columns, complaints)
    read, hidden = rules.read(), rules.hidden()
    variables = rules.variables(read, hidden)
    levels, expected = rules.levels(variables), rules.expected(variables)
    complaints.raise_if_any()
    query = _query(study, entity, known, asking, (*read, *hidden))
    return _finished(replace(query, expected=expected), levels, rules, variables)


@dataclass(frozen=True)
class _Asking:
    """How rows are found and named: the key's columns and their SQL, joins, conditions.

    Attributes:
        redcap: every own table of the block is one of REDCap, with a key of its own.
    """

    key: tuple[str, ...]
    named: list[str]
    where: str
    joins: dict[str, tuple[tuple[str, str], ...]]
    conditions: dict[str, str]
    redcap: bool


def _asking(study: Study, entity: str, known: Columns, complaints: Complaints) -> _Asking:
    """Return how the rows of a block are found and named; mistakes are added to `complaints`."""
    block = known.block
    redcap = all(study.sources[study.place(table)[0]].tables() is None for table in block.own_tables())
    key = key_columns(block, entity, redcap=redcap)
    named = [complaints.attempt(("key",), partial(known.find, name)) or "NULL" for name in key]
    where = _where(block, known, complaints)
    joins = {}
    for table in block.join:
        places = {study.place(block.table_of(name))[0] for name in (*block.own_tables(), table)}
        records = redcap and len(places) == 1
        joins[table] = _pairs(known, table, key, study.participant_id, complaints, records=records)
    conditions = {table: _condition(known, table, complaints) for table in block.join}
    return _Asking(key, named, where, joins, conditions, redcap)


def _query(
    study: Study, entity: str, known: Columns, asking: _Asking, asked: tuple[Read, ...]
) -> EntityQuery:
    """Return the query up to the merged cells of each key."""
    block = known.block
    instruments = {table: study.place(table)[1] for table in block.own_tables()}
    tables = {table: f"raw_{number}" for number, table in enumerate(block.tables())}
    shape = steps.Shape(block, known, tables, KEYS[entity], instruments)
    carried = known.settled()
    house = source_rows.House(study.participant_id, asking.named[0] if asking.named else "NULL")
    made = (
        *source_rows.row_steps(shape, asking.joins, asking.conditions, asking.where, house),
        *source_rows.key_steps(shape, study.participant_id, asking.key, asking.named, redcap=asking.redcap),
        *cell_steps(shape.state, carried, asked),
        *merge_steps(shape, asked),
    )
    unique = {
        table: (f"unique_{number}", pairs) for number, (table, pairs) in enumerate(asking.joins.items())
    }
    return EntityQuery(
        steps=made,
        tables=tables,
        joins=unique,
        rows=shape.rows,
        carried=carried,
        keys=KEYS[entity],
        read=asked,
        expected={},
    )


def _finished(
    query: EntityQuery, levels: list[list[Derived]], rules: Rules, variables: Variables
) -> EntityQuery:
    """Return the query with what is computed from variables, and with what the study does not have."""
    dictionary = rules.dictionary
    own = {variable.name: variable for variable in dictionary.of_entity(rules.entity)}
    absent = {name: rule.missing for name, rule in rules.mapping.none.items() if name in own}
    asked = [f"{PARTICIPANT}{name}" for name in rules.participant_variables()]
    asked += [f"{name}|comparator" for name in asked if name in variables.inexact]
    nulls = {name: SQL_TYPES[own[name].type] for name in absent}
    return replace(
        query,
        steps=(*query.steps, *steps.final_steps(levels, asked, nulls)),
        derived=tuple(one for level in levels for one in level),
        absent=absent,
        order=tuple(name for name in own if name in rules.block.rules or name in absent),
        participant=tuple(asked),
    )


def key_columns(block: EntityBlock, entity: str, *, redcap: bool) -> tuple[str, ...]:
    """Return the key columns of a block, the participant id first; a REDCap table brings its own."""
    if block.key or not redcap:
        return block.key
    return REDCAP_KEY[:1] if len(KEYS[entity]) == 1 else REDCAP_KEY


def _where(block: EntityBlock, columns: Columns, complaints: Complaints) -> str:
    """Return the condition on rows, over the texts of the source."""
    if (text := block.where) is None:
        return "true"
    found = complaints.attempt(
        ("where",), lambda: translate(text, lambda name: Typed(columns.find(name), "text"))
    )
    if found is not None and found.kind not in {"boolean", "any"}:
        complaints.add(("where",), f"where gives a {found.kind}; it must be a question")
    return found.sql if found is not None else "true"


def _condition(columns: Columns, table: str, complaints: Complaints) -> str:
    """Return what a join asks of the rows there: its `where`, over the texts of the joined table."""
    join, delivered = columns.block.join[table], columns.delivered[table]
    names = distinct_names(delivered)

    def find(column: str) -> Typed:
        if column not in names:
            raise ExpressionError(f"there is no column {column!r} in {table}; {suggest(column, delivered)}")
        return Typed(cleaned(f"r.{identifier(names[column])}"), "text")

    if join.by is not None:
        complaints.attempt(("join", table, "by"), partial(find, join.by))
    if join.to is not None:
        complaints.attempt(("join", table, "to"), partial(_own_column, columns, join.to))
    if join.where is None:
        return "true"
    place = ("join", table, "where")
    found = complaints.attempt(place, partial(translate, join.where, find))
    if found is not None and found.kind not in {"boolean", "any"}:
        complaints.add(place, f"where gives a {found.kind}; it must be a question")
    return found.sql if found is not None else "true"


def with_new_columns(block: EntityBlock, columns: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the columns of every table, with those that `reshape` makes in the block's own tables."""
    made = block.reshape.new_columns() if block.reshape else ()
    own = block.own_tables() if made else ()
    return {
        table: [*names, *(name for name in made if name not in names)] if table in own else names
        for table, names in columns.items()
    }


def _check_reshape(block: EntityBlock, columns: Mapping[str, Sequence[str]], complaints: Complaints) -> None:
    for table in block.own_tables() if block.reshape else ():
        for column in block.reshape.source_columns() if block.reshape else ():
            if column not in columns[table]:
                message = f"there is no column {column!r} in {table}; {suggest(column, columns[table])}"
                complaints.add(("reshape",), message)


def _own_column(columns: Columns, reference: str) -> str:
    """Return the SQL of a column from which a join may go."""
    table, column = columns.place(reference)
    if table and table in columns.block.join:
        own = [name for one in columns.block.own_tables() for name in columns.delivered[one]]
        message = f"{column!r} lies in {table}; a join goes from a column of the block's own table"
        raise ExpressionError(f"{message}: {suggest(column, own)}")
    return columns.find(reference)


def _pairs(
    columns: Columns,
    table: str,
    key: Sequence[str],
    grammar: IdGrammar,
    complaints: Complaints,
    *,
    records: bool,
) -> Pairs:
    """Return pairs (SQL of the block's column, column of the joined table).

    The participant id meets as the house spells it, where the study's grammar may spell it otherwise than its text;
    the records of one REDCap project (`records`) meet by their own ids, for two of them may be one participant.
    """
    on = columns.block.join[table].on or {name: name for name in key}
    spelled = grammar.written is not None or bool(grammar.aliases)
    pairs = []
    for left, right in on.items():
        found = complaints.attempt(("join", table, "on", left), partial(_own_column, columns, left))
        if right not in columns.delivered[table]:
            known = suggest(right, columns.delivered[table])
            complaints.add(("join", table, "on", left), f"there is no column {right!r} in {table}; {known}")
        elif found is not None:
            by_record = records and left == right == REDCAP_KEY[0]
            by_house = spelled and left == key[0] and not by_record
            pairs.append((source_rows.MEETS if by_house else source_rows.matchable(found, right), right))
    return tuple(pairs)
