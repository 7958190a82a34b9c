"""Declarations that the running user may not read: told with file and remedy, and no hindrance to the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator_tests.studies.example import write
from omics_orchestrator_tests.studies.test_catalogue import several

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")

RIGHTLESS = """
import json, os, sys
from pathlib import Path
from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.studies import load_studies
folder = Path(sys.argv[1])
load_studies(folder, load_dictionary(folder))
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    found = load_studies(folder, load_dictionary(folder))
except DeclarationError as error:
    print(json.dumps([{"all": str(error)}, []]))
else:
    print(json.dumps([{name: str(why) for name, why in found.broken.items()}, sorted(found.studies)]))
"""


def as_nobody(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return what a user without rights reads of a dictionary: why studies are broken, and the usable ones."""
    for above in [folder, *list(folder.parents)[:-1]]:
        if above.stat().st_uid == 0 and above != Path("/tmp"):
            above.chmod(0o755)
    run = [sys.executable, "-c", RIGHTLESS, str(folder)]
    broken, usable = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    return broken, usable


def test_a_study_that_may_not_be_read_is_broken_and_the_others_are_read(tmp_path: Path) -> None:
    folder = several(tmp_path / "d", 4)
    (folder / "studies/s1").chmod(0o700)
    (folder / "studies/s2").chmod(0o744)
    (folder / "studies/s3/mapping.yaml").chmod(0o600)
    (folder / "studies/lost+found").mkdir(mode=0o700)
    (folder / "studies/notes.txt").write_text("no study")
    found, usable = as_nobody(folder)
    assert usable == ["s0"]
    assert sorted(found) == ["s1", "s2", "s3"]
    assert str(folder / "studies/s1") in found["s1"]
    assert f"{folder / 'studies/s3/mapping.yaml'}:1: cannot be read: Permission denied" in found["s3"]
    assert all("user 65534" in why and "chmod -R a+rX" in why for why in found.values())


@pytest.mark.parametrize("closed", ["studies", "variables.csv"])
def test_a_dictionary_that_may_not_be_read_is_no_dictionary_without_studies(
    tmp_path: Path, closed: str
) -> None:
    folder = write(tmp_path / "d")
    (folder / closed).chmod(0o600)
    found, usable = as_nobody(folder)
    told = found["all"]
    assert not usable
    assert "cannot be read: Permission denied" in told
    assert closed in told
