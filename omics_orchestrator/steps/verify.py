"""Verify: registered files are read again; what is damaged is told and marked, nothing is repaired."""

from __future__ import annotations

from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.verify import Verified
from omics_orchestrator.registry.verify import verify as verify_files
from omics_orchestrator.steps.file_names import names_of
from omics_orchestrator.steps.workspace import Workspace


def verify(
    workspace: Workspace, study: str | None = None, assay: str | None = None, *, share: float = 1.0
) -> Verified:
    """Read the files that were not read for longest; `share` of all bytes, from 0 to 1."""

    def names(name: str) -> Names:
        declared = workspace.catalogue.studies.get(name)
        return names_of(workspace, declared) if declared else Names()

    return verify_files(
        workspace.database, workspace.stores, study=study, assay=assay, share=share, names=names
    )
