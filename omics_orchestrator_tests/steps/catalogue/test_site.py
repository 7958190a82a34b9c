"""A site takes the place of the last one whole; what is not ours is never touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator.steps.catalogue import site
from omics_orchestrator.steps.catalogue.site import MARKER, NotOurs, write_site


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


ONE = {"index.html": b"one", "variable/a.html": b"a"}
TWO = {"index.html": b"two"}


def held(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_second_site_takes_the_place_of_the_first(tmp_path):
    folder = tmp_path / "deep" / "site"
    write_site(folder, ONE)
    assert {name: text for name, text in held(folder).items() if name != MARKER} == ONE
    write_site(folder, TWO)
    assert {name: text for name, text in held(folder).items() if name != MARKER} == TWO
    assert names(folder.parent) == ["site"]


def test_the_same_files_give_the_same_bytes(tmp_path):
    write_site(tmp_path / "one", ONE)
    write_site(tmp_path / "two", dict(reversed(ONE.items())))
    assert held(tmp_path / "one") == held(tmp_path / "two")


def test_an_empty_folder_is_taken(tmp_path):
    write_site(tmp_path, ONE)
    assert (tmp_path / "index.html").read_bytes() == b"one"


@pytest.mark.parametrize("foreign", ["thesis.docx", "variable/mine.html", ".hidden"])
def test_what_is_not_ours_is_refused(tmp_path, foreign):
    folder = tmp_path / "site"
    write_site(folder, ONE)
    (folder / foreign).write_text("mine")
    with pytest.raises(NotOurs, match=f"holds {foreign}, which this command did not write"):
        write_site(folder, TWO)
    assert (folder / foreign).read_text() == "mine"
    assert (folder / "index.html").read_bytes() == b"one"


def test_a_folder_of_somebody_else_and_a_file_are_refused(tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(NotOurs, match="index.html"):
        write_site(tmp_path, ONE)
    with pytest.raises(NotOurs, match="is no folder"):
        write_site(tmp_path / "index.html", ONE)
    assert held(tmp_path) == {"index.html": b"mine"}


def test_a_damaged_marker_lists_nothing(tmp_path):
    for text in ("", "[]", '{"files": 3}', "{"):
        (tmp_path / MARKER).write_text(text)
        write_site(tmp_path, {})
        (tmp_path / "other").write_text("mine")
        (tmp_path / MARKER).write_text(text)
        with pytest.raises(NotOurs):
            write_site(tmp_path, {})
        (tmp_path / "other").unlink()


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    write_site(link, ONE)
    assert link.is_symlink()
    assert (tmp_path / "real" / "index.html").read_bytes() == b"one"


def test_where_names_cannot_be_exchanged_two_steps_do(tmp_path, monkeypatch):
    def unknown(*_: object) -> None:
        raise OSError(38, "not implemented")

    monkeypatch.setattr(site, "_exchange", unknown)
    folder = tmp_path / "site"
    write_site(folder, ONE)
    write_site(folder, TWO)
    assert (folder / "index.html").read_bytes() == b"two"
    assert names(tmp_path) == ["site"]


KILLED = """
import os, signal, sys
from pathlib import Path
from omics_orchestrator.steps.catalogue import site
site._put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
site.write_site(Path(sys.argv[1]), {"index.html": b"half"})
"""


def test_a_killed_run_leaves_the_old_site_and_its_draft_goes_with_the_next(tmp_path):
    folder = tmp_path / "site"
    write_site(folder, ONE)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (folder / "index.html").read_bytes() == b"one"
    assert len(names(tmp_path)) == 2
    write_site(folder, TWO)
    assert names(tmp_path) == ["site"]


def test_the_draft_of_a_living_run_is_left_alone(tmp_path):
    folder = tmp_path / "site"
    with site._beside(folder) as draft:
        write_site(folder, ONE)
        assert draft.exists()


def test_a_site_can_be_read_by_whom_the_folder_lets(tmp_path):
    folder = tmp_path / "site"
    write_site(folder, ONE)
    mask = os.umask(0o022)
    os.umask(mask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~mask
    folder.chmod(0o750)
    write_site(folder, TWO)
    assert folder.stat().st_mode & 0o777 == 0o750
