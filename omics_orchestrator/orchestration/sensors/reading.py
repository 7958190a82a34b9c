"""What the sensors of sources share: the raw tables of a source, and what it looked like when they were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import dagster as dg

from omics_orchestrator.orchestration.assets import SIGNATURE
from omics_orchestrator.sources.base import Source
from omics_orchestrator.studies import Study

Kind = TypeVar("Kind", bound=Source)


def place_of(study: Study, source: str) -> str:
    """Return how a source is named in tags and messages."""
    return f"raw/{study.study}/{source}"


def sources_of(studies: Iterable[Study], *kinds: type[Kind]) -> Iterator[tuple[Study, str, Kind]]:
    """Yield study, name and declaration of every source of these kinds that some table is read from."""
    for study in studies:
        read = {source for source, _ in study.raw_tables()}
        for name, source in study.sources.items():
            if isinstance(source, kinds) and name in read:
                yield study, name, source


def raw_keys(study: Study, source: str) -> tuple[dg.AssetKey, ...]:
    """Return the raw tables of a source."""
    tables = (table for name, table in study.raw_tables() if name == source)
    return tuple(dg.AssetKey(["raw", study.study, source, table]) for table in tables)


def signatures(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey]) -> dict[dg.AssetKey, str | None]:
    """Return raw table → what its source looked like when it was read last; None = it never was.

    Dagster keeps the last materialisation of an asset when runs are deleted.
    """
    events = instance.get_latest_materialization_events(keys)
    found: dict[dg.AssetKey, str | None] = {}
    for key in keys:
        event = events.get(key)
        materialization = event.asset_materialization if event else None
        value: Any = materialization.metadata.get(SIGNATURE) if materialization else None
        found[key] = str(value.value) if value is not None else None
    return found
