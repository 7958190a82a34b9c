"""Which assets a study has: raw → harmonised → dataset, files → matrix, and the warehouse over all studies.

Everything is read off the declarations; no source or database is asked when the code location loads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from omics_orchestrator.dictionary import ENTITIES, Dictionary, Entity
from omics_orchestrator.orchestration import describe, describe_datasets, pools
from omics_orchestrator.orchestration.assets import Inputs, make_asset
from omics_orchestrator.orchestration.checks import check_specs
from omics_orchestrator.orchestration.materialise import failed
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.build import build
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.harmonise import harmonise
from omics_orchestrator.steps.identity.step import check_identity
from omics_orchestrator.steps.integrate import integrate
from omics_orchestrator.steps.pseudonymise import source_signature
from omics_orchestrator.steps.publish import publish
from omics_orchestrator.steps.register import assay_signature, register
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Catalogue, Study, versions
from omics_orchestrator.studies.datasets import dataset_version, entities_of
from omics_orchestrator.studies.identity import before_identity, identity_version

# Nightly only the sources are read; what lies downstream runs when the content of its upstream did change.
CHANGED: dg.AutomationCondition[Any] = (
    dg.AutomationCondition.missing().newly_true()
    | dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    | dg.AutomationCondition.code_version_changed()
)
FOLLOWS = (
    CHANGED.since_last_handled()
    & ~dg.AutomationCondition.any_deps_missing()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
)
UNITES = (
    CHANGED.since_last_handled()
    & dg.AutomationCondition.any_deps_match(~dg.AutomationCondition.missing())
    & ~dg.AutomationCondition.any_deps_missing().allow(dg.AssetSelection.key_prefixes(["warehouse"]))
    & ~dg.AutomationCondition.any_deps_in_progress()
)  # a study that was never read, or whose table is not sound, holds back its own rows only
CODE_CHANGED: dg.AutomationCondition[Any] = dg.AutomationCondition.code_version_changed()
DECLARED = (
    CODE_CHANGED.since_last_handled()
)  # of sources: whether they changed is the other sensors' question


def study_assets(study: Study, dictionary: Dictionary, settings: Settings) -> list[dg.AssetsDefinition]:
    """Return every asset of one study, upstream first."""
    assets = [
        _raw(study, source, table, pools.of_source(settings, study, source))
        for source, table in study.raw_tables()
    ]
    assets += [_harmonised(study, entity, dictionary) for entity in study.mapping.entities]
    assets += [_dataset(study, name, dictionary) for name in study.datasets]
    for assay in study.assays:
        assets.append(_files(study, assay))
        if study.assays[assay].format.matrix:
            assets.append(_matrix(study, assay))
    if study.assays:
        assets.append(_identity(study, dictionary))
    return assets


def warehouse_assets(
    studies: Iterable[Study], dictionary: Dictionary, catalogue: Catalogue
) -> list[dg.AssetsDefinition]:
    """Return one asset per entity of the dictionary; the catalogue tells whose rows count.

    Also for an entity that no study has any more: its table must lose the rows of the study that had it last.
    """
    listed = list(studies)
    entities = [entity for entity in ENTITIES if listed and dictionary.of_entity(entity)]
    return [_warehouse(entity, listed, dictionary, catalogue) for entity in entities]


def _raw(study: Study, source: str, table: str, pool: str | None) -> dg.AssetsDefinition:
    def body(workspace: Workspace, run_id: str, _: Inputs) -> StepResult:
        return extract(workspace, study, source, table, run_id=run_id)

    def signature(workspace: Workspace) -> str:
        return source_signature(workspace, study, source)

    spec = dg.AssetSpec(
        dg.AssetKey(["raw", study.study, source, table]),
        description=describe.raw(study, source, table),
        code_version=versions.raw(study, source, table),
        metadata=describe.raw_metadata(study, source, table),
        freshness_policy=describe.freshness(study),
        automation_condition=DECLARED,
        **describe.common(study, study.sources[source].kind, "postgres"),
    )
    return make_asset(spec, body, layer="raw", signature=signature, pool=pool)


def _harmonised(study: Study, entity: Entity, dictionary: Dictionary) -> dg.AssetsDefinition:
    block = study.mapping.entities[entity]
    read = {name: study.place(block.table_of(name)) for name in block.tables()}
    inputs = {"__".join(place): dg.AssetKey(["raw", study.study, *place]) for place in read.values()}
    if entity != "participant" and "participant" in study.mapping.entities:
        inputs["participants"] = _harmonised_key(study, "participant")

    def body(workspace: Workspace, run_id: str, tables: Inputs) -> StepResult:
        raw = {reference: tables["__".join(place)] for reference, place in read.items()}
        return harmonise(workspace, study, entity, raw, tables.get("participants"), run_id=run_id)

    spec = dg.AssetSpec(
        _harmonised_key(study, entity),
        description=describe.harmonised(study, entity),
        code_version=versions.harmonised(study, entity, dictionary),
        metadata=describe.harmonised_metadata(study, entity, dictionary),
        automation_condition=FOLLOWS,
        **describe.common(study, "duckdb", "postgres"),
    )
    return make_asset(spec, body, layer="harmonised", inputs=inputs, declared_checks=block.checks)


def _dataset(study: Study, name: str, dictionary: Dictionary) -> dg.AssetsDefinition:
    inputs = {
        entity: _harmonised_key(study, entity) for entity in entities_of(study.datasets[name], study.mapping)
    }

    def body(workspace: Workspace, _: str, tables: Inputs) -> StepResult:
        return publish(workspace, study, name, tables)

    spec = dg.AssetSpec(
        dg.AssetKey(["dataset", study.study, name]),
        description=describe_datasets.description(study, name),
        code_version=dataset_version(study, name, dictionary),
        metadata=describe_datasets.metadata(study, name, dictionary),
        freshness_policy=describe.freshness(study),
        automation_condition=FOLLOWS,
        **describe.common(study, "duckdb", "postgres"),
    )
    return make_asset(spec, body, layer="dataset", inputs=inputs)


def _files(study: Study, assay: str) -> dg.AssetsDefinition:
    def body(workspace: Workspace, run_id: str, _: Inputs) -> StepResult:
        return register(workspace, study, assay, run_id=run_id)

    def signature(workspace: Workspace) -> str:
        return assay_signature(workspace, study, assay)

    spec = dg.AssetSpec(
        dg.AssetKey(["files", study.study, assay]),
        deps=_sample_deps(study),
        description=describe.files(study, assay),
        code_version=versions.files(study, assay),
        freshness_policy=describe.freshness(study),
        automation_condition=FOLLOWS,
        **describe.common(study, study.assays[assay].format.format, "postgres"),
    )
    return make_asset(spec, body, layer="files", signature=signature)


def _matrix(study: Study, assay: str) -> dg.AssetsDefinition:
    def body(workspace: Workspace, _: str, __: Inputs) -> StepResult:
        return build(workspace, study, assay)

    spec = dg.AssetSpec(
        dg.AssetKey(["matrix", study.study, assay]),
        deps=[dg.AssetKey(["files", study.study, assay]), *_sample_deps(study)],
        description=describe.matrix(study, assay),
        code_version=versions.matrix(study, assay),
        automation_condition=FOLLOWS,
        **describe.common(study, "anndata", "zarr"),
    )
    return make_asset(spec, body, layer="matrix")


def _identity(study: Study, dictionary: Dictionary) -> dg.AssetsDefinition:
    def body(workspace: Workspace, _: str, __: Inputs) -> StepResult:
        return check_identity(workspace, study)

    spec = dg.AssetSpec(
        dg.AssetKey(["identity", study.study]),
        deps=[dg.AssetKey(key) for key in before_identity(study, dictionary)],
        description=describe.identity(study),
        code_version=identity_version(study, dictionary),
        automation_condition=FOLLOWS,
        **describe.common(study, "postgres"),
    )
    return make_asset(spec, body, layer="identity", pool=pools.DATABASE)


def _warehouse(
    entity: Entity, studies: list[Study], dictionary: Dictionary, catalogue: Catalogue
) -> dg.AssetsDefinition:
    of_study = {
        _harmonised_key(study, entity): study for study in studies if entity in study.mapping.entities
    }
    blocking = [
        check.key
        for key, study in of_study.items()
        for check in check_specs("harmonised", key, study.mapping.entities[entity].checks)
        if check.blocking
    ]

    def body(workspace: Workspace, _: str, __: Inputs) -> StepResult:
        unsound = failed(dg.AssetExecutionContext.get().instance, blocking)
        return integrate(
            workspace, entity, [study.study for key, study in of_study.items() if key in unsound]
        )

    upstream = list(of_study)
    if entity != "participant":
        upstream.append(dg.AssetKey(["warehouse", "participant"]))
    spec = dg.AssetSpec(
        dg.AssetKey(["warehouse", entity]),
        deps=upstream,
        group_name="warehouse",
        kinds={"postgres"},
        description=f"One row per {entity} over all studies, in the dictionary's variables.",
        code_version=versions.warehouse(dictionary, entity, catalogue.united(entity)),
        metadata=describe.warehouse_metadata(entity, dictionary),
        automation_condition=UNITES,
    )
    return make_asset(spec, body, layer="warehouse", pool=pools.DATABASE)


def _harmonised_key(study: Study, entity: str) -> dg.AssetKey:
    return dg.AssetKey(["harmonised", study.study, entity])


def _sample_deps(study: Study) -> list[dg.AssetKey]:
    entity = study.linked_to()
    return [_harmonised_key(study, entity)] if entity else []
