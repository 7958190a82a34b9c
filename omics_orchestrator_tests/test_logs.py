"""JSON lines of a process: one object a line, and no word of what a library said of a value."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from omics_orchestrator.settings import WORKING_COPY

PLANTED = "Jane Planted 943 476 5919"
START = f"""
import logging, threading, warnings
from omics_orchestrator import logs
from omics_orchestrator.errors import DeliveryError
logs.install()
planted = {PLANTED!r}
logging.basicConfig(level=logging.INFO, format="%(message)s")
"""


def lines(code: str) -> list[dict[str, Any]]:
    """Return the lines that a process writes; each must be an object, and none may hold the planted value."""
    done = subprocess.run(
        [sys.executable, "-c", START + code], capture_output=True, text=True, cwd=WORKING_COPY
    )
    assert PLANTED not in done.stdout + done.stderr
    assert "Planted" not in done.stdout + done.stderr
    return [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]


def test_our_own_words_are_told() -> None:
    (line,) = lines('logging.getLogger("omics.daemon").info("serves\\nnow")')
    assert (line["level"], line["logger"], line["message"]) == ("info", "omics.daemon", "serves now")
    assert line["time"].endswith("+00:00")


def test_words_of_libraries_are_told_without_what_is_filled_in() -> None:
    found = lines(
        'logging.getLogger("urllib3").warning("Retrying %s", planted)\n'
        'logging.getLogger("botocore").error(f"no key {planted}")\n'
        "warnings.warn(planted)\n"
        "logging.getLogger().error(planted)\n"
    )
    told = [line["message"] for line in found]
    assert told[0] == "Retrying %s"
    assert all("its text is not told" in text for text in told[1:])
    assert len(told) == 4


def test_errors_are_told_by_kind_and_place() -> None:
    found = lines(
        "try:\n    raise KeyError(planted)\n"
        'except KeyError:\n    logging.getLogger("dagster.daemon").exception("Sensor failed\\n" + planted)\n'
        "try:\n    raise DeliveryError('people.csv is cut short')\n"
        'except DeliveryError:\n    logging.getLogger("omics").exception("not read")\n'
    )
    assert found[0]["message"].startswith("Sensor failed: KeyError at <string>:")
    assert found[1]["message"] == "not read: DeliveryError: people.csv is cut short"


def test_uncaught_errors_of_process_and_thread() -> None:
    found = lines(
        "def fail():\n    raise ValueError(planted)\n"
        "thread = threading.Thread(target=fail)\nthread.start()\nthread.join()\nfail()\n"
    )
    assert [line["level"] for line in found] == ["critical", "critical"]
    assert all(line["message"].startswith("this process ends by an error: ValueError at") for line in found)


def test_handlers_that_are_made_later_and_long_texts() -> None:
    (line,) = lines(
        "later = logging.Logger('dagster', logging.INFO)\nlater.addHandler(logging.StreamHandler())\n"
        "later.handlers[0].setFormatter(logging.Formatter('%(message)s'))\nlater.info('x' * 5000)\n"
    )
    assert len(line["message"]) == 501


def test_a_run_that_fails() -> None:
    found = lines(
        "import dagster as dg\n"
        "@dg.asset(key=['raw', 'tiny', 'people'])\n"
        "def people():\n    raise ValueError(planted)\n"
        "made = dg.DagsterInstance.ephemeral()\n"
        "assert not dg.materialize([people], instance=made, raise_on_error=False).success\n"
    )
    (failed,) = [line for line in found if line.get("event") == "STEP_FAILURE"]
    assert (failed["study"], failed["asset"], failed["level"]) == ("tiny", "raw/tiny/people", "error")
    assert "its text is not told" in failed["message"]
    assert failed["run"]
    assert {line["event"] for line in found if "event" in line} >= {"RUN_START", "STEP_START", "RUN_FAILURE"}
