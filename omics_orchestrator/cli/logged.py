"""`python -m omics_orchestrator.cli.logged dagster …`: a program of Dagster whose log lines pass our filter (logs.py).

`omics run` puts it before Dagster's programs where `OMICS_LOG=json` is set.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

from omics_orchestrator import logs

PROGRAMS = ("dagster", "dagster-webserver", "dagster-daemon")


def main() -> None:
    """Become the program that the first argument names, with its arguments."""
    logs.install()
    (script,) = entry_points(group="console_scripts", name=sys.argv[1])
    sys.argv = sys.argv[1:]
    sys.exit(script.load()())


if __name__ == "__main__":
    main()
