"""What a terminal needs of Dagster, in plain words: materialise, what is stale, which checks fail. Keys are `a/b/c`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg

from omics_orchestrator.orchestration.backfill import deliver_days
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.materialise import Line, latest_results, materialise
from omics_orchestrator.orchestration.night import Night, night
from omics_orchestrator.orchestration.sensors.waiting import Waiting, waiting
from omics_orchestrator.orchestration.stale import nodes_of, reasons
from omics_orchestrator.steps.pseudonymise import source_signature
from omics_orchestrator.steps.register import assay_signature
from omics_orchestrator.steps.staged import FILES, waits
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study

STAGED = "a staged delivery waits"


@dataclass(frozen=True)
class Summary:
    """What materialising did: key → reason, key → error, keys held back, rows and objects written."""

    ran: dict[str, str]
    failed: dict[str, str]
    blocked: list[str]
    touched: int

    def and_then(self, later: Summary) -> Summary:
        """Return what both calls did."""
        ran, failed = {**self.ran, **later.ran}, {**self.failed, **later.failed}
        return Summary(ran, failed, [*self.blocked, *later.blocked], self.touched + later.touched)


@dataclass(frozen=True)
class CheckState:
    """How a check ended when its asset was materialised last."""

    asset: str
    name: str
    passed: bool
    severity: str
    message: str


class Session:
    """The code location of this machine, opened on its Dagster instance."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        instance = open_instance(workspace.settings)
        definitions = build_definitions(workspace)
        defined = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
        assets = [
            asset for asset in defined if asset.partitions_def is None
        ]  # deliveries stand beside the line
        nodes = nodes_of(assets, _signatures(workspace, assets))
        self._line = Line(definitions, nodes, instance, workspace.database)
        self._checks = [check.key for asset in assets for check in asset.check_specs]

    def assets(self, wanted: Sequence[str] = ()) -> list[str]:
        """Return the assets that `wanted` names by key, prefix or study, upstream first; all when it is empty."""
        keys = [node.key.to_user_string() for node in self._line.nodes]
        prefixes = [name.strip("/") for name in wanted]
        studies = {f"{layer}/{one}" for layer in {key.split("/")[0] for key in keys} for one in prefixes}
        below = tuple(f"{one}/" for one in (*prefixes, *studies))
        return [key for key in keys if not prefixes or f"{key}/".startswith(below)]

    def materialise(
        self, keys: Sequence[str], *, force: bool = False, listener: Callable[[str], None] | None = None
    ) -> Summary:
        """Run the stale ones of `keys`; `listener` hears of each asset when it is done."""

        def tell(key: dg.AssetKey) -> None:
            if listener:
                listener(key.to_user_string())

        selection = [dg.AssetKey.from_user_string(key) for key in keys]
        outcome = materialise(self._line, selection, force=force, listener=tell)
        return Summary(
            ran={key.to_user_string(): why for key, why in outcome.ran.items()},
            failed={key.to_user_string(): error for key, error in outcome.failed.items()},
            blocked=sorted(key.to_user_string() for key in outcome.blocked),
            touched=outcome.touched,
        )

    def deliver(self, study: str, name: str, first: date, last: date) -> str | None:
        """Stage what a source or assay changed from `first` to `last`, in one run; return why it failed, if it did."""
        return deliver_days(self._line, dg.AssetKey(["delivery", study, name]), first, last)

    def stale(self) -> dict[str, str]:
        """Return asset → why it would run now."""
        found = reasons(self._line.instance, self._line.nodes)
        return {key.to_user_string(): why for key, why in found.items()}

    def materialised_at(self) -> dict[str, datetime]:
        """Return asset → when it was materialised last."""
        keys = {node.key for node in self._line.nodes}
        events = self._line.instance.get_latest_materialization_events(keys)
        return {
            key.to_user_string(): datetime.fromtimestamp(event.timestamp, UTC)
            for key, event in events.items()
            if event is not None
        }

    def waiting(self) -> list[Waiting]:
        """Return the batches of the sensors that failed and wait for their next attempt."""
        return waiting(self._line.instance, self._workspace)

    def night(self, studies: Iterable[Study]) -> Night:
        """Return what happened since the studies were due last."""
        return night(self._line.instance, self._line.database, studies, datetime.now(UTC))

    def checks(self) -> list[CheckState]:
        """Return the latest result of every check that ran, in the order of the assets."""
        found = latest_results(self._line.instance, self._checks)
        states = []
        for key in self._checks:
            if result := found.get(key):
                asset, severity = key.asset_key.to_user_string(), result.severity.value.lower()
                states.append(CheckState(asset, key.name, result.passed, severity, result.description or ""))
        return states


def _signatures(
    workspace: Workspace, assets: Sequence[dg.AssetsDefinition]
) -> dict[dg.AssetKey, Callable[[], str]]:
    """Return asset → what its source looks like now, for the assets that read one."""
    found: dict[dg.AssetKey, Callable[[], str]] = {}
    for key in (key for asset in assets for key in asset.keys):
        layer, study, *rest = key.path
        if layer == "raw":
            found[key] = partial(_seen_now, workspace, source_signature, study, rest[0], rest[1])
        elif layer == "files":
            found[key] = partial(_seen_now, workspace, assay_signature, study, rest[0], FILES)
    return found


def _seen_now(
    workspace: Workspace,
    signature: Callable[[Workspace, Study, str], str],
    study: str,
    source: str,
    table: str,
) -> str:
    """Return the signature of a source now; while a delivery waits to be applied, one that no asset bears."""
    declared = workspace.catalogue.studies[study]
    return STAGED if waits(workspace, declared, source, table) else signature(workspace, declared, source)
