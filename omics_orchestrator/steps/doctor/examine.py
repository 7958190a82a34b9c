"""The order of the examinations: what lies about first, since connecting starts servers and tidies up."""

from __future__ import annotations

from omics_orchestrator.steps.doctor.databases import dagster_database, data_database
from omics_orchestrator.steps.doctor.line import Line, guarded
from omics_orchestrator.steps.doctor.machine import disks, leftovers, versions
from omics_orchestrator.steps.doctor.operation import notifications, operation
from omics_orchestrator.steps.doctor.places import declarations, own_store, source_stores
from omics_orchestrator.steps.workspace import Workspace


def examine(workspace: Workspace, *, notify: bool = False) -> list[Line]:
    """Return every line; what fails in one examination hinders no other one. With `notify` messages are sent."""
    settings = workspace.settings
    reach = (
        "see that Postgres runs at OMICS_DATABASE_URL (embedded: postgres/server.log in OMICS_HOME says why)"
    )
    write = "mend OMICS_STORE_URL, the rights of that folder or its credentials"
    return [
        *guarded("versions", versions),
        *guarded("disk", lambda: disks(settings)),
        *guarded("leftovers", lambda: leftovers(settings)),
        *guarded("postgres", lambda: data_database(settings), reach),
        *guarded("dagster", lambda: dagster_database(settings), reach),
        *guarded("runs", lambda: operation(workspace), reach),
        *guarded("notify", lambda: notifications(workspace, send=notify)),
        *guarded("own store", lambda: own_store(workspace), write),
        *guarded("source", lambda: source_stores(workspace)),
        *guarded("studies", lambda: declarations(workspace), "omics check"),
    ]
