"""What the UI shows of an asset, read off the declarations: description, columns, lineage, owners, kinds.

No participant's value appears here; row counts come with each materialisation.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from omics_orchestrator.columns import safe_name
from omics_orchestrator.dictionary import KEYS, Dictionary, Entity
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.findings import counted
from omics_orchestrator.steps.extract import ORIGINAL
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.staged import FILES
from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.caveats import caveats_about, caveats_in_words

LARGEST = 100_000  # bytes of a picture in an event
LINEAGE = "dagster/column_lineage"
KEY_LABELS = {
    "study": "study",
    "participant_id": "pseudonym of the participant, in the study's own grammar",
    "visit_id": "visit within the participant",
    "sample_id": "sample within the study",
}


def common(study: Study, *kinds: str) -> dict[str, Any]:
    """Return what all assets of a study share."""
    return {
        "group_name": study.study,
        "owners": list(study.stewards),
        "kinds": set(kinds),
        "tags": {"study": study.study},
    }


def freshness(study: Study) -> dg.FreshnessPolicy | None:
    """Return how old an asset of the study may be; None = the study is not read by a schedule.

    A warning comes an hour early, so that the nightly run that comes late is seen before it is missed.
    """
    if study.schedule is None:
        return None
    window = study.schedule.window
    return dg.FreshnessPolicy.time_window(fail_window=window, warn_window=window - timedelta(hours=1))


def limited(study: Study, description: str, **about: str) -> str:
    """Return a description with the known limitations of the whole study and of what it is about below it."""
    told = caveats_in_words(caveats_about(study, **about, whole=True))
    return f"{description}\n\n{told}" if told else description


def raw(study: Study, source: str, table: str) -> str:
    """Describe a raw table."""
    kind = study.sources[source].kind
    told = (
        f"**{study.title}**: table `{table}` of source `{source}` ({kind}), cells unchanged and all text. "
        "Only columns that a rule reads are stored."
    )
    return limited(study, told)


def raw_metadata(study: Study, source: str, table: str) -> dict[str, Any]:
    """Tell which columns are asked for and where they come from."""
    admitted = sorted(study.raw_tables()[source, table])
    return {
        "source": dg.MetadataValue.text(", ".join(study.sources[source].locations())),
        "admitted_columns": dg.MetadataValue.md(", ".join(f"`{name}`" for name in admitted)),
    }


def harmonised(study: Study, entity: Entity) -> str:
    """Describe a harmonised table."""
    rules = counted(len(study.mapping.entities[entity].rules), "variable")
    told = f"**{study.title}**: one row per {entity}, {rules} in the dictionary's words, types and units."
    return limited(study, told, entity=entity)


def harmonised_metadata(study: Study, entity: Entity, dictionary: Dictionary) -> dict[str, Any]:
    """Return column schema and column lineage of a harmonised table."""
    block = study.mapping.entities[entity]
    names = [name for name in block.rules if name in dictionary.variables]
    columns = _key_columns(KEYS[entity]) + [_column(dictionary, name) for name in names]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        LINEAGE: _lineage(study, block),
    }


def warehouse_metadata(entity: Entity, dictionary: Dictionary) -> dict[str, Any]:
    """Return the column schema of a warehouse table: every dictionary variable of the entity."""
    columns = [_column(dictionary, variable.name) for variable in dictionary.of_entity(entity)]
    return {"dagster/column_schema": dg.TableSchema(columns=_key_columns(("study", *KEYS[entity])) + columns)}


def columns_of(spec: dg.AssetSpec, result: StepResult) -> dict[str, Any]:
    """Return what the UI wants of columns with each materialisation: lineage, and the schema of a raw table."""
    told = {name: spec.metadata[name] for name in (LINEAGE,) if name in spec.metadata}
    if spec.key.path[0] == "raw":
        fields = result.writes[0].table.schema
        columns = [
            dg.TableColumn(field.name, str(field.type), description=_origin(field)) for field in fields
        ]
        told["dagster/column_schema"] = dg.TableSchema(columns=columns)
    return told


def pictures(drawn: Mapping[str, bytes]) -> dict[str, dg.MarkdownMetadataValue]:
    """Return PNG pictures as metadata; one that would burden the event log is left out and said to be."""
    return {name: dg.MetadataValue.md(_picture(name, content)) for name, content in drawn.items()}


def _picture(name: str, content: bytes) -> str:
    if len(content) > LARGEST:
        return f"`{name}` is too large to be shown here: `omics status --variables`"
    return f"![{name}](data:image/png;base64,{base64.b64encode(content).decode()})"


def _origin(field: pa.Field) -> str | None:
    """Say under which name, and with which label, a column stands in the source."""
    words = {name: value.decode() for name, value in (field.metadata or {}).items()}
    original, label = words.get(ORIGINAL), words.get(b"label")
    return f"`{original}`: {label}" if original and label else f"`{original}`" if original else None


def delivery(study: Study, name: str, tables: Sequence[str]) -> str:
    """Describe the deliveries of a source or assay."""
    applied = ", ".join(
        f"`files/{study.study}/{name}`" if table == FILES else f"`raw/{study.study}/{name}/{table}`"
        for table in tables
    )
    return (
        f"**{study.title}**: what `{name}` changed or got on a day (UTC), staged to be read again by {applied} when "
        "they run next. Nights do not need it; `omics backfill` does it in one run."
    )


def files(study: Study, assay: str) -> str:
    """Describe the registered files of an assay."""
    form = study.assays[assay].format
    told = (
        f"**{study.title}**: files of assay `{assay}`, digest taken, checked, linked to samples.\n\n"
        f"`{form.format}`: {form.explain()}"
    )
    return limited(study, told, assay=assay)


def matrix(study: Study, assay: str) -> str:
    """Describe the matrix of an assay."""
    rows = study.assays[assay].format.matrix
    told = f'**{study.title}**: {rows} × features of assay `{assay}` as AnnData; load("matrix/{study.study}/{assay}").'
    return limited(study, told, assay=assay)


def identity(study: Study) -> str:
    """Describe the identity checks of a study."""
    return (
        f"**{study.title}**: whether files are of the persons to whom they are linked, by sex, by genotypes and by "
        "content; one row per file, sample or pair."
    )


def broken(name: str, error: DeclarationError) -> dg.AssetSpec:
    """Return the placeholder of a study whose declaration cannot be used: its messages are what it shows."""
    messages = "\n".join(str(problem) for problem in error.problems)
    number = counted(len(error.problems), "problem")
    return dg.AssetSpec(
        dg.AssetKey(["study", name]),
        group_name=name,
        description=f"**Not loaded: {number} in the declaration**\n\n```\n{messages}\n```",
        kinds={"broken"},
        metadata={"problems": dg.MetadataValue.int(len(error.problems))},
    )


def unavailable(study: Study, variable: str) -> dg.AssetSpec:
    """Return the placeholder of a study whose source stores this machine does not name."""
    return dg.AssetSpec(
        dg.AssetKey(["study", study.study]),
        group_name=study.study,
        description=f"**{study.title}**: not available here. Set `{variable}` to the root of its files.",
        kinds={"unavailable"},
        metadata={"needs": dg.MetadataValue.text(variable)},
    )


def _key_columns(names: tuple[str, ...]) -> list[dg.TableColumn]:
    return [dg.TableColumn(name, "text", description=KEY_LABELS.get(name)) for name in names]


def _column(dictionary: Dictionary, name: str) -> dg.TableColumn:
    variable = dictionary.variables[name]
    unit = f" [{variable.unit.strip('{}')}]" if variable.unit else ""
    codes = dictionary.code_lists.get(variable.code_list or "", {})
    shown = f": {', '.join(codes)}" if codes else ""
    return dg.TableColumn(name, variable.type, description=f"{variable.label}{unit}{shown}")


def _lineage(study: Study, block: EntityBlock) -> dg.TableColumnLineage:
    """Return variable → the source columns that its rule reads (a column may lie in any table of the block)."""
    lineage = {}
    for name, rule in block.rules.items():
        upstream = []
        for reference in rule.references():
            tables, column = block.columns_of(reference)
            for table in tables:
                key = dg.AssetKey(["raw", study.study, *study.place(block.table_of(table))])
                upstream.append(dg.TableColumnDep(asset_key=key, column_name=safe_name(column)))
        lineage[name] = upstream
    return dg.TableColumnLineage(lineage)
