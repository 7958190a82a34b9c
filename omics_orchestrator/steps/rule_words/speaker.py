"""What the words of every verb are made with: the variable, the tables of its block, the dictionary."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.missing import MissingReason
from omics_orchestrator.steps.rule_words.phrases import REASONS, Told, clean, code, listed, quoted
from omics_orchestrator.steps.rule_words.places import Places
from omics_orchestrator.steps.unit_print import in_print
from omics_orchestrator.verbs import Verb

LONGEST_LABEL = 60


@dataclass(frozen=True)
class Speaker:
    """Tells the rules of one variable.

    Attributes:
        variable: what the rule makes.
        places: where columns lie.
        dictionary: labels, units, cut-offs.
        known: the names that are variables in expressions, and no source columns.
        speeches: verb → what tells it.
    """

    variable: Variable
    places: Places
    dictionary: Dictionary
    known: Collection[str]
    speeches: Mapping[type[Verb], Speech]

    def tell(self, rule: Verb) -> Told:
        """Return what is said of a rule, also of one within another."""
        return self.speeches[type(rule)](self, rule)

    def columns(self, references: Iterable[str]) -> str:
        """Return columns with their table."""
        return self.places.columns(references)

    def value(self, text: str) -> str:
        """Return a value of the variable as people say it: the label of a code, where it is short."""
        label = self.dictionary.code_lists.get(self.variable.code_list, {}).get(text, text)
        return clean(label) if len(label) <= LONGEST_LABEL else code(text)

    @property
    def unit(self) -> str:
        """The unit of the variable as it is printed."""
        return in_print(self.variable.unit)

    def as_text(self) -> Speaker:
        """Return the same for a part of a text: it is read as text, whatever the variable is."""
        return replace(self, variable=self.variable.model_copy(update={"type": "text", "code_list": ""}))


Speech: TypeAlias = Callable[[Speaker, Any], Told]


def missing_words(missing: Mapping[str, MissingReason], *, says: str = "the source says") -> tuple[str, ...]:
    """Return the sentence on words that stand for a missing value, if there are any."""
    by_reason: dict[MissingReason, list[str]] = {}
    for word, reason in missing.items():
        if word != "*":
            by_reason.setdefault(reason, []).append(quoted(word))
    told = [f"{listed(words, 'or')} ({REASONS[reason]})" for reason, words in by_reason.items()]
    if "*" in missing:
        told.append(f"anything else that the rule does not know ({REASONS[missing['*']]})")
    return (f"No value where {says} {' or '.join(told)}",) if told else ()
