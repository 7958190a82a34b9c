"""Which assets must run, and why: the same rule that Dagster shows as "stale", plus sources that changed outside.

Only public facts of materialisations are read (code version, data version, versions of inputs); deciding to run is not
done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import AssetMaterialization

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.orchestration.assets import SIGNATURE

CODE = "dagster/code_version"
DATA = "dagster/data_version"
INPUT = "dagster/input_data_version/"
NO_ANSWER = "source does not answer"
NEVER = "never materialised"
WAREHOUSE = "warehouse"  # unites studies; each may be absent


@dataclass(frozen=True)
class Node:
    """What the asset graph says of one asset. `signature` is None for assets that read no source."""

    key: dg.AssetKey
    parents: frozenset[dg.AssetKey]
    code_version: str | None
    signature: Callable[[], str] | None = None
    blocking_checks: tuple[dg.AssetCheckKey, ...] = ()

    @property
    def needed(self) -> frozenset[dg.AssetKey]:
        """The parents without which it cannot run: of the warehouse no study is."""
        if self.key.path[0] != WAREHOUSE:
            return self.parents
        return frozenset(parent for parent in self.parents if parent.path[0] == WAREHOUSE)


def nodes_of(
    assets: Iterable[dg.AssetsDefinition], signatures: Mapping[dg.AssetKey, Callable[[], str]]
) -> list[Node]:
    """Return the nodes of the materialisable assets, upstream first."""
    defined = list(assets)
    specs = {spec.key: spec for asset in defined for spec in asset.specs}
    blocking = {
        key: tuple(check.key for check in asset.check_specs if check.blocking)
        for asset in defined
        for key in asset.keys
    }
    order: list[dg.AssetKey] = []

    def visit(key: dg.AssetKey) -> None:
        if key in specs and key not in order:
            for dep in specs[key].deps:
                visit(dep.asset_key)
            order.append(key)

    for key in specs:
        visit(key)
    return [
        Node(
            key,
            frozenset(dep.asset_key for dep in specs[key].deps if dep.asset_key in specs),
            specs[key].code_version,
            signatures.get(key),
            blocking.get(key, ()),
        )
        for key in order
    ]


def reasons(instance: dg.DagsterInstance, nodes: Sequence[Node]) -> dict[dg.AssetKey, str]:
    """Return asset → why it must run, for those of `nodes` that must."""
    events = instance.get_latest_materialization_events({node.key for node in nodes})
    latest = {key: event.asset_materialization for key, event in events.items() if event is not None}
    found = {node.key: _reason(node, latest) for node in nodes}
    return {key: reason for key, reason in found.items() if reason}


def _reason(node: Node, latest: Mapping[dg.AssetKey, AssetMaterialization | None]) -> str:
    last = latest.get(node.key)
    if last is None:
        return NEVER
    tags = last.tags or {}
    if tags.get(CODE) != node.code_version:
        return "declaration or code changed"
    used = {name.removeprefix(INPUT): version for name, version in tags.items() if name.startswith(INPUT)}
    if set(used) != {parent.to_user_string() for parent in node.parents}:
        return "other upstream assets"
    for parent in node.parents:
        upstream = latest.get(parent)
        if upstream and (upstream.tags or {}).get(DATA) != used[parent.to_user_string()]:
            return "upstream content changed"
    return _of_source(node, last) if node.signature else ""


def _of_source(node: Node, last: AssetMaterialization) -> str:
    """Tell whether the source is another than when it was read; one that does not answer is asked by running."""
    try:
        now = node.signature() if node.signature else ""
    except OmicsError:
        return NO_ANSWER
    return "source changed" if _metadata(last, SIGNATURE) != now else ""


def _metadata(materialization: AssetMaterialization, name: str) -> object:
    value = materialization.metadata.get(name)
    return value.value if value is not None else None
