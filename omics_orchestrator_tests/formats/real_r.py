"""Real R, for tests that need it. Debian: r-base-core, r-cran-seuratobject, r-bioc-singlecellexperiment."""

import shutil
import subprocess
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


def run_r(code: str, *arguments: object) -> str:
    """Run R code with SeuratObject loaded and `a` its arguments; a complaint of R fails the test."""
    head = "suppressMessages({library(SeuratObject); library(Matrix)}); a <- commandArgs(TRUE);"
    command = ["Rscript", "--vanilla", "-e", head + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
