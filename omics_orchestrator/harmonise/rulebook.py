"""The rules of an entity as rows: what made each variable, and under which version. How rules run: rules.py."""

from __future__ import annotations

import json

import pyarrow as pa

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.rules import parts
from omics_orchestrator.studies.study import digest_of
from omics_orchestrator.verbs import Verb

SHORT = 12  # characters of a digest that a person reads
COLUMNS = ("variable", "verb", "columns", "rule", "rule_version", "dictionary_version")


def rules_table(study: Study, entity: str, dictionary: Dictionary) -> pa.Table:
    """Return one row per variable of the block that has a rule, in the dictionary's order."""
    rules = study.mapping.entities[entity].rules  # type: ignore[index]
    rows = []
    for variable in dictionary.of_entity(entity):
        if rule := rules.get(variable.name):
            told = json.dumps(
                rule.model_dump(mode="json", by_alias=True, exclude_unset=True), ensure_ascii=False
            )
            version = rule_version(variable.name, rule, dictionary)
            rows.append((variable.name, rule.verb, ", ".join(rule.references()), told, version))
    version = dictionary_version(dictionary)
    listed = [dict(zip(COLUMNS, (*row, version), strict=True)) for row in rows]
    return pa.Table.from_pylist(listed, pa.schema([(name, pa.string()) for name in COLUMNS]))


def rule_version(name: str, rule: Verb, dictionary: Dictionary) -> str:
    """Return a digest of everything that decides what a rule gives for the same text."""
    variable = dictionary.variables[name]
    verbs = sorted({(type(verb).__name__, verb.version) for verb in parts(rule)})
    units = [
        repr(dictionary.units.conversion(unit, variable.unit, name))
        for verb in parts(rule)
        if (unit := getattr(verb, "unit", None))
    ]
    return digest_of(rule, verbs, units, dictionary.digest([name]))[:SHORT]


def dictionary_version(dictionary: Dictionary) -> str:
    """Return the version of the whole dictionary as people read it."""
    return dictionary.digest_of_all[:SHORT]
