"""The sensor of what `changed_upstream` cannot see: that one compares with its look before, and a new one has none.

Behind is what stale.py says, sources left out. What two looks see behind in the same way, with nobody at work on it, is
asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from omics_orchestrator.findings import counted
from omics_orchestrator.orchestration.materialise import failed_blocking
from omics_orchestrator.orchestration.sensors.asking import Batch, Following, Look, busy, seen_before
from omics_orchestrator.orchestration.stale import DATA, NEVER, WAREHOUSE, Node, nodes_of, reasons

EVERY = 120  # seconds; `changed_upstream` has then looked at least twice in between


def left_behind(
    assets: Iterable[dg.AssetsDefinition],
    every: int,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dg.SensorDefinition:
    """Return the sensor of these assets; it looks `every` so many seconds, or more often."""
    line = [asset for asset in assets if asset.partitions_def is None]
    nodes = [replace(node, signature=None) for node in nodes_of(line, {})]
    following = Following(
        name="left_behind",
        prefixes=tuple((layer,) for layer in sorted({node.key.path[0] for node in nodes})),
        every=min(EVERY, every),
        description="Runs what is behind its declaration or upstream, where `changed_upstream` did not see it change.",
        otherwise="nothing is behind",
    )
    return following.sensor(lambda context: Behind(context.instance, nodes), clock)


@dataclass
class Behind(Look):
    """One look at all assets.

    Attributes:
        instance: knows what was materialised from what.
        nodes: the assets, upstream first.
    """

    instance: dg.DagsterInstance
    nodes: Sequence[Node]

    def batches(self, cursor: str | None) -> Iterator[Batch]:
        """Yield a batch for each study whose assets are as far behind as at the look before."""
        before, seen = seen_before(cursor), {}
        for place, nodes in self._behind().items():
            seen[place] = self._content(nodes)
            told = counted(len(nodes), "asset is behind", "assets are behind")
            if before.get(place) != seen[place]:
                self.waiting.append(f"behind/{place}: {told}; asked for when the next look sees it so")
            else:
                yield Batch(f"behind/{place}", tuple(node.key for node in nodes), seen[place], told)
        self.cursor = json.dumps(seen)

    def _behind(self) -> Mapping[str, list[Node]]:
        """Return study, or `warehouse`, → what could run now; what lies below that is for the next look."""
        stale = reasons(self.instance, self.nodes)
        if not stale:
            return {}
        never = {key for key, reason in stale.items() if reason == NEVER}
        held = failed_blocking(self.instance, self.nodes)
        active = set(busy(self.instance))
        found: dict[str, list[Node]] = {}
        for node in self.nodes:  # upstream first: all of this travels downstream
            unread = node.key in never and node.parents <= never
            if node.key in active or node.parents & active:
                active.add(node.key)
            elif unread or node.needed & held:
                held.add(node.key)
            elif node.key in stale:
                held.add(node.key)
                place = WAREHOUSE if node.key.path[0] == WAREHOUSE else node.key.path[1]
                found.setdefault(place, []).append(node)
        return found

    def _content(self, nodes: Sequence[Node]) -> str:
        """Return a digest of what the assets would be made from; not of what they are: running must not change it."""
        events = self.instance.get_latest_materialization_events(
            {key for node in nodes for key in node.parents}
        )
        upstream = {
            key.to_user_string(): (event.asset_materialization.tags or {}).get(DATA)
            for key, event in events.items()
            if event is not None and event.asset_materialization is not None
        }
        made_from = [
            (
                node.key.to_user_string(),
                node.code_version,
                sorted(map(dg.AssetKey.to_user_string, node.parents)),
            )
            for node in nodes
        ]
        return hashlib.sha256(repr((made_from, sorted(upstream.items()))).encode()).hexdigest()[:32]
