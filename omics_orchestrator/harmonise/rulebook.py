"""The rules of an entity as rows: what made each variable, and under which version. How rules run: rules.py."""

from __future__ import annotations

import json

import pyarrow as pa

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies import Study, versions

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
            version = versions.rule(variable.name, rule, dictionary)[:SHORT]
            rows.append((variable.name, rule.verb, ", ".join(rule.references()), told, version))
    version = dictionary_version(dictionary)
    listed = [dict(zip(COLUMNS, (*row, version), strict=True)) for row in rows]
    return pa.Table.from_pylist(listed, pa.schema([(name, pa.string()) for name in COLUMNS]))


def dictionary_version(dictionary: Dictionary) -> str:
    """Return the version of the whole dictionary as people read it."""
    return dictionary.digest_of_all[:SHORT]
