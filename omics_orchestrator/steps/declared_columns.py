"""What a dataset's declaration says of each column, as a plain tree that is kept with what a publication changed.

No value of a participant is in it: names, units, codes, labels and rules, as dictionary and mapping have them.
"""

from __future__ import annotations

from typing import Any

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.steps.rule_text import readable
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.datasets import DatasetColumn, columns_of, entities_of

OF_ROWS = {"from_", "stack", "key", "where", "join", "reshape", "missing", "blank"}  # words that make rows


def declared_columns(study: Study, name: str, dictionary: Dictionary) -> dict[str, Any]:
    """Return what is declared of a dataset: `columns`, `rows` (entity → how they are made), `reference_date`."""
    dataset = study.datasets[name]
    columns = columns_of(dataset, study.mapping, dictionary)
    blocks = {
        entity: study.mapping.entities.get(entity)  # type: ignore[call-overload]
        for entity in entities_of(dataset, study.mapping)
    }
    day = dataset.reference_date
    return {
        "reference_date": day.isoformat() if day else None,
        "rows": {entity: _rows(block) for entity, block in blocks.items() if block},
        "columns": {column.name: _column(study, column, dictionary) for column in columns},
    }


def _rows(block: EntityBlock) -> str:
    return readable(block.model_dump(mode="json", by_alias=True, exclude_unset=True, include=OF_ROWS))


def _column(study: Study, column: DatasetColumn, dictionary: Dictionary) -> dict[str, Any]:
    told: dict[str, Any] = {
        "is": f"{column.variable}/{column.role}",
        "role": column.role,
        "type": column.type,
    }
    variable = dictionary.variables.get(column.variable)
    if column.role != "value" or variable is None:
        return told
    codes = list(column.codes.values()) or list(dictionary.codes(column.variable))
    return {
        **told,
        "variable": column.variable,
        "label": variable.label,
        "unit": (variable.unit or "").strip("{}"),
        "codes": codes,
        "rule": _rule(study, column),
    }


def _rule(study: Study, column: DatasetColumn) -> str:
    """Return how the mapping makes a variable; one that `none:` lists with the reason."""
    block = study.mapping.entities.get(column.entity)  # type: ignore[call-overload]
    if block and (rule := block.rules.get(column.variable)):
        return readable(rule.model_dump(mode="json", by_alias=True, exclude_unset=True))
    absent = study.mapping.none.get(column.variable)
    return f"none: {absent.reason}" if absent else ""
