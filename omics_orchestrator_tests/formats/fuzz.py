"""Damaged files of every format: each gets an answer, the same however it is read, in bounded time and memory.

python -m omics_orchestrator_tests.formats.fuzz --seconds 60 --seed 7 --format vcf --numba checked --engine atheris
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from omics_orchestrator.formats import FORMATS, Format
from omics_orchestrator.formats.base import Inspection, MemoryFile, OpenFile
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.text import HEAD
from omics_orchestrator.registry.changes import NUL, storable
from omics_orchestrator_tests.formats.fuzz_inputs import CANARY, MIB, made
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_contract import checked

HANGS = 60.0  # seconds after which an input is given up that used the processor for half of them …
WAITS = 5  # … or however many times as many seconds
SLOW = 20.0  # seconds of processor time
LARGE = 768 * MIB  # bytes of memory beyond what the process had
PATIENCE = 10  # times as much time for loops that are not compiled
ADDRESSES = 8 * 1024 * MIB  # bytes of addresses: a process that wants more is refused by the system
FACTS = MIB  # bytes
DERIVED = 256 * 1024  # bytes
NUMBA = {"as shipped": {}, "checked": {"NUMBA_BOUNDSCHECK": "1"}, "off": {"NUMBA_DISABLE_JIT": "1"}}
WORKER = "import sys; from omics_orchestrator_tests.formats.fuzz import work; work(sys.argv[1])"


def wrong(declared: Format, files: Mapping[str, bytes], folder: Path) -> str:
    """Return what is wrong with how a file set is read; '' = nothing."""
    try:
        members: dict[str, Inspection] = {}
        opened: dict[str, OpenFile] = {}
        for number, (name, raw) in enumerate(files.items()):
            place = folder / str(number)
            place.mkdir(exist_ok=True)
            file = place / name
            file.write_bytes(raw)
            opened[name] = MemoryFile(name, raw)
            found = members[name] = declared.inspect_bytes(name, raw)
            if told := _differs(declared, found, OnFile(file), raw) or says(found):
                return told
            recognise(name, raw[:HEAD])
        return says(declared.judge(members, opened))
    except MemoryError:
        return "wants more memory than there may be"
    except AssertionError as error:
        return f"breaks the contract: {str(error).splitlines()[:1]}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a crash
        return f"crashed: {type(error).__name__}: {str(error)[:300]} {_where(error)}"


def _where(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "omics_orchestrator/formats" in code.co_filename:
            place = f"({Path(code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


def _differs(declared: Format, found: Inspection, file: OnFile, raw: bytes) -> str:
    """Tell whether a stream, or a batch of small files, is answered in another way."""
    if declared.inspect(file) != found:
        return "read in blocks from disk, another answer"
    if len(raw) <= MIB and declared.inspect_many([(file.name, raw)]) != [found]:
        return "read in a batch, another answer"
    return ""


def says(found: Inspection) -> str:
    """Return what an answer says that it must not; '' = nothing."""
    checked(found)
    facts = json.dumps(found.facts)
    told = (*found.problems, *found.identifying)
    if CANARY in "\n".join(told):
        return "a message repeats content of the file"
    if len(facts) > FACTS:
        return f"facts of {len(facts)} bytes"
    if any(len(one) > DERIVED for one in found.derived.values()):
        return "a derived object is too large"
    stored = storable(found.facts) + storable(found.samples) + storable(told)
    return "Postgres would not take it" if NUL.search(stored) or not _encodes(stored) else ""


def _encodes(text: str) -> bool:
    with suppress(UnicodeEncodeError):
        return bool(text.encode())
    return False


def work(folder: str) -> None:
    """Answer, as a child process, one line for each line that names an input."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        asked = json.loads(line)
        one = made(asked["tag"], asked["seed"], asked["number"])
        place = Path(folder, "input")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        before, started = _memory(), time.process_time()
        told = wrong(one.declared, one.files, place)
        spent, grown = time.process_time() - started, _memory(peak=True) - before
        if not told and spent > SLOW * _patience(os.environ):
            told = f"slow: {spent:.0f} s of processor time"
        if not told and grown > LARGE:
            told = f"memory: {grown // MIB} MiB more"
        print(json.dumps(told), flush=True)


