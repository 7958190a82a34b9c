"""Object stores and declarations: can they be reached, written and used here, and which secrets are missing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from omics_orchestrator.errors import AccessDenied, DeclarationError, OmicsError
from omics_orchestrator.settings import without_password
from omics_orchestrator.sources.secret import Secret
from omics_orchestrator.steps.doctor.line import Line, said
from omics_orchestrator.steps.workspace import PSEUDONYM_KEY, Workspace

READABLE = "who runs this must be allowed to read it: chmod -R a+rX that folder"
PROBE = "omics_doctor"  # the folder of probe objects in our own store


def own_store(workspace: Workspace) -> Iterator[Line]:
    """Write, read and delete one small object."""
    store = workspace.stores.own
    key, content = f"{PROBE}/{uuid.uuid4().hex}", uuid.uuid4().bytes
    try:
        store.put(key, content)
        same = store.get(key) == content
    finally:
        store.delete(key)
    where = without_password(store.url)
    if not same:
        mend = "check the disk or the object store behind OMICS_STORE_URL"
        yield Line("fail", "own store", f"{where}: what was written is read back differently", mend)
    elif store.head(key) is not None:
        yield Line(
            "fail", "own store", f"{where}: an object cannot be deleted", "give the account that right"
        )
    else:
        yield Line("ok", "own store", f"{where}: written, read, deleted")


def source_stores(workspace: Workspace) -> Iterator[Line]:
    """List the beginning of each source store."""
    for name, url in sorted(workspace.settings.source_stores.items()):
        where, variable = without_password(url), f"OMICS_STORE_{name.upper()}_URL"
        try:
            first = next(workspace.stores.source(name).list(), None)
        except Exception as error:  # noqa: BLE001 - of one store; messages of its library may hold keys
            rights = url.startswith("file:") and isinstance(error, AccessDenied)
            mend = READABLE if rights else f"check {variable} and its credentials"
            yield Line("fail", "source", f"{name}: {said(error)}", mend)
            continue
        if first is None:
            yield Line(
                "warn", "source", f"{name}: nothing lies at {where}", f"mount it, or correct {variable}"
            )
        else:
            yield Line("ok", "source", f"{name}: {where}")


def declarations(workspace: Workspace) -> Iterator[Line]:
    """Look at dictionary and studies, and whether their secrets are set."""
    try:
        catalogue = workspace.catalogue
    except DeclarationError as error:
        told = f"{len(error.problems)} problems in the dictionary itself"
        yield Line("fail", "dictionary", told, "omics check")
        return
    if catalogue.broken:
        yield Line("fail", "studies", f"broken declarations: {', '.join(catalogue.broken)}", "omics check")
    if catalogue.studies:
        yield Line("ok", "studies", f"{len(catalogue.studies)} declarations can be used")
    for variable, names in workspace.not_set().items():
        are = "is" if len(names) == 1 else "are"
        told = f"{', '.join(names)} {are} not available here: {variable} is not set"
        yield Line("warn", "settings", told, f"set {variable}, or leave it: what is not here hinders nothing")
    yield from _secret_files(workspace)


def _secret_files(workspace: Workspace) -> Iterator[Line]:
    """Look at secrets that are files: those of our own names and those that a study names."""
    names = {
        secret.secret
        for study in workspace.catalogue.studies.values()
        for source in study.sources.values()
        for secret in (getattr(source, "token", None), getattr(source, "url", None))
        if isinstance(secret, Secret)
    }
    settings = workspace.settings
    for name in sorted(names | {PSEUDONYM_KEY}):
        if settings.has_secret(name):
            try:
                empty = not settings.secret(name)
            except OmicsError as error:
                yield Line("fail", "secrets", str(error), f"mend the path or the rights of {name}_FILE")
                continue
            if empty:
                yield Line(
                    "fail",
                    "secrets",
                    f"the file named by {name}_FILE is empty",
                    f"write the secret of {name}",
                )
