"""Whether rules and checks of an entity fit the dictionary: variables, codes, units, names in expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from collections.abc import Mapping as Dict

from omics_orchestrator.dictionary import KEYS, Dictionary, Variable
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place, Tree
from omics_orchestrator.dictionary.thresholds import PREFIX as THRESHOLD
from omics_orchestrator.studies.dating import REFERENCE_DATE, needs
from omics_orchestrator.studies.families import below
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator.studies.mapping import EntityBlock, Mapping
from omics_orchestrator.verbs import Target, Verb
from omics_orchestrator.verbs.coalesce import Coalesce
from omics_orchestrator.verbs.number import Number
from omics_orchestrator.verbs.reduce import Reduce
from omics_orchestrator.verbs.text import Text


class RuleCheck:
    """Holds rules against the dictionary; an id grammar that could not be read is None."""

    def __init__(
        self, document: Document, mapping: Mapping, dictionary: Dictionary, grammar: IdGrammar | None
    ) -> None:
        self.document = document
        self.mapping = mapping
        self.dictionary = dictionary
        self.grammar = grammar

    def run(self, entity: str, block: EntityBlock, *, redcap: bool) -> None:
        """Note every mistake in a block; `redcap`: its columns may be declared yesno or checkbox."""
        for name, rule in block.rules.items():
            place: Place = (entity, name)
            variable = self.dictionary.variables.get(name)
            if variable is None:
                message = f"{name!r} is not a variable of the dictionary"
                self.document.complain(place, message, suggest(name, self.dictionary.variables))
            elif variable.entity != entity:
                message = f"{name!r} is a variable of {variable.entity}, not of {entity}"
                self.document.complain(place, message, f"its rule belongs under {variable.entity}:")
            else:
                self.rule(place, rule, variable, redcap=redcap)
            for expression in rule.expressions():
                self.expression(place, expression, entity)
        for name, check in block.checks.items():
            self.expression((entity, "checks", name, "expect"), check.expect, entity)
        computed = {name: needs(rule, entity) for name, rule in block.rules.items() if rule.reads_variables}
        for circle in circles(computed):
            message = f"the rule needs its own result: {' → '.join((*circle, circle[0]))}"
            allowed = "compute one of them from source columns or from other variables"
            self.document.complain((entity, circle[0]), message, allowed)

    def rule(self, place: Place, rule: Verb, variable: Variable, *, redcap: bool) -> None:
        """Ask the verb what it cannot make of this variable, and the unit table about units."""
        codes = tuple(self.dictionary.code_lists.get(variable.code_list, ()))
        target = Target(variable.name, variable.type, codes, flag_columns=lambda _: redcap)
        for complaint in rule.complaints(target):
            message, _, allowed = complaint.partition("; ")
            self.document.complain(self.spot(place, message), message, allowed)
        units = self.dictionary.units
        for verb in parts(rule):
            given = verb.unit if isinstance(verb, Number) else None
            try:
                if given is not None:
                    units.conversion(given, variable.unit, variable.name)
            except ValueError as error:
                message, _, allowed = str(error).partition("; ")
                self.document.complain(self.stands(place, given or ""), message, allowed)

    def expression(self, place: Place, text: str, entity: str) -> None:
        """Every name in an expression is a variable that the entity has here, or one of the participant."""
        from omics_orchestrator.verbs.expression import names, source_calls  # noqa: PLC0415 - loads the SQL parser

        try:
            found = names(text)
        except ValueError as error:
            message, _, allowed = str(error).partition("; ")
            self.document.complain(self.stands(place, text), message, allowed)
            return
        known = self.names_for(entity)
        columns = {column for _, column in source_calls(text)}
        for name in found:
            if name in columns:
                continue  # a source column, sought where the delivery is known
            if name not in known and not (self.grammar is None and name.startswith("participant_id.")):
                message = f"{name!r} is not a variable that this study has for {entity}"
                self.document.complain(self.stands(place, text), message, suggest(name, known))

    def names_for(self, entity: str) -> set[str]:
        """Return the names that an expression of this entity may hold."""
        groups = re.compile(self.grammar.pattern).groupindex if self.grammar else {}
        known = {*self.has(entity), *KEYS[entity], *(f"participant_id.{group}" for group in groups)}
        known |= {f"{THRESHOLD}{name}" for name in self.dictionary.thresholds}
        known.add(REFERENCE_DATE)
        if entity != "participant":
            known |= {f"participant.{name}" for name in self.has("participant")}
        return known

    def has(self, entity: str) -> Iterator[str]:
        """Yield the variables of an entity that rules (also broken ones) or `none:` give it."""
        block = self.mapping.entities.get(entity)  # type: ignore[call-overload]
        kept = block.rules if block else ()
        for name in (*self.document.section(entity), *kept, *self.document.section("none")):
            variable = self.dictionary.variables.get(name)
            if variable and variable.entity == entity:
                yield name

    def spot(self, place: Place, message: str) -> Place:
        """Return where below a rule the word stands that a message quotes first; else the rule itself."""
        quoted = re.search(r"'([^']*)'", message)
        return self.stands(place, quoted[1]) if quoted else place

    def stands(self, place: Place, word: str) -> Place:
        """Return where below a rule, or in the map that it names, a word stands; else the rule itself."""
        rule = self.tree(place)
        named = str(rule.get("map")) if isinstance(rule, dict) else ""
        maps = self.document.section("maps")
        for tree, start in ((rule, place), (maps.get(named), ("maps", named))):
            for at, found in below(tree, start):
                if word in (at[-1], found):
                    return at
        return place

    def tree(self, place: Place) -> Tree:
        """Return what stands at a place of the document; the rule of a kept column stands nowhere."""
        tree: Tree = self.document.tree
        for part in place:
            tree = tree.get(str(part)) if isinstance(tree, dict) else None
        return tree


def circles(computed: Dict[str, Set[str]]) -> Iterator[tuple[str, ...]]:
    """Yield circles of variables that need each other: each variable is told in one circle at most.

    >>> list(circles({"a": {"b"}, "b": {"c"}, "c": {"b", "x"}, "d": {"d"}}))
    [('b', 'c'), ('d',)]
    """
    done: set[str] = set()
    for start in computed:
        path = [start]
        waiting = [iter(sorted(computed[start]))]
        while path:
            name = next(waiting[-1], None)
            if name is None:
                done.add(path.pop())
                waiting.pop()
            elif name in path:
                circle = path[path.index(name) :]
                if not done & set(circle):
                    yield tuple(circle)
                done.update(circle)
            elif name in computed and name not in done:
                path.append(name)
                waiting.append(iter(sorted(computed[name])))


def parts(rule: Verb) -> Iterator[Verb]:
    """Yield a rule and the rules inside it."""
    yield rule
    inside = (
        rule.parts if isinstance(rule, Coalesce | Text) else (rule.inner,) if isinstance(rule, Reduce) else ()
    )
    for part in inside:
        yield from parts(part)
