"""The demo's REDCap server: found or started, kept while somebody works, gone afterwards, fresh after a change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from omics_orchestrator.demo import DemoReport
from omics_orchestrator.demo.serving import ensure_redcap, token_of
from omics_orchestrator.settings import DEMO_VARIABLES, WORKING_COPY, Settings

CLIENT = """
import sys, time
from omics_orchestrator.demo.serving import ensure_redcap
from omics_orchestrator.settings import Settings
print(ensure_redcap(Settings.from_environment({"OMICS_HOME": sys.argv[1]})), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def home(demo: DemoReport, tmp_path: Path) -> Path:
    for study in ("demo_adult", "demo_child"):
        shutil.copytree(demo.folder / study / "redcap", tmp_path / "demo" / study / "redcap")
    return tmp_path


def client(home: Path) -> subprocess.Popen[str]:
    found = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(home)],
        cwd=WORKING_COPY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert found.stdout
    assert found.stdout.readline() == "True\n"
    return found


def leave(found: subprocess.Popen[str]) -> None:
    found.communicate("\n")


def records(home: Path, study: str = "demo_adult") -> list[dict[str, str]]:
    known = json.loads((home / "demo" / DEMO_VARIABLES).read_text())
    asked = {"token": known[f"{study.upper()}_REDCAP_TOKEN"], "content": "record", "format": "json"}
    return requests.post(known["DEMO_REDCAP_URL"], data=asked, timeout=10).json()  # type: ignore[no-any-return]


def answers(home: Path) -> bool:
    try:
        return bool(records(home))
    except requests.ConnectionError:
        return False


def test_two_clients_share_one_server_which_ends_after_the_last(home: Path) -> None:
    first, second = client(home), client(home)
    assert {row["study_id"] for row in records(home)}
    leave(first)
    time.sleep(3)
    assert answers(home)
    leave(second)
    deadline = time.monotonic() + 20
    while answers(home):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    again = client(home)  # at the same address
    assert answers(home)
    leave(again)


def test_a_killed_server_is_started_again_at_the_same_address(home: Path) -> None:
    import psutil

    held = client(home)
    before = json.loads((home / "demo" / DEMO_VARIABLES).read_text())
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == ["omics_orchestrator.demo.serving", str(home)]:
            process.kill()
            process.wait(10)
    assert not answers(home)
    other = client(home)
    assert answers(home)
    assert json.loads((home / "demo" / DEMO_VARIABLES).read_text()) == before
    leave(held)
    leave(other)


def test_a_project_that_was_generated_anew_is_served_anew(home: Path) -> None:
    held = client(home)
    file = home / "demo" / "demo_adult" / "redcap" / "records.json"
    rows = json.loads(file.read_text())
    assert len(records(home)) == len(rows)
    file.write_text(json.dumps(rows[:-1]))
    assert len(records(home)) == len(rows) - 1
    leave(held)


def test_where_no_demo_is_nothing_is_started(tmp_path: Path) -> None:
    settings = Settings.from_environment({"OMICS_HOME": str(tmp_path)})
    assert not ensure_redcap(settings)
    assert list(tmp_path.iterdir()) == []


def test_settings_know_where_the_demo_is_and_the_environment_wins(home: Path) -> None:
    leave(client(home))
    settings = Settings.from_environment({"OMICS_HOME": str(home)})
    assert settings.secret("DEMO_ADULT_REDCAP_TOKEN") == token_of("demo_adult")
    other = Settings.from_environment({"OMICS_HOME": str(home), "DEMO_ADULT_REDCAP_TOKEN": "X"})
    assert other.secret("DEMO_ADULT_REDCAP_TOKEN") == "X"