def _patience(environment: Mapping[str, str]) -> int:
    return PATIENCE if environment.get("NUMBA_DISABLE_JIT") == "1" else 1


def _memory(*, peak: bool = False) -> int:
    """Return the memory of this process in bytes, or its peak since the last call without `peak`."""
    try:
        if not peak:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux: only the limit of addresses holds
        return 0
    line = next(line for line in status.splitlines() if line.startswith("VmHWM" if peak else "VmRSS"))
    return int(line.split()[1]) * 1024


@dataclass
class Child:
    """A process that reads inputs; replaced when it dies or hangs."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = None
    _spent: float = 0.0

    def ask(self, tag: str, seed: int, number: int) -> str:
        """Return what is wrong with how one input is read; '' = nothing."""
        if self._process is None:
            words = [sys.executable, "-c", WORKER, str(self.folder)]
            around = {**os.environ, "TMPDIR": str(self.folder), **self.environment}
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=around
            )
        process = self._process
        self._spent = sum(psutil.Process(process.pid).cpu_times()[:2])
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps({"tag": tag, "seed": seed, "number": number}) + "\n")
            process.stdin.flush()
        limit = HANGS * _patience(self.environment)
        for _ in range(WAITS):  # on a busy machine an input may wait for its turn
            ready, _, _ = select.select([process.stdout], [], [], limit)
            if ready or sum(psutil.Process(process.pid).cpu_times()[:2]) - self._spent > limit / 2:
                break
        if not ready:
            self.end()
            return f"hangs: no answer in {limit:.0f} s"
        if answer := process.stdout.readline():
            return str(json.loads(answer))
        said = process.communicate()[1].strip().splitlines()[-1:]
        self._process = None
        return f"the process died ({process.returncode}): {said}"

    def end(self) -> None:
        """Stop the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def asked(tags: list[str]) -> Iterator[tuple[str, int]]:
    """Yield format and number: all formats in turn, 20 inputs each."""
    start = 0
    while True:
        for tag in tags:
            yield from ((tag, number) for number in range(start, start + 20))
        start += 20


def _fuzz(given: Any, tags: list[str]) -> int:
    """Mutate until the seconds are over; print every input that is read wrongly and keep its files."""
    failed, count, until = 0, 0, time.monotonic() + given.seconds
    with tempfile.TemporaryDirectory(prefix="omics-fuzz-") as place:
        environment = dict(NUMBA[given.numba])
        if environment:
            environment["NUMBA_CACHE_DIR"] = f"{place}/numba"
        child = Child(Path(place), environment)
        for tag, number in asked(tags):
            if time.monotonic() > until:
                break
            count += 1
            if told := child.ask(tag, given.seed, number):
                failed += 1
                kept = Path(given.keep, f"{tag}-{given.seed}-{number}")
                shutil.copytree(Path(place, "input"), kept, dirs_exist_ok=True)
                print(f"{tag}, seed {given.seed}, input {number}: {told}; kept in {kept}", flush=True)
        child.end()
    print(f"{count} inputs of {len(tags)} formats, {failed} read wrongly")
    return int(failed > 0)


def main() -> int:
    """Fuzz for some seconds; the seed is printed, and what is read wrongly is kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--format", action="append", choices=list(FORMATS), help="default: all in turn")
    parser.add_argument("--numba", choices=list(NUMBA), default="as shipped")
    parser.add_argument("--engine", choices=["mutations", "atheris"], default="mutations")
    parser.add_argument("--keep", default=str(Path(tempfile.gettempdir(), "omics-fuzz-kept")))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    if given.engine == "atheris":
        from omics_orchestrator_tests.formats.fuzz_atheris import fuzz

        return fuzz(given.seconds, given.seed, given.format, Path(given.keep))
    return _fuzz(given, given.format or list(FORMATS))


if __name__ == "__main__":
    sys.exit(main())
