"""How the terminal names our own command, so that what it prints can be typed as it stands."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def omics() -> str:
    """Return `omics` where a shell would find this very program, else the path to it."""
    program = Path(sys.prefix) / "bin" / "omics"
    found = shutil.which("omics")
    if not program.exists() or (found and Path(found).resolve() == program.resolve()):
        return "omics"
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)
