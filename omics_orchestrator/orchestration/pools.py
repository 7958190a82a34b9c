"""Pools: how many steps may use one thing at a time, over all runs. Limits are in dagster.yaml and the UI.

A REDCap server has a pool of its own whatever studies read it; its name is a hash, since the address may be a secret.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.secret import Secret, revealed
from omics_orchestrator.studies import Study

DATABASE = "database"  # steps that hold whole tables of several studies in Postgres and memory


def of_source(settings: Settings, study: Study, source: str) -> str | None:
    """Return the pool of the server behind a source; None = it is no server."""
    url = getattr(study.sources[source], "url", None)
    if not isinstance(url, str | Secret):
        return None
    try:
        parts = urlsplit(revealed(url, settings))
        place = f"{parts.hostname}:{parts.port or ''}"
    except (NotConfigured, ValueError):
        return None
    if not parts.hostname:
        return None
    return f"{study.sources[source].kind}_{hashlib.sha256(place.encode()).hexdigest()[:12]}"
