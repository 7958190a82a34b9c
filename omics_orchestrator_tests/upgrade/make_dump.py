"""Writes the dump of this version for the upgrade test, once for each tag, from the tiny synthetic study.

    python -m omics_orchestrator_tests.upgrade.make_dump

Statements only (no COPY, no psql words), so that every later version and server can run them.
"""

from __future__ import annotations

import lzma
import re
import subprocess
import tempfile
from pathlib import Path

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings, export
from omics_orchestrator.storage.backup.programs import find_programs, variables
from omics_orchestrator.storage.backup.take import package_version
from omics_orchestrator.storage.database import Database, dagster_database_url
from omics_orchestrator.storage.private import remember_pseudonyms
from omics_orchestrator_tests.installation import Installation

DUMPS = Path(__file__).parent / "dumps"
OPTIONS = ("--format=plain", "--no-owner", "--no-acl", "--inserts", "--rows-per-insert=500")
OF_PSQL_OR_NEWER = re.compile(r"^(\\(un)?restrict .*|SET transaction_timeout .*|--.*|)\n", re.MULTILINE)


def main() -> None:
    """Materialise the tiny study on a server of its own and write its data database as SQL, packed with xz."""
    target = DUMPS / f"{package_version()}.sql.xz"
    with tempfile.TemporaryDirectory(prefix="omics_dump_") as folder:
        settings = Settings.from_environment(
            {"OMICS_HOME": str(Path(folder) / "server"), "PATH": "/usr/bin:/bin"}
        )
        urls = {"database_url": Database.open(settings).url, "dagster_url": dagster_database_url(settings)}
        made = Installation(Path(folder), settings, **urls)
        export(made.environment())
        session = Session(made.workspace())
        failed = session.materialise(session.assets()).failed
        assert failed == {}, failed
        remember_pseudonyms(Database(urls["database_url"]), "tiny__crosswalk", {"P1": "QX1"})
        programs = find_programs(settings, "18")
        environment = {**programs.environment, **variables(urls["database_url"])}
        done = subprocess.run(
            [programs.folder / "pg_dump", *OPTIONS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    target.write_bytes(lzma.compress(OF_PSQL_OR_NEWER.sub("", done.stdout).encode()))
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
