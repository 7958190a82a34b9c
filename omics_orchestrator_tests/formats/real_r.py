"""Real R with SeuratObject, for tests that need it (Debian: r-base-core, r-cran-seuratobject)."""

import shutil
import subprocess
from functools import cache

import pytest


@cache
def rscript() -> str | None:
    """Return the path of Rscript, where R has SeuratObject."""
    found = shutil.which("Rscript")
    if not found:
        return None
    test = 'quit(status = !requireNamespace("SeuratObject", quietly = TRUE))'
    return found if subprocess.run([found, "-e", test], check=False, timeout=60).returncode == 0 else None


needs_r = pytest.mark.skipif(
    rscript() is None, reason="needs Rscript with SeuratObject (r-cran-seuratobject)"
)


def run_r(code: str, *arguments: object) -> str:
    """Run R code with SeuratObject loaded and `a` its arguments; a complaint of R fails the test."""
    head = "suppressMessages({library(SeuratObject); library(Matrix)}); a <- commandArgs(TRUE);"
    command = [str(rscript()), "--vanilla", "-e", head + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
