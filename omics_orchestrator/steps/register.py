"""Register: the files of one assay become rows of the registry, verified and linked to samples.

Beside it: the cheap looks that tell whether there is anything to register.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from omics_orchestrator.registry.arrivals import Arrivals, Position
from omics_orchestrator.registry.arrivals import arrivals as look
from omics_orchestrator.registry.register import register as register_assay
from omics_orchestrator.steps import staged
from omics_orchestrator.steps.file_names import circumstances, names_of
from omics_orchestrator.steps.file_pictures import pictures
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.barred import Barred, escaped
from omics_orchestrator.studies import Study


def register(
    workspace: Workspace, study: Study, assay: str, *, run_id: str, quick: bool = False
) -> StepResult:
    """Scan, verify and link the files of `assay`; what did not change is neither read nor written again.

    Files of a staged delivery are read again. With `quick` new files are known by their first bytes only, and say so
    (`unverified`); no delivery is applied then.
    """
    waiting = staged.waiting(workspace, study, assay, staged.FILES)
    registered = register_assay(
        workspace.database,
        workspace.stores,
        study=study.study,
        assay_name=assay,
        assay=study.assays[assay],
        circumstances=circumstances(workspace, study, assay),
        run_id=run_id,
        quick=quick,
        again=() if quick else [(window.begins, window.ends) for window in waiting.values()],
    )
    if not quick:
        staged.forget(workspace, waiting)
    return StepResult(
        data_version=registered.data_version,
        findings=registered.findings,
        facts={**registered.rows, **registered.facts},
        pictures=pictures(workspace, study.study, assay),
        touched=registered.touched,
        rows=registered.rows["files"],
    )


def arrivals(
    workspace: Workspace, study: Study, assay: str, start: Position, in_time: Callable[[], bool]
) -> Arrivals:
    """Return how the listing of `assay` differs from the registry; nothing is read or written.

    Args:
        workspace: of this machine.
        study: the study.
        assay: the assay's name.
        start: where the last look ended.
        in_time: asked between pages of the listing; False ends this look.

    Raises:
        StorageError: the store does not answer within half a minute.
    """
    return look(
        workspace.database,
        workspace.hasty_stores,
        (study.study, assay),
        study.assays[assay],
        names=names_of(workspace, study),
        start=start,
        in_time=in_time,
    )


def assay_signature(workspace: Workspace, study: Study, assay: str) -> str:
    """Return a fingerprint of what the store lists for `assay` now; no file is opened."""
    digest = hashlib.sha256()
    barred: set[Barred] = set()
    for location in study.assays[assay].locations():
        for _, found in workspace.stores.walk(location, barred=barred.add):
            digest.update(f"{found.key}\0{found.size}\0{found.etag}\0{found.modified}\n".encode())
    for one in sorted(barred):
        digest.update(f"{escaped(one.key)}\0{one.why}\n".encode())
    return digest.hexdigest()[:24]
