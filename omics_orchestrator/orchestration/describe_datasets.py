"""What the UI shows of a published dataset, read off its declaration: what it is in plain words, columns, lineage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.orchestration.describe import LINEAGE, limited
from omics_orchestrator.steps.release_notes import last_note, moment
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.datasets import DatasetColumn, columns_of, entities_of


def description(study: Study, name: str) -> str:
    """Say what a row is, what is repeated on it, up to which day time counts, and how to get it."""
    declared = study.datasets[name]
    entities = entities_of(declared, study.mapping)
    with_ = [f"the {entity}'s variables repeated" for entity in entities if entity == "participant"]
    with_ += ["its first sample's variables"] if "sample" in entities else []
    beside = "; ".join(with_) if declared.entity != "participant" else ""
    day = declared.reference_date
    told = [
        f"**{study.title}**: {declared.description or f'published dataset `{name}`'}. One row per {declared.entity}"
        + (f", {beside}." if beside else "."),
        f"What counts time counts to {day.isoformat()}." if day else "It has no reference date.",
        f'`load("dataset/{study.study}/{name}")` · `omics export dataset/{study.study}/{name} {name}.csv`',
    ]
    return limited(study, " ".join(told[:2]) + f"\n\n{told[2]}", dataset=name)


def metadata(study: Study, name: str, dictionary: Dictionary) -> dict[str, Any]:
    """Return column schema and column lineage of a dataset: the same whatever the data happen to hold."""
    columns = columns_of(study.datasets[name], study.mapping, dictionary)
    lineage = {
        column.name: [
            dg.TableColumnDep(dg.AssetKey(["harmonised", study.study, column.entity]), column.variable)
        ]
        for column in columns
    }
    return {
        "dagster/column_schema": dg.TableSchema(columns=[_published(dictionary, one) for one in columns]),
        LINEAGE: dg.TableColumnLineage(lineage),
    }


def release_note(workspace: Workspace, key: Sequence[str]) -> dict[str, dg.MarkdownMetadataValue]:
    """Return what changed in a dataset last, for the page of its materialisation; nothing for other assets."""
    if key[0] != "dataset":
        return {}
    note = last_note(workspace, *key[1:])
    return {"release_notes": dg.MetadataValue.md(f"{moment(note.at)}\n\n{note.text}")} if note else {}


def _published(dictionary: Dictionary, column: DatasetColumn) -> dg.TableColumn:
    codes = list(column.codes.values()) or list(dictionary.code_lists.get(_list_of(dictionary, column), ()))
    shown = f": {', '.join(codes)}" if codes and column.role == "value" else ""
    named = f" (`{column.variable}`)" if column.variable != column.name else ""
    return dg.TableColumn(column.name, column.type, description=f"{column.label}{named}{shown}")


def _list_of(dictionary: Dictionary, column: DatasetColumn) -> str:
    variable = dictionary.variables.get(column.variable)
    return variable.code_list if variable else ""
