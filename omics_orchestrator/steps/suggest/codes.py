"""Two code lists beside each other: which code of the source means which of the dictionary, by their labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from omics_orchestrator.dictionary import Dictionary, MissingReason, Variable
from omics_orchestrator.dictionary.similarity import Similarity, spoken

SURE = 0.999  # the likeness of labels with the same words, in whatever order
ALIKE = 0.55  # the least likeness of two labels that are taken for the same
BOOLEAN = "yes or no"
YES_NO = {"yes": "Yes", "no": "No"}
SAME = {"yes": ("true", "y", "checked"), "no": ("false", "n", "unchecked")}
NEGATED = re.compile(r"\b(no|non|not|never|without|un\w*inflamed)\b")
Scores = npt.NDArray[np.float64]
REASONS: tuple[tuple[MissingReason, re.Pattern[str]], ...] = (
    ("refused", re.compile(r"^(refused|prefer not (to|say).*|declined.*)$")),
    ("not_done", re.compile(r"^not (done|tested|performed|measured|taken)$")),
    ("not_asked", re.compile(r"^not asked$")),
    ("not_collected", re.compile(r"^(not (collected|available|recorded)|n a|missing)$")),
    (
        "unknown",
        re.compile(
            r"^(unknown|not known|don t know|do not know|unsure|not sure|not stated|not reported|no information|unk)$"
        ),
    ),
)


@dataclass(frozen=True)
class Recoding:
    """How a code list becomes that of a variable.

    Attributes:
        map: code of the source → code of the dictionary.
        missing: code of the source → why the value is missing.
        open: codes of the source for which nothing fits; a person decides.
        alike: those of `map` whose labels are only alike, not the same; a person looks.
        overlap: labels in common, twice, of all that both lists have: 0 to 1.
    """

    map: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, MissingReason] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    overlap: float = 0.0


class CodeList:
    """The codes of the dictionary that a variable may hold, prepared for comparison.

    Args:
        codes: code → label.
    """

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = tuple(codes)
        self.said = {code: spoken(label) for code, label in codes.items()}
        self._said = [_ways(code, label) for code, label in codes.items()]
        self._negated = [_is_negated(spoken(label)) for label in codes.values()]
        self._labels = Similarity(list(codes.values()))

    def share_of(self, labels: Collection[str]) -> float:
        """Return which share of the labels says the same as one here, to the letter; one alone says nothing."""
        found = sum(any(spoken(label) in said for said in self._said) for label in labels)
        return found / len(labels) if found > 1 else 0.0

    def likeness(self, labels: Sequence[str]) -> Scores:
        """Return how alike labels of a source are to those here: 1 = the same words, 0 = one of them is negated."""
        alike = self._labels.to(labels)
        for row, said in enumerate(map(spoken, labels)):
            for column, ways in enumerate(self._said):
                if said in ways:
                    alike[row, column] = 1.0
                elif _is_negated(said) != self._negated[column]:
                    alike[row, column] = 0.0  # `non-IBD` is not `IBD`, whatever letters they share
        return alike


def code_lists(dictionary: Dictionary) -> dict[str, CodeList]:
    """Return every code list by its name; that of a boolean is `BOOLEAN`."""
    lists = {name: CodeList(codes) for name, codes in dictionary.code_lists.items()}
    return {**lists, BOOLEAN: CodeList(YES_NO)}


def list_of(variable: Variable) -> str:
    """Return the name of the code list that a variable has; '' = none."""
    return BOOLEAN if variable.type == "boolean" else variable.code_list


def recoding(choices: Mapping[str, str], codes: CodeList) -> Recoding:
    """Return the proposal: the likest labels are matched first, each code of the dictionary serves once.

    A label that says nothing (`Unknown`, `Not done`) becomes a reason for a missing value, unless it is a code.

    Args:
        choices: code → label in the source.
        codes: those of the dictionary.
    """
    if not choices or not codes.codes:
        return Recoding()
    keys = list(choices)
    alike = codes.likeness(list(choices.values()))
    found: dict[str, str] = {}
    unsure = []
    for place in np.argsort(-alike, axis=None, kind="stable"):
        row, column = divmod(int(place), len(codes.codes))
        if alike[row, column] < ALIKE:
            break
        if keys[row] not in found and codes.codes[column] not in found.values():
            found[keys[row]] = codes.codes[column]
            unsure += [keys[row]] if alike[row, column] < SURE else []
    left = {key: _reason(choices[key]) for key in keys if key not in found}
    missing = {key: reason for key, reason in left.items() if reason}
    asked = len(keys) - len(missing)
    overlap = 2 * len(found) / (asked + len(codes.codes)) if found else 0.0
    mapped = {key: found[key] for key in keys if key in found}
    undecided = tuple(key for key, reason in left.items() if not reason)
    return Recoding(mapped, missing, undecided, tuple(unsure), overlap)


def _ways(code: str, label: str) -> frozenset[str]:
    """Return how a code may be said: itself, its label, the parts of it around brackets, `;` and `or`."""
    parts = (label, code, *re.split(r"[();]|also:|\bor\b", label), *SAME.get(code, ()))
    return frozenset(spoken(part) for part in parts if spoken(part))


def _is_negated(said: str) -> bool:
    return bool(NEGATED.search(said))


def _reason(label: str) -> MissingReason | None:
    said = spoken(label)
    return next((reason for reason, pattern in REASONS if pattern.match(said)), None)
