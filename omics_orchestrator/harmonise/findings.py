"""What the harmonised data tell that a person should know: counts, variables, short codes of recoded columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from omics_orchestrator.checks import AnyCheck
from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.harmonise.compile import EntityQuery
from omics_orchestrator.harmonise.ledger import ROWS, Ledger
from omics_orchestrator.harmonise.source_rows import RECORDS
from omics_orchestrator.harmonise.steps import (
    CONFLICTING,
    INVALID,
    MISSING,
    NO_KEY,
    OK,
    ROW,
    UNMAPPED,
    UNREADABLE,
    Read,
    beside,
    coded,
)
from omics_orchestrator.studies import EntityBlock
from omics_orchestrator.verbs.base import identifier

if TYPE_CHECKING:
    import duckdb

SHOWN = 8  # codes named in one message
CODE = "[A-Za-z0-9_.-]{1,8}"
HAVE = ("participant has", "participants have")


def read_findings(
    connection: duckdb.DuckDBPyConnection,
    query: EntityQuery,
    ledger: Ledger,
    dictionary: Dictionary,
    block: EntityBlock,
    is_id: Callable[[str], bool],
) -> tuple[Finding, ...]:
    """Return every finding, by kind, then in the order of the dictionary; what `is_id` knows is in none."""
    return (
        *_keys(connection, query, ledger),
        *_joins(connection, query, block),
        *_flaws(connection, query, ledger, is_id),
        *_missing_words(query, ledger),
        *_bounds(connection, query, dictionary),
        *_conflicts(connection, query, ledger),
        *_precedence(connection, query),
        *_expectations(connection, query, block.checks),
        *(
            Finding(
                "ledger", f"{name}: values in and values out do not add up", severity="error", subject=name
            )
            for name in ledger.unbalanced()
        ),
    )


def _one_row(connection: duckdb.DuckDBPyConnection, asked: list[str], source: str) -> list[int]:
    """Return the numbers that several aggregates give in one pass."""
    return (
        list(connection.execute(f"SELECT {', '.join(asked)} FROM {source} AS r").fetchall()[0])
        if asked
        else []
    )


def _keys(connection: duckdb.DuckDBPyConnection, query: EntityQuery, ledger: Ledger) -> Iterator[Finding]:
    rows = ledger.counts[ROWS]
    if lost := rows.get(NO_KEY):
        yield Finding(
            "keys",
            f"{counted(lost, 'row has', 'rows have')} a blank key and {'is' if lost == 1 else 'are'} lost",
            lost,
        )
    if lost := rows.get(UNREADABLE):
        yield Finding(
            "keys",
            f"{counted(lost, 'row has', 'rows have')} a participant id that the study's grammar does not read",
            lost,
        )
    if query.keys == ("participant_id",) and any(step.name == RECORDS for step in query.steps):
        yield from _records(connection)
    if query.keys != ("participant_id",):
        known = "(SELECT count(*) FROM participants), count(*) FILTER (NOT EXISTS (FROM participants AS p"
        asked = [f"{known} WHERE p.participant_id = r.participant_id))"]
        participants, strangers = _one_row(connection, asked, "harmonised")
        if participants and strangers:
            yield Finding(
                "keys",
                f"{counted(strangers, 'row belongs', 'rows belong')} to no known participant",
                strangers,
            )


def _records(connection: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    asked = ["count(*) FILTER (records > 1 AND unsettled = 1)", "count(*) FILTER (unsettled > 1)"]
    settled, spelled = _one_row(connection, asked, RECORDS)
    if settled:
        message = f"{counted(settled, *HAVE)} several records, as the table of aliases says"
        yield Finding("keys", message, settled, "note")
    if spelled:
        message = f"{counted(spelled, *HAVE)} several records whose ids only the grammar makes one"
        yield Finding("keys", f"{message}; name the records in the table of aliases", spelled)


def _joins(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, block: EntityBlock
) -> Iterator[Finding]:
    for table, (usable, pairs) in query.joins.items():
        on = " AND ".join(f"{left} = u.{identifier(right)}" for left, right in pairs)
        lefts = ", ".join(left for left, _ in pairs)
        known = " AND ".join(f"{left} IS NOT NULL" for left, _ in pairs)
        asked = (
            f"(SELECT count(*) FROM {usable.replace('unique', 'side')})",
            f"(SELECT count(*) FROM {usable})",
            f"(SELECT count(*) FROM {usable} AS u ANTI JOIN rows AS r ON {on})",
            f"(SELECT count(*) FROM (FROM rows AS r WHERE {known}) AS r) - "
            f"(SELECT count(*) FROM (SELECT DISTINCT {lefts} FROM rows AS r WHERE {known}))",
        )
        total, once, unmatched, more = connection.execute(f"SELECT {', '.join(asked)}").fetchall()[0]
        if total > once:
            message = f"{table}: {total - once} rows share their key, so none of them is joined"
            yield Finding("joins", message, total - once, "error", table)
        if more and block.join[table].cardinality != "many_to_one":
            rows = counted(more, "row repeats", "rows repeat")
            declared = f"declared {block.join[table].cardinality}"
            message = f"{table}: {declared}, but {rows} the key of another in the block"
            yield Finding("joins", message, more, "warning", table)
        if block.join[table].pick:
            yield from _not_picked(connection, table, usable, block)
        elif unmatched:
            yield Finding(
                "joins",
                f"{table}: {counted(unmatched, 'row matches', 'rows match')} no row of the block",
                unmatched,
                "note",
                table,
            )


def _not_picked(
    connection: duckdb.DuckDBPyConnection, table: str, usable: str, block: EntityBlock
) -> Iterator[Finding]:
    join, row = block.join[table], identifier(ROW)
    taken = f"SELECT {row} FROM {usable.replace('unique', 'picked')}"
    asked = f"SELECT count(*) FROM {usable} WHERE {row} NOT IN ({taken})"
    if left := connection.execute(asked).fetchall()[0][0]:
        how = f"{join.pick} by {join.by}" + (f" within {join.within}" if join.within else "")
        yield Finding(
            "joins",
            f"{table}: {counted(left, 'row was', 'rows were')} not picked ({how})",
            left,
            "note",
            table,
        )


def _flaws(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, ledger: Ledger, is_id: Callable[[str], bool]
) -> Iterator[Finding]:
    hiding = [(one.name, what) for one in query.read if one.cell.hides for what in (UNMAPPED, INVALID)]
    asked = [f"count(*) FILTER (r.{beside(name, 'flaw')} = {coded(what)})" for name, what in hiding]
    hidden = dict(zip(hiding, _one_row(connection, asked, "cells"), strict=True))
    for one in query.read:
        name, outcomes = one.name, ledger.outcomes[one.name]
        if count := hidden.get((name, UNMAPPED), outcomes.get(UNMAPPED, 0)):
            codes = _codes(connection, one, is_id) if one.coded else ""
            yield Finding(
                "codes",
                f"{name}: {counted(count, 'cell holds a code', 'cells hold codes')} that the rule does not name{codes}",
                count,
                subject=name,
            )
        if count := hidden.get((name, INVALID), outcomes.get(INVALID, 0)):
            yield Finding("values", f"{name}: {counted(count, 'cell')} cannot be read", count, subject=name)
    derived = [one.name for one in query.derived]
    asked = [f"count({beside(name, 'flaw')})" for name in derived]
    for name, count in zip(derived, _one_row(connection, asked, "harmonised"), strict=True):
        if count:
            yield Finding(
                "values",
                f"{name}: {counted(count, 'computed value does', 'computed values do')} not fit the variable",
                count,
                subject=name,
            )


def _codes(connection: duckdb.DuckDBPyConnection, one: Read, is_id: Callable[[str], bool]) -> str:
    """Return the unmapped codes that look like codes and not like ids of participants, with their counts."""
    code, flaw = beside(one.name, "code"), beside(one.name, "flaw" if one.cell.hides else "outcome")
    found = connection.execute(
        f"SELECT {code}, count(*) FROM cells WHERE {flaw} = {coded(UNMAPPED)} AND regexp_full_match({code}, '{CODE}') "
        f"GROUP BY ALL ORDER BY count(*) DESC, {code}"
    ).fetchall()
    shown = islice((f"{text} ({count})" for text, count in found if not is_id(text)), SHOWN)
    return f": {told}" if (told := ", ".join(shown)) else ""


def _conflicts(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, ledger: Ledger
) -> Iterator[Finding]:
    """Tell keys without one answer: several boxes ticked in a row, or rows that disagree."""
    keys = ", ".join(map(identifier, query.keys))
    for one in query.read:
        if not (count := ledger.conflicts.get(one.name, 0)):
            continue
        ticked = 0
        if one.torn:
            torn = (
                f"r.{beside(one.name, 'outcome')} = {coded(CONFLICTING)} AND r.{identifier('#key')} = '{OK}'"
            )
            asked = f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM cells AS r WHERE {torn})"
            ticked = connection.execute(asked).fetchall()[0][0]
        causes = [f"several boxes are ticked at {counted(ticked, 'key')}"] if ticked else []
        if others := count - ticked:
            causes.append(f"the rows of {counted(others, 'key')} disagree")
        message = f"{one.name}: {' and '.join(causes)}; the value is left unknown"
        yield Finding("conflicts", message, count, subject=one.name)


def _precedence(connection: duckdb.DuckDBPyConnection, query: EntityQuery) -> Iterator[Finding]:
    """Tell cells in which several boxes are ticked and the rule says which one counts."""
    torn = [one.name for one in query.read if one.torn]
    asked = [f"count({beside(name, 'candidates')}) FILTER ({identifier(name)} IS NOT NULL)" for name in torn]
    for name, count in zip(torn, _one_row(connection, asked, "cells"), strict=True):
        if count:
            cells = counted(count, "cell has", "cells have")
            message = f"{name}: {cells} several ticked boxes; the one that the rule names first is taken"
            yield Finding("conflicts", message, count, "note", name)


def _missing_words(query: EntityQuery, ledger: Ledger) -> Iterator[Finding]:
    for one in query.read:
        for outcome, count in sorted(ledger.counts[one.name].items()):
            if outcome.startswith(MISSING):
                reason = outcome.removeprefix(MISSING)
                cells = counted(count, "cell holds", "cells hold")
                message = f"{one.name}: {cells} a word that stands for missing ({reason})"
                yield Finding("missing", message, count, "note", one.name)


def _bounds(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, dictionary: Dictionary
) -> Iterator[Finding]:
    bounded = {}
    for name in query.order:
        variable, column = dictionary.variables[name], f"r.{identifier(name)}"
        tests = [f"{column} < {variable.min!r}"] if variable.min is not None else []
        tests += [f"{column} > {variable.max!r}"] if variable.max is not None else []
        if tests and name not in query.absent:
            bounded[name] = f"count(*) FILTER ({' OR '.join(tests)})"
    for name, count in zip(bounded, _one_row(connection, list(bounded.values()), "harmonised"), strict=True):
        if count:
            yield Finding(
                "bounds",
                f"{name}: {counted(count, 'value lies', 'values lie')} outside the dictionary's bounds",
                count,
                subject=name,
            )


def _expectations(
    connection: duckdb.DuckDBPyConnection, query: EntityQuery, checks: Mapping[str, AnyCheck]
) -> Iterator[Finding]:
    asked = [
        f"coalesce({counted} FILTER (({sql}) IS FALSE), 0)"
        for counted in ("count(*)", 'sum(r."#rows")')
        for sql in query.expected.values()
    ]
    found = _one_row(connection, asked, "harmonised")
    rows, source_rows = found[: len(query.expected)], found[len(query.expected) :]
    for name, count, told_by in zip(query.expected, rows, source_rows, strict=True):
        if count:
            yield checks[name].finding(name, count, int(told_by))
