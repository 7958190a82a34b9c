"""The source kind `redcap_export`: a folder with what REDCap's API answers, as one table per instrument.

Reading the folder lives in redcap_project.py, cutting it into tables in redcap_tables.py; the API itself is another
kind of source.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal

from omics_orchestrator.sources.base import Delivery, Held, Location, Source
from omics_orchestrator.sources.redcap_project import read_project
from omics_orchestrator.sources.redcap_tables import KEY, form_table
from omics_orchestrator.storage.objects import Stores

__all__ = ["KEY", "RedcapExport"]


class RedcapExport(Source):
    """A folder with what REDCap's API answers for a project: metadata, events, repeats, records (JSON)."""

    version: ClassVar[str] = "2"

    kind: Literal["redcap_export"] = "redcap_export"
    location: Location
    """The folder."""

    def tables(self) -> tuple[str, ...] | None:
        """Return None: the instruments are the tables, named by the mapping."""
        return None

    def locations(self) -> tuple[str, ...]:
        """Return the folder."""
        return (self.location if self.location.endswith("/") else f"{self.location}/",)

    def deliver(
        self,
        name: str,
        table: str,
        admitted: Collection[str] | None,
        stores: Stores,
        *,
        held: Held | None = None,
    ) -> Delivery:
        """Read one instrument; see `Source.deliver` and `form_table`."""
        project = read_project(self.locations()[0], self.signature(stores), stores)
        return form_table(project, table, admitted, name)
