"""The source kind `redcap_export`: a folder with what REDCap's API answers, as one table per instrument.

Reading the folder lives in redcap_project.py, cutting it into tables in redcap_tables.py; the API itself is another
kind of source.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal

from omics_orchestrator.sources.base import Delivery, Held, Location
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.followed import Followed
from omics_orchestrator.sources.redcap_described import of_metadata
from omics_orchestrator.sources.redcap_project import Project, read_project
from omics_orchestrator.sources.redcap_sides import with_sides
from omics_orchestrator.sources.redcap_tables import KEY, form_table
from omics_orchestrator.storage.objects import Stores

__all__ = ["KEY", "RedcapExport"]


class RedcapExport(Followed):
    """A project exported from REDCap: the API's answers as JSON, CDISC ODM XML, or raw CSV with its dictionary."""

    version: ClassVar[str] = "3"

    kind: Literal["redcap_export"] = "redcap_export"
    location: Location
    """The folder, or where several exports lie in it, the file: `…/project.xml`, `…/data.csv`."""

    def tables(self) -> tuple[str, ...] | None:
        """Return None: the instruments are the tables, named by the mapping."""
        return None

    def locations(self) -> tuple[str, ...]:
        """Return the folder; a file is read together with those beside it."""
        if self.location.endswith("/") or self._is_file:
            return (self.location[: self.location.rindex("/") + 1],)
        return (f"{self.location}/",)

    @property
    def _is_file(self) -> bool:
        return self.location.lower().endswith((".xml", ".csv"))

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
        project = self._project(stores)
        delivery = form_table(project, table, admitted, name)
        return with_sides(delivery, list(project.metadata), table, project.field_of, project.missing_codes)

    def described(self, name: str, stores: Stores) -> tuple[Described, ...]:
        """Return the fields of the data dictionary save the record id; see `Source.described`."""
        del name
        return tuple(of_metadata(self._project(stores).metadata[1:]))

    def _project(self, stores: Stores) -> Project:
        (folder,) = self.locations()
        place = self.location if self._is_file else folder
        return read_project(place, self.signature(stores), stores)
