"""`make load`: 1,000 small files within a minute, and 50 studies due in one night, through sensor, schedule and daemon.

Prints what was measured and fails when anything was registered twice, not at all, or wrong. Ends by itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from omics_orchestrator_tests.load import files, night

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m omics_orchestrator_tests.load", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("files", "night", "all"), default="all")
    parser.add_argument("--files", type=int, default=1000, help="how many files arrive")
    parser.add_argument("--seconds", type=float, default=60, help="within how many seconds they arrive")
    parser.add_argument("--studies", type=int, default=50, help="how many studies are due in the night")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="omics_load_") as name:
        wrong = []
        if asked.part in {"files", "all"}:
            wrong += files.load(Path(name) / "files", asked.files, asked.seconds)
        if asked.part in {"night", "all"}:
            wrong += night.load(Path(name) / "night", asked.studies)
    sys.exit("\n".join(wrong) or 0)
