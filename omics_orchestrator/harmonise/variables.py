"""What a name means inside an expression: variables of the entity, of the participant, the reference date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.thresholds import PREFIX as THRESHOLD
from omics_orchestrator.verbs.base import KINDS, identifier
from omics_orchestrator.verbs.threevalued import ExpressionError, Kind, Typed

PARTICIPANT = "participant."
REFERENCE_DATE = "reference_date"
HIDDEN: dict[str, Kind] = {"number": "number", "date": "date", "code": "text", "text": "text"}


@dataclass(frozen=True)
class Variables:
    """The typed variables that an expression of one entity may name.

    Attributes:
        entity: the entity of the block.
        dictionary: the data dictionary.
        own: variables of the entity that the study has.
        participant: variables of the participant that the study has.
        inexact: names (with prefix) that have a column of comparators beside them.
        hidden: `how(column)` of every source column that an expression reads.
    """

    entity: str
    dictionary: Dictionary
    own: frozenset[str]
    participant: frozenset[str]
    inexact: frozenset[str]
    hidden: frozenset[str] = frozenset()

    def find(self, name: str) -> Typed:
        """Return what a name stands for.

        Raises:
            ExpressionError: the study has no such variable here.
        """
        if name == REFERENCE_DATE:
            return Typed("CAST(NULL AS DATE)", "date")
        if name.startswith(THRESHOLD) and name.removeprefix(THRESHOLD) in self.dictionary.thresholds:
            cut_off = self.dictionary.thresholds[name.removeprefix(THRESHOLD)]
            return Typed(f"CAST({cut_off.value!r} AS DOUBLE)", "number")
        column = self.column(name)
        variable = self.dictionary.variables[name.removeprefix(PARTICIPANT)]
        if variable.type == "set":
            raise ExpressionError(f"{name!r} is a set; an expression cannot use it")
        return typed(
            variable, f"r.{identifier(column)}", marked=column in self.inexact, codes=self.codes(variable)
        )

    def source(self, how: str, column: str) -> Typed | None:
        """Return what `how(column)` reads of a source column, None where that names a variable."""
        name = f"{how}({column})"
        if name not in self.hidden:
            return None
        value, kind = f"r.{identifier(name)}", HIDDEN[how]
        if name not in self.inexact:
            return Typed(value, kind)
        mark = f'{value[:-1]}|comparator"'
        return Typed(f"CASE WHEN {mark} IS NULL THEN {value} END", kind, value=value, comparator=mark)

    def column(self, name: str) -> str:
        """Return the column of a name; the participant's own variables need no prefix in its own block."""
        if self.entity == "participant":
            name = name.removeprefix(PARTICIPANT)
        known = {*self.own, *(PARTICIPANT + variable for variable in self.participant)}
        if name not in known:
            raise ExpressionError(f"there is no variable {name!r} here; {suggest(name, known)}")
        return name

    def codes(self, variable: Variable) -> tuple[str, ...]:
        """Return the codes of a coded variable."""
        return tuple(self.dictionary.code_lists.get(variable.code_list, ()))


def typed(variable: Variable, column: str, *, marked: bool, codes: tuple[str, ...] = ()) -> Typed:
    """Return a variable's column as a part of an expression.

    Args:
        variable: the variable.
        column: SQL of its column, ending in `"`.
        marked: whether a column of comparators stands beside it.
        codes: its codes.
    """
    kind = KINDS.get(variable.type, "text")
    value = f"CAST({column} AS DOUBLE)" if kind == "number" else column
    if not marked:
        return Typed(value, kind, codes)
    mark = f'{column[:-1]}|comparator"'
    exact = f"CASE WHEN {mark} IS NULL THEN {value} END"
    if kind == "date":
        span = f"CASE {mark} WHEN 'year' THEN INTERVAL 1 YEAR ELSE INTERVAL 1 MONTH END"
        latest = f"CASE WHEN {mark} IS NULL THEN {column} ELSE CAST({column} + {span} AS DATE) - 1 END"
        return Typed(exact, kind, bounds=(column, latest))
    return Typed(exact, kind, value=value, comparator=mark)


def in_order(needs: Mapping[str, Iterable[str]]) -> tuple[list[list[str]], list[str]]:
    """Return the derived variables in levels, each needing only earlier ones, and those in a circle.

    Args:
        needs: derived variable → every name in its expressions.
    """
    waiting = {name: {need for need in found if need in needs} for name, found in needs.items()}
    levels: list[list[str]] = []
    while ready := [name for name, found in waiting.items() if not found]:
        levels.append(ready)
        waiting = {name: found - set(ready) for name, found in waiting.items() if name not in ready}
    return levels, list(waiting)
