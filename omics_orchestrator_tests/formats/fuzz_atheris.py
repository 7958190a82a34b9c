"""Atheris (libFuzzer) over the parsers of text in plain Python: inputs that reach new branches breed further ones.

Linux with Python 3.11 or 3.12 only; everywhere else the mutations of fuzz.py do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = "omics_orchestrator_tests.formats.fuzz_atheris"
WORKER = f"import sys; from {MODULE} import work; work(*sys.argv[1:3], sys.argv[3:])"
LONGEST = 8192  # bytes of an input
HANGS = 60  # seconds


def texts() -> list[str]:
    """Return the formats whose smallest good file is plain text."""
    from omics_orchestrator.formats import FORMATS
    from omics_orchestrator_tests.formats.test_contract import tiny

    examples = {tag: tiny(tag)[2] for tag, kind in FORMATS.items() if not kind.opaque}
    return [tag for tag, raw in examples.items() if raw.isascii() and b"\0" not in raw]


def fuzz(seconds: float, seed: int, tags: list[str] | None, keep: Path) -> int:
    """Give each format its share of the seconds; return 1 when an input was read wrongly (it is kept)."""
    chosen = tags or texts()
    share = max(1, round(seconds / len(chosen)))
    failed = []
    keep.mkdir(parents=True, exist_ok=True)
    for tag in chosen:
        with tempfile.TemporaryDirectory(prefix="omics-fuzz-") as place:
            words = [
                f"-max_total_time={share}",
                f"-seed={seed % 2**32 or 1}",
                f"-max_len={LONGEST}",
                "-rss_limit_mb=4096",
            ]
            words += [
                f"-timeout={HANGS}",
                f"-artifact_prefix={keep}/{tag}-",
                "-verbosity=0",
                "-print_final_stats=1",
                place,
            ]
            around = {**os.environ, "NUMBA_DISABLE_JIT": "1", "TMPDIR": place}
            started = [sys.executable, "-c", WORKER, tag, place, *words]
            done = subprocess.run(
                started, env=around, capture_output=True, text=True, timeout=share + 4 * HANGS
            )
        said = done.stdout + done.stderr
        ran = next(
            (line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line), "?"
        )
        print(
            f"{tag}: {ran} inputs" + (f", one read wrongly:\n{said[-2000:]}" if done.returncode else ""),
            flush=True,
        )
        failed += [tag] if done.returncode else []
    return int(bool(failed))


def work(tag: str, corpus: str, words: list[str]) -> None:
    """Breed inputs of one format, as a child process that ends by itself."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=["omics_orchestrator.formats"]):
        from omics_orchestrator_tests.formats.fuzz import says
        from omics_orchestrator_tests.formats.fuzz_inputs import inflated, sown

    good = sown(tag)
    declared, name = good[0].declared, next(iter(good[0].files))
    for number, one in enumerate(raw for each in good for raw in each.files.values()):
        text = inflated(one) or one
        if len(text) <= LONGEST:
            Path(corpus, str(number)).write_bytes(text)

    def answer(raw: bytes) -> None:
        declared.sniff(name, raw)
        found = declared.inspect_bytes(name, raw)
        if told := says(found):
            raise AssertionError(told)
        if declared.inspect_many([(name, raw)]) != [found]:
            raise AssertionError("read in a batch, another answer")

    atheris.Setup([sys.argv[0], *words], answer)
    atheris.Fuzz()
