"""200 damaged files, the same each time; more, in a process of their own and with public files: `make fuzz`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from omics_orchestrator.formats import FORMATS
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.opaque import Opaque
from omics_orchestrator_tests.formats import fuzz
from omics_orchestrator_tests.formats.fuzz_inputs import CANARY, made

SEED = 20261121


def test_damaged_files_are_answered(tmp_path: Path) -> None:
    each = 200 // len(FORMATS) + 1
    inputs = [(tag, number) for tag in FORMATS for number in range(each)]
    found = {}
    for tag, number in inputs:
        one = made(tag, SEED, number, None, bombs=False)
        found[tag, number] = fuzz.wrong(one.declared, one.files, tmp_path)
    assert {which: told for which, told in found.items() if told} == {}


class Bad(Opaque):
    """A format that does what the content says."""

    def inspect(self, file: OpenFile) -> Inspection:
        match b"".join(file.blocks()):
            case b"crash":
                raise ZeroDivisionError
            case b"grow":
                raise MemoryError
            case b"tell":
                return Inspection.of({}, warnings=[f"{CANARY} is wrong"])
            case b"alter":
                return Inspection.of({"kind": type(file).__name__})
            case b"lie":
                return Inspection("valid", {}, (), ("not quite",))
            case _:
                return Inspection.of({"long": "x" * fuzz.FACTS})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"crash", "crashed: ZeroDivisionError"),
        (b"grow", "wants more memory"),
        (b"tell", "a message repeats content"),
        (b"alter", "read in blocks from disk, another answer"),
        (b"lie", "breaks the contract"),
        (b"fill", "facts of"),
    ],
)
def test_the_fuzzer_sees_what_is_wrong(tmp_path: Path, content: bytes, told: str) -> None:
    assert fuzz.wrong(Bad(), {"a": content}, tmp_path).startswith(told)


@pytest.mark.parametrize(
    ("worker", "told"),
    [
        ("input(); raise SystemExit(3)", "the process died (3)"),
        ("import time; input(); time.sleep(60)", "hangs: no"),
    ],
)
def test_a_child_that_dies_or_hangs_is_told_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, told: str
) -> None:
    monkeypatch.setattr(fuzz, "HANGS", 0.5)
    monkeypatch.setattr(fuzz, "WORKER", worker)
    child = fuzz.Child(tmp_path)
    assert [child.ask("opaque", 1, 1)[: len(told)] for _ in range(2)] == [told, told]


def test_a_child_answers(tmp_path: Path) -> None:
    child = fuzz.Child(tmp_path)
    assert [child.ask("opaque", SEED, number) for number in range(2)] == ["", ""]
    child.end()


@pytest.mark.slow
def test_atheris_breeds_inputs(tmp_path: Path) -> None:
    pytest.importorskip("atheris")  # made for Linux, Python 3.11 and 3.12
    words = [
        "--engine",
        "atheris",
        "--seconds",
        "2",
        "--seed",
        "1",
        "--format",
        "salmon",
        "--keep",
        str(tmp_path),
    ]
    started = [sys.executable, "-m", "omics_orchestrator_tests.formats.fuzz", *words]
    done = subprocess.run(started, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.split("salmon: ")[1].split()[0]) > 10
