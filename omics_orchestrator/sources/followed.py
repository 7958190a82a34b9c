"""Sources that are looked at between the nightly readings: table files that arrive in a folder, edits in REDCap.

Whether files are still being written is told here, from their names and from what lies beside them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pydantic import Field

from omics_orchestrator.sources.base import Source, is_unfinished
from omics_orchestrator.storage.objects import Stores

BESIDE = ("~${name}", ".~lock.{name}#", "{name}.part", "{name}.partial", "{name}.filepart", "{name}.tmp")
FORGOTTEN = timedelta(hours=12)  # a lock or part that is older was left by a program that ended badly
GLOB = re.compile(r"[*?\[]")


class Followed(Source):
    """A source whose changes are noticed by a sensor."""

    # Excluded from what declarations are compared by: no table changes with it.
    follow: bool = Field(default=True, exclude=True)
    """Whether a sensor asks between the nightly readings if something changed; `no`: it is read nightly only."""

    def arriving(self, stores: Stores, now: datetime | None = None) -> bool:
        """Tell whether a file of this source is being written or edited: a lock or a half-written file lies beside it.

        Raises:
            StorageError: the store does not answer.
        """
        latest = (now or datetime.now(UTC)) - FORGOTTEN
        return any(_arriving(location, stores, latest) for location in self.locations())


def _arriving(location: str, stores: Stores, latest: datetime) -> bool:
    store, key = stores.resolve(location)
    folder, _, name = key.rpartition("/")
    if name and (not GLOB.search(name) or store.head(key)):
        start = f"{folder}/" if folder else ""
        beside = (store.head(start + word.format(name=name)) for word in BESIDE)
        return any(found is not None and found.modified > latest for found in beside)
    entries = store.list(folder)
    return any(is_unfinished(found.key) and found.modified > latest for found in entries)
