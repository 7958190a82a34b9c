"""The rules of a block, checked against dictionary and columns and turned into the SQL of single cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from omics_orchestrator.dictionary import Conversion, Dictionary, MissingReason, Variable
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.harmonise.columns import Columns
from omics_orchestrator.harmonise.complaints import Complaints
from omics_orchestrator.harmonise.steps import Derived, Read, Repeats, Shared
from omics_orchestrator.harmonise.variables import PARTICIPANT, Variables, in_order
from omics_orchestrator.studies import EntityBlock, Mapping
from omics_orchestrator.verbs import Target, Verb
from omics_orchestrator.verbs.base import NULL, SQL_TYPES, Cell, ColumnVerb, identifier
from omics_orchestrator.verbs.copy import Copy
from omics_orchestrator.verbs.date import Date
from omics_orchestrator.verbs.expression import names, source_calls, translate
from omics_orchestrator.verbs.number import Number
from omics_orchestrator.verbs.reduce import Reduce
from omics_orchestrator.verbs.threevalued import ExpressionError, Typed

Flags = Collection[tuple[str, str]]


@dataclass
class Rules:
    """What the rules of one entity become; mistakes go to `complaints`."""

    entity: str
    block: EntityBlock
    mapping: Mapping
    dictionary: Dictionary
    columns: Columns
    flags: Flags
    complaints: Complaints
    pending: Collection[str] = ()
    """Variables that wait for a reference date: their rules are checked, and give no value yet."""

    def read(self) -> list[Read]:
        """Return the rules over columns."""
        rules = [name for name, rule in self.block.rules.items() if not rule.reads_variables]
        found = [self.complaints.attempt((name,), partial(self._read, name)) for name in rules]
        return [one for one in found if one is not None]

    def hidden(self) -> list[Read]:
        """Return the reads of source columns that expressions name, such as `number(column)` and `text(column)`."""
        found: dict[str, Read | None] = {}
        for place, text in self.block.formulas():
            for how, column in source_calls(text):
                name, known = f"{how}({column})", {*self.block.rules, *self.mapping.none}
                if column not in known and not column.startswith(PARTICIPANT) and name not in found:
                    found[name] = self.complaints.attempt(place, partial(self._hidden, name, how, column))
        return [one for one in found.values() if one is not None]

    def _hidden(self, name: str, how: str, column: str) -> Read:
        words: dict[str, Any] = {"columns": (column,), "missing": self.block.missing}
        kind = {"number": "censored", "date": "date"}.get(how, "text")
        shared = Sharing(name, self.columns)
        target = Target(name, kind, column=shared.column, share=shared.add)
        verbs: dict[str, type[ColumnVerb]] = {"number": Number, "date": Date}
        rule = verbs.get(how, Copy).model_validate(words)
        cell = rule.cell(target)
        return Read(name, cell, self.block.blank, tuple(shared.parts), None, tuple(shared.columns_read))

    def levels(self, variables: Variables) -> list[list[Derived]]:
        """Return the rules over variables, in levels of which each needs only earlier ones."""
        formulas = {name: rule for name, rule in self.block.rules.items() if rule.reads_variables}
        needs = {name: self._needs(name, rule) for name, rule in formulas.items()}
        levels, circle = in_order(needs)
        if circle:
            message = f"{', '.join(circle)} need each other; a derived variable cannot need itself"
            self.complaints.add((circle[0],), message)
        made = [
            [self.complaints.attempt((name,), partial(self._derive, name, variables)) for name in level]
            for level in levels
        ]
        return [[one for one in level if one is not None] for level in made]

    def expected(self, variables: Variables) -> dict[str, str]:
        """Return check → SQL of its expectation."""
        found = {}
        for name, check in self.block.checks.items():
            place = ("checks", name)
            expectation = partial(translate, check.expect, variables.find, variables.source)
            typed = self.complaints.attempt(place, expectation)
            if typed is not None and typed.kind not in {"boolean", "any"}:
                self.complaints.add(place, f"expect gives a {typed.kind}; it must be a question")
            found[name] = typed.sql if typed is not None else "true"
        return found

    def variables(self, read: Sequence[Read], hidden: Sequence[Read] = ()) -> Variables:
        """Return the variables that expressions may name, and the source columns that they read."""
        block = self.mapping.entities.get("participant")
        own = self._known({*self.block.rules, *self.mapping.none}, self.entity)
        participant = self._known({*(block.rules if block else ()), *self.mapping.none}, "participant")
        inexact = {one.name for one in (*read, *hidden) if one.marked}
        for name in participant:
            if self.dictionary.variables[name].type in {"censored", "partial_date"}:
                inexact.add(PARTICIPANT + name)
        named = frozenset(one.name for one in hidden)
        return Variables(self.entity, self.dictionary, own, participant, frozenset(inexact), named)

    def participant_variables(self) -> tuple[str, ...]:
        """Return the participant variables that expressions of another entity name."""
        texts = [text for rule in self.block.rules.values() for text in rule.expressions()]
        texts += [check.expect for check in self.block.checks.values()]
        found = {name for text in texts for name in names(text) if name.startswith(PARTICIPANT)}
        return tuple(sorted(name.removeprefix(PARTICIPANT) for name in found if self.entity != "participant"))

    def _known(self, found: Collection[str], entity: str) -> frozenset[str]:
        return frozenset(
            variable.name for variable in self.dictionary.of_entity(entity) if variable.name in found
        )

    def _needs(self, name: str, rule: Verb) -> list[str]:
        found = self.complaints.attempt(
            (name,), lambda: [n for text in rule.expressions() for n in names(text)]
        )
        prefix = PARTICIPANT if self.entity == "participant" else ""
        return [need.removeprefix(prefix) for need in found or ()]

    def _read(self, name: str) -> Read:
        shared = Sharing(name, self.columns)
        target = replace(self._target(name), share=shared.add, column=shared.column)
        rule = self.block.rules[name]
        self._check(rule, target)
        cell, repeats = rule.cell(target), repeats_of(rule, target)
        return Read(name, cell, self._blank(rule), tuple(shared.parts), repeats, tuple(shared.columns_read))

    def _blank(self, rule: Verb) -> MissingReason:
        """Return the reason of a blank cell: the rule's own word, else the block's, else that nobody collected it."""
        words = [getattr(rule, "blank", None), getattr(self.block, "blank", None)]
        return next((word for word in words if word and word != "no"), "not_collected")

    def _derive(self, name: str, variables: Variables) -> Derived:
        rule = self.block.rules[name]
        target = self._target(name, lambda text: translate(text, variables.find, variables.source))
        self._check(rule, target)
        cell = rule.cell(target)
        if name in self.pending:
            cell = Cell(f"CAST(NULL AS {SQL_TYPES[target.type]})", reason="'pending'", flaw=NULL)
        return Derived(name, cell)

    def _check(self, rule: Verb, target: Target) -> None:
        for complaint in rule.complaints(target):
            self.complaints.add((target.name,), complaint)

    def _target(
        self, name: str, formula: Callable[[str], Typed] = lambda text: Typed("NULL", "any")
    ) -> Target:
        variable = self.dictionary.variables.get(name)
        if variable is None or variable.entity != self.entity:
            known = [one.name for one in self.dictionary.of_entity(self.entity)]
            raise ExpressionError(f"{name!r} is no variable of {self.entity}; {suggest(name, known)}")
        return Target(
            name,
            variable.type,
            tuple(self.dictionary.code_lists.get(variable.code_list, ())),
            column=self.columns.find,
            expand=self.columns.expand,
            formula=formula,
            conversion=partial(self._conversion, variable),
            flag_columns=self._is_flag,
        )

    def _conversion(self, variable: Variable, unit: str) -> Conversion:
        try:
            return self.dictionary.units.conversion(unit, variable.unit, variable.name)
        except ValueError as error:
            raise ExpressionError(str(error)) from error

    def _is_flag(self, reference: str) -> bool:
        """Return whether the source declares a column as yesno, truefalse or checkbox."""
        tables, column = self.block.columns_of(reference)
        return any((table, column) in self.flags for table in tables)


@dataclass
class Sharing:
    """The parts of one variable's SQL that are computed once, each in a column of a step before; what it reads."""

    name: str
    known: Columns
    parts: list[Shared] = field(default_factory=list)
    columns_read: dict[str, None] = field(default_factory=dict)

    def column(self, reference: str) -> str:
        """Return the SQL of a column, noting that the variable reads it."""
        name = self.known.name_of(reference, by_rule=True)
        self.columns_read[name] = None
        return f"r.{identifier(name)}"

    def add(self, sql: str) -> str:
        """Return the column that holds what `sql` gives."""
        if same := next((part.name for part in self.parts if part.sql == sql), None):
            return f"r.{identifier(same)}"
        before = [part.level for part in self.parts if f"r.{identifier(part.name)}" in sql]
        made = Shared(f"{self.name}|{len(self.parts) + 1}", sql, max(before, default=-1) + 1)
        self.parts.append(made)
        return f"r.{identifier(made.name)}"


def repeats_of(rule: Verb, target: Target) -> Repeats | None:
    """Return how a rule reduces the rows of a key, None where they must agree."""
    if not isinstance(rule, Reduce):
        return None
    return Repeats(rule.pick, rule.order(target) or "", target.codes)
