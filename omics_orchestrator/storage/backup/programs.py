"""PostgreSQL's own programs for dumps: which folder fits a server, and how they run without a password in `ps`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import parse_dsn

from omics_orchestrator.errors import NotConfigured, StorageError
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.binaries import program_folders

NEEDED = ("pg_dump", "pg_restore", "psql")
BLOCK = 1 << 20
SINCE_17 = b"SET transaction_timeout = 0;"  # written by pg_dump 17 and newer, refused by older servers
KEYWORDS = {"dbname": "PGDATABASE", "application_name": "PGAPPNAME", "options": "PGOPTIONS"}
FIRST_LINES = 60


@dataclass(frozen=True)
class DumpPrograms:
    """A folder with `pg_dump`, `pg_restore` and `psql`, the version that they tell, the variables they run in."""

    folder: Path
    version: str
    environment: Mapping[str, str]

    @property
    def major(self) -> int:
        """The major version: 18 of `18.6`."""
        return major(self.version)

    def dump(self, url: str, file: Path, *, snapshot: str | None = None) -> tuple[int, str]:
        """Write the database at `url` to a new private file in pg_dump's custom format; return size and SHA-256.

        Raises:
            StorageError: pg_dump fails; what it wrote is removed.
        """
        options = ["--format=custom", "--no-password", *([f"--snapshot={snapshot}"] if snapshot else [])]
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target, self._start("pg_dump", url, options) as process:
            assert process.stdout is not None
            while block := process.stdout.read(BLOCK):
                digest.update(block)
                size += target.write(block)
            told = process.stderr.read().decode(errors="replace") if process.stderr else ""
            target.flush()
            os.fsync(target.fileno())
        if process.returncode:
            file.unlink()
            raise StorageError(f"pg_dump {self.version} fails: {_last(told)}")
        return size, digest.hexdigest()

    def load(self, file: Path, url: str, server: str) -> None:
        """Run a dump's statements on the empty database at `url`; owner is who logs in, grants are left out.

        psql runs them, so that what a newer pg_dump says and an older server does not know can be left out.

        Raises:
            StorageError: a statement fails (the message tells its SQLSTATE, never a value).
        """
        quiet = ["--no-psqlrc", "--quiet", "--no-password", "-vON_ERROR_STOP=1", "-vVERBOSITY=sqlstate"]
        script = ["--no-owner", "--no-acl", "--file=-", str(file)]
        with (
            self._start("pg_restore", None, script) as source,
            self._start("psql", url, [*quiet, "--output=/dev/null", "--file=-"], entered=True) as target,
        ):
            assert source.stdout is not None
            assert target.stdin is not None
            try:
                for line in _known_to(server, source.stdout):
                    target.stdin.write(line)
                target.stdin.close()
            except BrokenPipeError:
                source.kill()
                with suppress(BrokenPipeError):
                    target.stdin.close()
            told = target.stderr.read().decode(errors="replace") if target.stderr else ""
            refused = target.wait()
            read = source.stderr.read().decode(errors="replace") if source.stderr else ""
        if refused:
            raise StorageError(f"the dump cannot be restored: psql {self.version}: {_last(told)}")
        if source.returncode:
            raise StorageError(f"the dump cannot be read: pg_restore {self.version}: {_last(read)}")

    def _start(
        self, name: str, url: str | None, options: list[str], *, entered: bool = False
    ) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **(variables(url) if url else {})}
        return subprocess.Popen(
            [str(self.folder / name), *options],
            env=environment,
            stdin=subprocess.PIPE if entered else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if entered else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def find_programs(settings: Settings, server: str, *, written_by: str | None = None) -> DumpPrograms:
    """Return the programs for a server of that version: of the same major version, else the next newer ones.

    Args:
        settings: `postgres_bin` chooses a folder; else the wheel's and the system's are looked at.
        server: the server's version; older programs refuse it.
        written_by: version of the pg_dump that wrote a dump; older programs cannot read that.

    Raises:
        NotConfigured: there are none that are new enough.
    """
    least = max(major(server), major(written_by) if written_by else 0)
    folders = [settings.postgres_bin.expanduser().absolute()] if settings.postgres_bin else _folders(settings)
    kept = {name: value for name, value in settings.environment.items() if name in {"PATH", "HOME"}}
    found = [DumpPrograms(folder, told, kept) for folder in folders if (told := _version(folder))]
    fit = sorted((one for one in found if one.major >= least), key=lambda one: one.major)
    if fit:
        return fit[0]
    have = ", ".join(f"{one.version} in {one.folder}" for one in found) or "none"
    raise NotConfigured(
        f"pg_dump, pg_restore and psql of PostgreSQL {least} or newer are needed (the server is {server}); "
        f"found: {have}. Install the package postgresql-client-{least}, or set OMICS_POSTGRES_BIN to a folder with them"
    )


def variables(url: str) -> dict[str, str]:
    """Return the PG… variables for a URL: what stands in them is in no list of processes."""
    given = parse_dsn(url)
    return {KEYWORDS.get(name, f"PG{name.upper()}"): str(value) for name, value in given.items()}


def major(version: str) -> int:
    """Return 18 of `18.6 (Debian 18.6-1)`."""
    return int(re.split(r"\D", version, maxsplit=1)[0])


def _folders(settings: Settings) -> list[Path]:
    """Return folders with a pg_dump: for a server of your own the system's first, whose programs know TLS."""
    wheel, system = program_folders("pg_dump")
    return [*system, *wheel] if settings.database_url else [*wheel, *system]


def _version(folder: Path) -> str | None:
    """Return the version that pg_dump tells; None = a program is missing or does not run."""
    if not all(shutil.which(name, path=str(folder)) for name in NEEDED):
        return None
    done = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+[\w.]*", done.stdout)
    return found[0] if found and not done.returncode else None


def _known_to(server: str, script: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the script without the one setting that servers before 17 do not know."""
    for number, line in enumerate(script):
        if number < FIRST_LINES and major(server) < 17 and line.strip() == SINCE_17:
            continue
        yield line


def _last(told: str) -> str:
    lines = [line for line in told.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
