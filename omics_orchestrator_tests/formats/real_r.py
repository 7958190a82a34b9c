"""Real R, for tests that need it. Debian: r-base-core, r-cran-seuratobject, r-bioc-singlecellexperiment."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest


@cache
def with_package(name: str) -> bool:
    """Tell whether there is R, with a package."""
    found = shutil.which("Rscript")
    test = f'quit(status = !nzchar(system.file(package = "{name}")))'
    return bool(found) and subprocess.run([str(found), "-e", test], check=False, timeout=60).returncode == 0


needs_r = pytest.mark.skipif(
    not with_package("SeuratObject"), reason="needs Rscript with SeuratObject (r-cran-seuratobject)"
)


def run_r(code: str, *arguments: object, packages: Sequence[str] = ("SeuratObject", "Matrix")) -> str:
    """Run R code with packages loaded and `a` its arguments; a complaint of R fails the test."""
    loaded = "; ".join(f"library({package})" for package in packages)
    head = f"suppressMessages({{{loaded}}}); a <- commandArgs(TRUE);"
    command = ["Rscript", "--vanilla", "-e", head + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
