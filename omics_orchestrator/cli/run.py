"""`omics run -- <command>`: any program in the environment of this installation, holding the server while it lives."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from omics_orchestrator.cli import logged
from omics_orchestrator.cli.logged import PROGRAMS
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.orchestration.instance import prepare
from omics_orchestrator.settings import Settings, export, wants_json
from omics_orchestrator.storage.binaries import find_binaries
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.embedded import ensure_server


def run_command(command: list[str]) -> None:
    """Become `command`: it inherits the lock on the server, so that the server lives as long as it does."""
    settings = Settings.from_environment()
    ensure_redcap(settings, inheritable=True)
    export(prepare(settings) | libpq(Database.open(settings).url))
    # Programs of our own environment come first, whether or not it was activated: `omics run -- dagster …`.
    folders = [str(Path(sys.executable).parent), settings.environment.get("PATH", os.defpath)]
    if settings.database_url is None:  # and psql and pg_dump of the server's own version
        folders.insert(0, str(find_binaries(settings, settings.home / "postgres" / "data").folder))
    export({"PATH": os.pathsep.join(folders)})
    program = shutil.which(command[0])
    if program is None:
        raise NotConfigured(f"no program {command[0]!r} on PATH")
    if settings.database_url is None:
        ensure_server(settings, inheritable=True)
    if command[0] in PROGRAMS and wants_json():
        program, command = sys.executable, [sys.executable, "-m", logged.__name__, *command]
    os.execv(program, command)  # noqa: S606 - becoming the command that the person typed is the point


def libpq(url: str) -> dict[str, str]:
    """Return the PG… variables under which psql and its kin meet the database at `url`."""
    parts = urlsplit(url)
    named = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": unquote(parts.username) if parts.username else None,
        "PGPASSWORD": unquote(parts.password) if parts.password else None,
        "PGDATABASE": unquote(parts.path.lstrip("/")) or None,
    }
    return {name: value for name, value in named.items() if value}
