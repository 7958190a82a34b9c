"""Register: the files of one assay become rows of the registry, verified and linked to samples."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from omics_orchestrator.registry.register import Circumstances
from omics_orchestrator.registry.register import register as register_assay
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import read_table, table_state
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.places import table_of

if TYPE_CHECKING:
    import pyarrow as pa


def known_samples(workspace: Workspace, study: Study) -> pa.Table | None:
    """Return the harmonised samples (participant_id, sample_id) of `study`, or None before there are any."""
    place = table_of(("harmonised", study.study, "sample"))
    if table_state(workspace.database, *place) is None:
        return None
    return read_table(workspace.database, *place, columns=["participant_id", "sample_id"])


def known_participants(workspace: Workspace, study: Study) -> pa.Table | None:
    """Return the harmonised participants of `study`, or None before there are any."""
    place = table_of(("harmonised", study.study, "participant"))
    if table_state(workspace.database, *place) is None:
        return None
    return read_table(workspace.database, *place, columns=["participant_id"])


def register(workspace: Workspace, study: Study, assay: str, *, run_id: str) -> StepResult:
    """Scan, verify and link the files of `assay`; what did not change is neither read nor written again."""
    registered = register_assay(
        workspace.database,
        workspace.stores,
        study=study.study,
        assay_name=assay,
        assay=study.assays[assay],
        circumstances=Circumstances(
            samples=known_samples(workspace, study),
            participants=known_participants(workspace, study),
            participant_id=study.participant_id.read,
        ),
        run_id=run_id,
    )
    return StepResult(
        data_version=registered.data_version,
        findings=registered.findings,
        facts=dict(registered.rows),
        touched=registered.touched,
        rows=registered.rows["files"],
    )


def assay_signature(workspace: Workspace, study: Study, assay: str) -> str:
    """Return a fingerprint of what the store lists for `assay` now; no file is opened."""
    digest = hashlib.sha256()
    for location in study.assays[assay].locations():
        for _, found in workspace.stores.expand(location):
            digest.update(f"{found.key}\0{found.size}\0{found.etag}\0{found.modified}\n".encode())
    return digest.hexdigest()[:24]
