"""The data dictionary: what canonical variables, codes, units, assays are. What studies make of it: studies/.

Also here, because both layers read declarations by them: the strict YAML and CSV readers and the words for
mistakes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from omics_orchestrator.dictionary.assays import AssayKind, read_assays
from omics_orchestrator.dictionary.missing import MISSING_REASONS, MissingReason
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.scores import ScoreRule, check_scores, read_scores
from omics_orchestrator.dictionary.thresholds import Threshold, read_thresholds
from omics_orchestrator.dictionary.ucum import Conversion
from omics_orchestrator.dictionary.units import Units, read_units
from omics_orchestrator.dictionary.variables import (
    ENTITIES,
    KEYS,
    Entity,
    Variable,
    VariableType,
    codes_of,
    read_code_lists,
    read_variables,
)

__all__ = [
    "ENTITIES",
    "KEYS",
    "MISSING_REASONS",
    "AssayKind",
    "Conversion",
    "Dictionary",
    "Entity",
    "MissingReason",
    "ScoreRule",
    "Threshold",
    "Units",
    "Variable",
    "VariableType",
    "load_dictionary",
]


@dataclass(frozen=True)
class Dictionary:
    """Everything canonical; variable names are unique over all entities."""

    variables: Mapping[str, Variable]
    code_lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    assays: Mapping[str, AssayKind] = field(default_factory=dict)
    units: Units = field(default_factory=Units)
    scores: Mapping[str, ScoreRule] = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    def of_entity(self, entity: str) -> tuple[Variable, ...]:
        """Return the entity's variables in the dictionary's order."""
        return tuple(variable for variable in self.variables.values() if variable.entity == entity)

    def codes(self, name: str) -> tuple[str, ...]:
        """Return the codes that a variable may hold: its code list, `yes` and `no`, or nothing."""
        return tuple(codes_of(self.variables[name], self.code_lists))

    def digest(self, names: Iterable[str]) -> str:
        """Return the digest of these variables and of the code lists that they use."""
        variables = [self.variables[name] for name in sorted(set(names) & self.variables.keys())]
        lists = {
            name: dict(self.code_lists.get(name, {})) for name in sorted({v.code_list for v in variables})
        }
        return hashlib.sha256(repr(([repr(variable) for variable in variables], lists)).encode()).hexdigest()

    @cached_property
    def digest_of_all(self) -> str:
        """The digest of the whole dictionary: all that a declaration could have been checked against."""
        rest = repr(
            (repr(self.units), sorted(self.assays.items()), self.code_lists, self.scores, self.thresholds)
        )
        return hashlib.sha256((self.digest(self.variables) + rest).encode()).hexdigest()


def load_dictionary(folder: Path) -> Dictionary:
    """Read the dictionary of `folder`.

    Raises:
        DeclarationError: naming every mistake in all of its files.
    """
    problems = Problems()
    lists = read_code_lists(folder / "code_lists.csv", problems)
    units = read_units(folder / "units.csv", folder / "molar_masses.csv", problems)
    variables = read_variables(folder / "variables.csv", lists, units, problems)
    assays = read_assays(folder / "assays.yaml", problems)
    scores = read_scores(folder / "scores.yaml", problems)
    thresholds = read_thresholds(folder / "thresholds.yaml", problems, units.canonical)
    problems.raise_if_any()
    found = Dictionary(variables, lists, assays, units, scores, thresholds)
    codes = {name: found.codes(name) for name in variables}
    check_scores(folder / "scores.yaml", scores, codes, thresholds, problems)
    problems.raise_if_any()
    return found
