"""How one asset is made: spec, checks, inputs, and a body that is one call into steps/. Which assets exist: line.py."""

# No `from __future__ import annotations` here: Dagster compares the annotation of `context` with the class itself.
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from omics_orchestrator.checks import AnyCheck
from omics_orchestrator.orchestration import describe, progress
from omics_orchestrator.orchestration.checks import check_results, check_specs, stops
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.retries import told
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace

Inputs = Mapping[str, pa.Table]
Body = Callable[[Workspace, str, Inputs], StepResult]  # workspace, run id, upstream tables by input name
TABLES = "tables"  # resource key of the I/O manager
UNSOUND = (
    "-unsound"  # ends the data version of what must not go on: the same content, once sound, is another one
)
SIGNATURE = "omics/signature"  # metadata: what the source looked like when it was read


def make_asset(
    spec: dg.AssetSpec,
    body: Body,
    *,
    layer: str,
    inputs: Mapping[str, dg.AssetKey] | None = None,
    declared_checks: Mapping[str, AnyCheck] | None = None,
    signature: Callable[[Workspace], str] | None = None,
    pool: str | None = None,
) -> dg.AssetsDefinition:
    """Return the asset of `spec`. Its tables go to the I/O manager; registry and matrices write their own stores.

    `inputs` names the upstream tables that the body reads; dependencies that are only an order stand in `spec.deps`.
    """
    checks = check_specs(layer, spec.key, declared_checks or {})
    writes_tables = layer in {"raw", "harmonised", "dataset", "identity", "warehouse"}

    # Without a return annotation: Dagster would take it for the type of an output.
    def run(context: dg.AssetExecutionContext, **tables: pa.Table):  # type: ignore[no-untyped-def]  # noqa: ANN202
        with told(context.run, context.retry_number):
            workspace = current_workspace()
            seen = {SIGNATURE: signature(workspace)} if signature else {}
            result = body(workspace, context.run.run_id, tables)
        progress.tell(spec.key)
        reported = _reported(spec, result, seen, checks)
        return reported._replace(value=result) if writes_tables else reported

    run.__name__ = "__".join(spec.key.path)
    if not writes_tables:
        return dg.multi_asset(name=run.__name__, specs=[spec], check_specs=checks, pool=pool)(run)
    ins = {name: dg.AssetIn(key) for name, key in (inputs or {}).items()}
    made: dg.AssetsDefinition = dg.asset(
        **_options(spec), ins=ins, io_manager_key=TABLES, check_specs=checks, pool=pool
    )(run)
    return made


def _reported(
    spec: dg.AssetSpec, result: StepResult, seen: Mapping[str, str], checks: Sequence[dg.AssetCheckSpec]
) -> dg.MaterializeResult[Any]:
    results = check_results(checks, result.findings)
    unsound = UNSOUND if stops(checks, results) else ""
    return dg.MaterializeResult(
        asset_key=spec.key,
        metadata={
            **result.facts,
            **describe.pictures(result.pictures),
            **seen,
            **describe.columns_of(spec, result),
            "dagster/row_count": result.rows,
            "touched": result.touched,
        },
        data_version=dg.DataVersion(f"{result.data_version}{unsound}"),
        check_results=results,
    )


def _options(spec: dg.AssetSpec) -> dict[str, Any]:
    """Return what `@asset` takes of a spec (only `@multi_asset` takes it whole, and without an I/O manager)."""
    names = ("key", "deps", "code_version", "group_name", "description", "metadata", "kinds", "owners")
    tags = {name: value for name, value in spec.tags.items() if not name.startswith("dagster/kind/")}
    of_spec = {name: getattr(spec, name) for name in names}
    return {
        **of_spec,
        "tags": tags,
        "automation_condition": spec.automation_condition,
        "freshness_policy": spec.freshness_policy,
    }
