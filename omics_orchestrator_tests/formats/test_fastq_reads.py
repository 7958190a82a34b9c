"""FASTQ: the compiled loops, the exact parser and a plain reference say the same of any text."""

import gzip
import os
import random
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import fastq_reads, fastq_scan
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.formats.fastq_reads import read_all
from omics_orchestrator.formats.fastq_tally import BINS, Tally, encoding_of

often = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
READ = b"@r1 1:N:0:A\nACGTN\n+\nII#5!\n"


def counted(text: bytes, pieces: int, *, compiled: bool) -> tuple[Any, ...]:
    """Return what came of a text that came in pieces: problem, facts, flags."""
    tally, step = Tally(), max(1, -(-len(text) // pieces))
    kernel = fastq_scan._kernel() if compiled else None
    scanner = fastq_scan.Scanner(kernel) if kernel else None
    problem = ""
    try:
        read_all((text[at : at + step] for at in range(0, len(text), step)), tally, scanner)
    except FormatError as error:
        problem = str(error)
    return (
        problem,
        tally.facts(),
        *(() if problem else (tally.crlf, tally.wrapped, tally.blank, tally.strange)),
    )


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Good reads of every layout, and now and then a byte of it changed, cut out or put in."""
    parts = []
    for number in range(draw(st.integers(0, 8))):
        length = draw(st.sampled_from([0, 1, 5, 5, 5, 7, 300, 600]))
        letters = draw(st.sampled_from(["ACGT", "ACGT", "ACGTN", "acgtnRYKM-.*", "ACGTEX"]))
        chance = random.Random(draw(st.integers(0, 99)))
        bases, quality = chance.choices(letters, k=length), chance.choices("!#5@+IJ~", k=length)
        title = draw(
            st.sampled_from(["r", "r/1", "r/2 x", "r 2:N:0:A", "", "r\t1:Y:0:", "/1", "r 2:X", "r 1"])
        )
        name, extra = title[:1] + str(number) * (number % 3), title[1:]
        end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
        width = draw(st.sampled_from([1000, 1000, 1000, 3, 250]))
        lines = [f"@{name}{extra}", *_wrapped("".join(bases), width)]
        lines += [draw(st.sampled_from(["+", "+", f"+{name}{extra}"])), *_wrapped("".join(quality), width)]
        parts.append(end.join(lines) + end)
    text = bytearray("".join(parts).encode())
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from([b"", b"\n", b"\0", b"@", b"+", b"\xff", b"\r", b"A"])
        )
    return bytes(text[: draw(st.sampled_from([len(text), len(text), len(text) - 1, len(text) // 2]))])


def _wrapped(letters: str, width: int) -> list[str]:
    return [letters[at : at + width] for at in range(0, len(letters), width)] or [""]


@often
@given(texts(), st.integers(1, 9))
@example(READ * 3, 2)
@example(READ + b"@x\n" + b"A" * 700 + b"\n+\n" + b"I" * 700 + b"\n" + READ, 5)
def test_compiled_and_exact_say_the_same_however_the_text_is_cut(text, pieces):
    wanted = counted(text, 1, compiled=False)
    assert counted(text, 1, compiled=True) == wanted
    assert counted(text, pieces, compiled=False) == wanted
    assert counted(text, pieces, compiled=True) == wanted


@often
@given(st.lists(texts(), max_size=6))
def test_files_at_one_go_are_told_as_one_by_one(found):
    files = [("a.fq", text) for text in found] + [
        ("a.fq.gz", gzip.compress(text, 1, mtime=0)) for text in found
    ]
    before = fastq_scan.WORTH
    try:
        fastq_scan.WORTH = 1 << 60
        wanted = [Fastq().inspect_bytes(*file) for file in files]
        fastq_scan.WORTH = 0
        assert Fastq().inspect_many(files) == wanted
    finally:
        fastq_scan.WORTH = before


@often
@given(texts())
def test_facts_are_those_of_a_plain_count(text):
    """The reference knows four-line files only and takes them apart without any of our code."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")[:-1]
    problem, facts, *flags = counted(text, 1, compiled=True)
    assert isinstance(facts, dict)
    if problem or flags[-1] or "wrapped" in facts or len(lines) % 4:
        return
    sequences, qualities = lines[1::4], lines[3::4]
    bases, quality = b"".join(sequences).upper(), b"".join(qualities)
    assert facts["reads"] == len(sequences)
    assert (facts["bases"], facts["longest"]) == (len(bases), max(map(len, sequences)))
    names = [title[1:].split(b" ")[0].split(b"\t")[0] for title in lines[::4]]
    names = [name[:-2] if name[-2:-1] == b"/" and name[-1:] in b"1234" else name for name in names]
    joined = b"".join(name + b"\n" for name in names)
    assert facts["names_digest"] == f"{zlib.crc32(joined):08x}"
    if not bases:
        return
    counts = facts["base_counts"]
    assert counts["N"] == bases.count(b"N") + bases.count(b".")
    assert counts["A"] == bases.count(b"A")
    assert sum(counts.values()) == len(bases)
    offset = encoding_of(min(quality), max(quality)).offset
    assert facts["quality_mean"] == pytest.approx(sum(quality) / len(quality) - offset, abs=0.006)
    assert facts["q30_share"] == pytest.approx(
        sum(one >= 30 + offset for one in quality) / len(quality), abs=1e-4
    )
    width, longest = facts["quality_profile_width"], facts["longest"]
    profile = facts["quality_profile"]
    assert len(profile) == -(-longest // width) <= max(1, min(BINS, len(sequences) // 4))
    for bin_ in {0, len(profile) - 1}:
        there = b"".join(one[bin_ * width : (bin_ + 1) * width] for one in qualities)
        assert profile[bin_] == pytest.approx(sum(there) / len(there) - offset, abs=0.051)


@often
@given(st.binary(max_size=300), st.integers(1, 5))
def test_noise_is_told_alike(noise, pieces):
    text = READ * 2 + noise
    wanted = counted(text, 1, compiled=False)
    assert counted(text, pieces, compiled=True) == wanted


@pytest.mark.parametrize(
    "variable", ["NUMBA_DISABLE_JIT", pytest.param("NUMBA_BOUNDSCHECK", marks=pytest.mark.slow)]
)
def test_the_compiled_loops_hold_uncompiled_and_with_bounds_checked(tmp_path, variable):
    """A process of its own each: Numba reads these variables when it is imported."""
    script = (
        "import gzip, random, warnings\n"
        "warnings.filterwarnings('ignore', 'overflow')\n"
        "from omics_orchestrator.formats import fastq_scan\n"
        "from omics_orchestrator_tests.formats.test_fastq_reads import counted, READ\n"
        "chance = random.Random(7)\n"
        "good = b''.join(READ + b'@q/2\\n%b\\n+\\n%b\\n' % (b'G' * n, b'I' * n) for n in (0, 1, 3, 600, 4))\n"
        "for trial in range(60):\n"
        "    text = bytearray(good)\n"
        "    for _ in range(trial % 3):\n"
        "        text[chance.randrange(len(text))] = chance.choice(b'\\n\\0@+A\\xff\\r ')\n"
        "    text = bytes(text[: chance.choice([len(text), chance.randrange(len(text))])])\n"
        "    assert counted(text, 1 + trial % 4, compiled=True) == counted(text, 1, compiled=False), text\n"
        "print('same')\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, variable: "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "same\n", done.stderr[-2000:]


def test_without_numba_or_a_place_to_keep_code_all_is_the_same(monkeypatch):
    files = [("a.fq", READ * count) for count in range(1, 40)]
    monkeypatch.setattr(fastq_scan, "WORTH", 0)
    wanted = Fastq().inspect_many(files)
    monkeypatch.setattr(fastq_scan, "_kernel", lambda: None)
    assert Fastq().inspect_many(files) == wanted


def test_small_work_does_not_load_numba():
    script = (
        "import sys\n"
        "from omics_orchestrator.formats.fastq import Fastq\n"
        "from omics_orchestrator_tests.formats.test_fastq_reads import READ\n"
        "assert Fastq().inspect_many([('a.fq', READ * 40)] * 100)[99].verdict == 'valid'\n"
        "print('numba' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "False\n", done.stderr[-2000:]


def look(text: bytes) -> Inspection:
    return Fastq().inspect(MemoryFile("a.fastq", text))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_long_read_is_read_in_one_go_not_ever_again(compiled):
    length = 4_000_000
    text = READ + b"@long\n" + b"A" * length + b"\n+\n" + b"I" * length + b"\n" + READ
    started = time.perf_counter()
    problem, facts, *_ = counted(text, 120, compiled=compiled)
    assert time.perf_counter() - started < 5
    assert problem == ""
    assert isinstance(facts, dict)
    assert (facts["reads"], facts["longest"], len(facts["quality_profile"])) == (3, length, 1)


def test_a_read_without_end_is_refused_not_gathered(monkeypatch):
    monkeypatch.setattr(fastq_reads, "LONGEST_READ", 100_000)
    for endless in (b"@" + b"x" * 400_000, b"@r\n" + b"ACGT\n" * 100_000):
        problem, *_ = counted(endless, 20, compiled=True)
        assert "longer than" in str(problem)
    for ends in (READ + b"\n" * 400_000, b"@r\n" + b"\n" * 400_000):
        assert counted(ends, 20, compiled=True)[0].endswith("more than 1,000 empty lines")


def test_a_10_000_character_title_and_empty_parts():
    assert look(b"@" + b"t" * 10_000 + b"\nA\n+\nI\n").verdict == "valid"
    assert look(b"@\nA\n+\nI\n").verdict == "valid"
    assert look(b"@a\n\n+\n\n").facts["longest"] == 0
    assert look(b"@a\n\n+\n").problems == ("record 1: the file ends within a read",)


@pytest.mark.parametrize(
    ("quality", "encoding"),
    [
        ("!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHI", "phred+33"),  # Sanger 0 to 40
        ("#,:FJ", "phred+33"),  # Illumina 1.8, binned
        ("~", "phred+64"),
        ("@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh", "phred+64"),  # Illumina 1.3
        ("BBBCDEfgh", "phred+64"),  # Illumina 1.5: B marks a bad end
        (";<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh", "solexa+64"),  # -5 to 40
        ("FFFF", "unclear"),
        (";;;;", "unclear"),
    ],
)
def test_encodings(quality, encoding):
    found = look(f"@r\n{'A' * len(quality)}\n+\n{quality}\n".encode())
    assert found.facts["quality_encoding"] == encoding


def test_facts_of_one_small_file():
    found = look(b"@r/1\nACGTNNRU\n+\n!5IIIIII\n@s/1\nGG\n+\nII\n")
    assert found.facts == {
        "reads": 2,
        "bases": 10,
        "shortest": 2,
        "longest": 8,
        "names_digest": format(zlib.crc32(b"r\ns\n"), "08x"),
        "mates": [1],
        "base_counts": {"A": 1, "C": 1, "G": 3, "T": 2, "N": 2, "other": 1},
        "gc": 0.5714,
        "n_share": 0.2,
        "quality_lowest": 33,
        "quality_highest": 73,
        "quality_encoding": "phred+33",
        "quality_mean": 34.0,
        "q30_share": 0.8,
        "quality_profile": [34.0],
        "quality_profile_width": 8,
        "compression": "none",
    }
