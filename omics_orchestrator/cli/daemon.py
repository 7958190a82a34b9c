"""`omics daemon`: schedules, sensors and queued runs, on a server and below `omics dev`; one at a time."""

from __future__ import annotations

import logging
import sys

from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.orchestration.daemon import serve
from omics_orchestrator.settings import Settings, wants_json


def run_daemon() -> None:
    """Become the daemon once there is no other one."""
    settings = Settings.from_environment()
    ensure_redcap(settings)
    log = logging.getLogger("omics.daemon").info
    serve(settings, log if wants_json() else lambda text: print(text, file=sys.stderr, flush=True))
