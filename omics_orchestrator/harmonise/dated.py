"""Rules that wait for a reference date, computed on harmonised tables once a dataset gives it.

The expressions, the three-valued logic and the locked DuckDB are those of harmonising; only where the inputs come from
differs: typed variables, stored, with their comparators.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.arrow import arrow_type
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.harmonise.columns import Columns
from omics_orchestrator.harmonise.complaints import Complaints
from omics_orchestrator.harmonise.rules import Rules
from omics_orchestrator.harmonise.run import fetch, locked_database
from omics_orchestrator.harmonise.steps import Derived
from omics_orchestrator.harmonise.variables import PARTICIPANT, Variables
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.datasets import BESIDE, variables_of
from omics_orchestrator.studies.dating import REFERENCE_DATE, dated_rules
from omics_orchestrator.verbs.base import identifier
from omics_orchestrator.verbs.threevalued import Typed

Arrays = Mapping[str, pa.ChunkedArray]


@dataclass(frozen=True)
class Inputs:
    """Variables of the same rows: their values, and the comparators of those that may be inexact.

    Attributes:
        values: variable → value.
        comparators: censored number or partial date → its comparator, null where exact.
    """

    values: Arrays
    comparators: Arrays


@dataclass(frozen=True)
class Dated:
    """What the dated rules of one entity give.

    Attributes:
        values: variable → value, in the order of the rows.
        reasons: variable → why there is no value, null where there is one.
        findings: values that the dictionary says cannot be (check `bounds`).
    """

    values: Arrays
    reasons: Arrays
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _DatedVariables(Variables):
    """Variables among which `reference_date` is a date."""

    reference_date: date = date.min

    def find(self, name: str) -> Typed:
        """Return what a name stands for."""
        if name == REFERENCE_DATE:
            return Typed(f"DATE '{self.reference_date.isoformat()}'", "date")
        return super().find(name)


def dated(
    study: Study,
    entity: str,
    dictionary: Dictionary,
    reference_date: date,
    own: Inputs,
    participant: Inputs | None = None,
) -> Dated:
    """Compute the dated rules of one entity.

    Args:
        study: the study.
        entity: an entity of its mapping.
        dictionary: the data dictionary.
        reference_date: the date that `reference_date` stands for.
        own: the entity's harmonised variables.
        participant: those of the participant of each row (their dated ones computed already).

    Raises:
        DeclarationError: a rule does not fit the dictionary, or reads source columns.
        HarmoniseError: the query failed.
    """
    rules = dated_rules(study.mapping, entity)
    if not rules:
        return Dated({}, {})
    levels = _levels(study, entity, dictionary, reference_date)
    with locked_database() as connection:
        connection.register("level_0", _rows(set(rules), own, participant))
        for number, level in enumerate(levels, 1):
            texts = ", ".join(text for one in level for text in _texts(one))
            connection.execute(
                f"CREATE TEMP VIEW level_{number} AS SELECT r.*, {texts} FROM level_{number - 1} AS r"
            )
        names = [one.name for level in levels for one in level]
        listed = ", ".join(f"{identifier(name)}, {identifier(f'{name}|reason')}" for name in names)
        found = fetch(connection, f'SELECT {listed} FROM level_{len(levels)} ORDER BY "#row"')
    values = {name: found[name].cast(arrow_type(dictionary.variables[name].type)) for name in names}
    reasons = {name: found[f"{name}|reason"].cast(pa.string()) for name in names}
    told = [one for name in names for one in _bounds(dictionary.variables[name], values[name], reasons[name])]
    return Dated(values, reasons, tuple(told))


def _levels(study: Study, entity: str, dictionary: Dictionary, reference_date: date) -> list[list[Derived]]:
    """Return the dated rules as SQL, in levels of which each needs only earlier ones."""
    mapping = study.mapping
    block = mapping.entities[entity]  # type: ignore[index]
    complaints = Complaints(study, entity)
    waiting = block.model_copy(update={"rules": dated_rules(mapping, entity)})
    columns = Columns(waiting, dict.fromkeys(waiting.tables(), ()))
    own = variables_of(mapping, dictionary, entity)
    participant = variables_of(mapping, dictionary, "participant")
    inexact = {one.name for one in own if one.type in BESIDE}
    inexact |= {f"{PARTICIPANT}{one.name}" for one in participant if one.type in BESIDE}
    variables = _DatedVariables(
        entity,
        dictionary,
        frozenset(one.name for one in own),
        frozenset(one.name for one in participant),
        frozenset(inexact),
        reference_date=reference_date,
    )
    found = Rules(entity, waiting, mapping, dictionary, columns, (), complaints).levels(variables)
    complaints.raise_if_any()
    return found


def _rows(waiting: set[str], own: Inputs, participant: Inputs | None) -> pa.Table:
    """Return every input under the name that expressions give it; what waits for the date is not there yet."""
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for prefix, typed in (("", own), (PARTICIPANT, participant)):
        if typed is not None:
            columns |= {f"{prefix}{name}": value for name, value in typed.values.items()}
            columns |= {f"{prefix}{name}|comparator": mark for name, mark in typed.comparators.items()}
    kept = {name: value for name, value in columns.items() if name not in waiting}
    number = len(next(iter(columns.values()))) if columns else 0
    return pa.table({**kept, "#row": pa.array(range(number), pa.int64())})


def _texts(one: Derived) -> Iterator[str]:
    cell = one.cell
    yield f"{cell.value} AS {identifier(one.name)}"
    why = f"coalesce({cell.reason}, {cell.flaw}, 'unknown')"
    yield f"CASE WHEN ({cell.value}) IS NULL THEN {why} END AS {identifier(f'{one.name}|reason')}"


def _bounds(variable: Variable, values: pa.ChunkedArray, reasons: pa.ChunkedArray) -> Iterator[Finding]:
    """Tell values outside the dictionary's bounds, and results that the variable cannot hold."""
    outside = 0
    for bound, compare in ((variable.min, pc.less), (variable.max, pc.greater)):
        if bound is not None:
            outside += pc.sum(compare(values, bound)).as_py() or 0
    if outside:
        many = counted(outside, "value lies", "values lie")
        message = f"{variable.name}: {many} outside the dictionary's bounds at the reference date"
        yield Finding("bounds", message, outside, "warning", variable.name)
    invalid = pc.sum(pc.equal(reasons, "invalid")).as_py() or 0
    if invalid:
        message = f"{variable.name}: {counted(invalid, 'result')} cannot be of type {variable.type}"
        yield Finding("bounds", message, invalid, "warning", variable.name)
