"""FASTQ: the Biopython corpus of good and bad files, real reads, pairs."""

import gzip
import random

import pytest

from omics_orchestrator.formats import Format, fastq_scan
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip

READ = b"@r1 first\nACGTN\n+\nII#5!\n"


def tiny() -> tuple[Format, str, bytes]:
    return Fastq(), "a_R1.fastq", READ * 20


def look(raw: bytes) -> Inspection:
    return Fastq().inspect_bytes("a.fastq", raw)


# file → first bad read and what is wrong with it. All 22 broken files of the corpus are refused.
BROKEN = {
    "diff_ids": (3, "the line with + repeats another title"),
    "double_qual": (4, "the first line does not begin with @"),
    "double_seq": (4, "the next read begins before a line with +"),
    "long_qual": (4, "25 bases but 26 qualities"),
    "no_qual": (1, "25 bases but 0 qualities"),
    "qual_del": (4, "the quality holds a character outside ! to ~"),
    "qual_escape": (5, "the quality holds a character outside ! to ~"),
    "qual_null": (1, "the quality holds a character outside ! to ~"),
    "qual_space": (4, "the quality holds a character outside ! to ~"),
    "qual_tab": (5, "the quality holds a character outside ! to ~"),
    "qual_unit_sep": (3, "the quality holds a character outside ! to ~"),
    "qual_vtab": (1, "the quality holds a character outside ! to ~"),
    "short_qual": (3, "25 bases but 24 qualities"),
    "spaces": (1, "the sequence holds a character that is no base"),
    "tabs": (1, "the sequence holds a character that is no base"),
    "trunc_at_plus": (5, "the file ends within a read"),
    "trunc_at_qual": (5, "the file ends within a read"),
    "trunc_at_seq": (5, "the file ends within a read"),
    "trunc_in_plus": (5, "the file ends within a read"),
    "trunc_in_qual": (5, "the file ends within a read"),
    "trunc_in_seq": (5, "the file ends within a read"),
    "trunc_in_title": (5, "the file ends within a read"),
}
# Sequences or qualities on several lines: allowed by the specification.
WRAPPED = {"longreads_original_sanger": 10, "wrapping_original_sanger": 3, "tricky": 4}


@pytest.mark.parametrize("compiled", [False, True])
def test_the_whole_corpus(shared_data, monkeypatch, compiled):
    monkeypatch.setattr("omics_orchestrator.formats.fastq_scan.WORTH", 0 if compiled else 1 << 60)
    files = sorted((shared_data / "fastq" / "biopython_quality").iterdir())
    assert len(files) == 62
    for file in files:
        found = Fastq().inspect(OnFile(file))
        stem = file.name.split(".")[0]
        if stem.startswith("error_"):
            record, problem = BROKEN[stem.removeprefix("error_")]
            assert found.verdict == "invalid", file.name
            assert found.problems == (f"record {record}: {problem}",), file.name
            assert found.facts["reads"] == record - 1
        else:
            assert found.verdict == ("warnings" if "dos" in stem else "valid"), file.name
            assert found.facts.get("wrapped", False) == (stem in WRAPPED)
            assert found.facts["reads"] == WRAPPED.get(stem, found.facts["reads"])


def test_reads_on_several_lines_are_those_written_on_four(shared_data):
    folder = shared_data / "fastq" / "biopython_quality"
    for kind in ("longreads", "wrapping"):
        wrapped, plain = (
            dict(Fastq().inspect(OnFile(folder / f"{kind}_{form}_sanger.fastq")).facts)
            for form in ("original", "as")
        )
        assert wrapped.pop("wrapped") is True
        assert wrapped == plain


def test_the_encoding_of_qualities_is_read_off(shared_data):
    folder = shared_data / "fastq" / "biopython_quality"
    for written, encoding in {"sanger": "phred+33", "solexa": "solexa+64", "illumina": "phred+64"}.items():
        for kind in ("longreads", "misc_dna", "illumina_full_range", "sanger_full_range"):
            facts = Fastq().inspect(OnFile(folder / f"{kind}_as_{written}.fastq")).facts
            assert facts["quality_encoding"] == encoding, (kind, written)
    facts = Fastq().inspect(OnFile(folder / "sanger_93.fastq")).facts
    assert (facts["quality_lowest"], facts["quality_highest"]) == (33, 126)


def test_real_reads(shared_data):
    folder = shared_data / "fastq" / "ngs_test_data"
    reads = {file.name: Fastq().inspect(OnFile(file)).facts["reads"] for file in folder.iterdir()}
    assert reads == {
        "a.chr21_R1.fastq.gz": 4857,
        "a.chr21_R2.fastq.gz": 4857,
        "b.chr21_R1.fastq.gz": 4898,
        "b.chr21_R2.fastq.gz": 4898,
    }
    assert all(len(members) == 2 for members in Fastq.file_set(sorted(reads)))


def test_counts_do_not_depend_on_blocks_and_packing(tmp_path):
    dice = random.Random(5)
    reads, bases, lengths = [], 0, []
    for number in range(30_000):
        length = dice.randrange(30, 60)
        letters = "".join(dice.choices("ACGT", k=length))
        reads.append(f"@read{number}\n{letters}\n+\n{'I' * (length - 1)}{dice.choice('#J')}\n")
        bases += length
        lengths.append(length)
    text = "".join(reads).encode()
    for raw in (text, gzip.compress(text, 1, mtime=0), bgzip(text), text.rstrip(b"\n")):
        (tmp_path / "file").write_bytes(raw)
        for block in (64 * 1024, 4 * 1024 * 1024):
            found = Fastq().inspect(OnFile(tmp_path / "file", block))
            assert found.verdict == "valid"
            assert (found.facts["reads"], found.facts["bases"]) == (30_000, bases)
            assert (found.facts["shortest"], found.facts["longest"]) == (min(lengths), max(lengths))
    broken = text.replace(b"@read29990\n", b"read29990\n")
    found = Fastq().inspect_bytes("x.fastq.gz", gzip.compress(broken, mtime=0))
    assert found.problems == ("record 29991: the first line does not begin with @",)
    assert found.facts["reads"] == 29_990


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "no reads"),
        (gzip.compress(b"", mtime=0), "no reads"),
        (b"\n\n", "no reads"),
        (READ + READ[:-3], "record 2: the file ends within a read"),
        (READ + READ[:-3] + b"\n" + READ, "record 2: 5 bases but 3 qualities"),
        (READ + b"@r2\nAC\n", "record 2: the file ends within a read"),
        (READ + b"@r2\nA C\n+\nIII\n", "record 2: the sequence holds a character that is no base"),
        (READ + b"@r2\nAC\n+\nI\xff\n", "record 2: the quality holds a character outside ! to ~"),
        (READ + b"r2\nAC\n+\nII\n", "record 2: the first line does not begin with @"),
        (READ + b"@r2\nAC\n+r3\nII\n", "record 2: the line with + repeats another title"),
        (READ + b"@r2\nAC\n=\nII\n", "record 2: the sequence holds a character that is no base"),
        (READ + b"@r2\nAC\n\n+\nII\n", "record 2: an empty line within the sequence"),
        (READ + b"@r2\nAC\n+\n\nII\n", "record 2: 2 bases but 0 qualities"),
        (READ + b"@r2\n+\n\n", "record 2: no line with the sequence"),
        (READ + b"\n" + READ, "record 2: an empty line where a read should begin"),
        (b"\n" + READ, "record 1: an empty line where a read should begin"),
        (READ + b"@r\0\nAC\n+\nII\n", "record 2: the title holds a control character"),
        (READ.replace(b"\n", b"\r") + b"\n", "record 1: its lines end in CR alone"),
        (bytes(10_000), "record 1: the first line does not begin with @"),
        (gzip.compress(READ * 50, mtime=0)[:-4], "the gzip stream ends early"),
        (gzip.compress(READ, mtime=0) + b"rest", "something else follows the end of the gzip stream"),
    ],
)
def test_what_is_wrong_is_said_with_the_first_bad_read(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


ODD = [
    b"",
    b"@r1",
    b"\n",
    b"\n" * 4,
    READ[:-1],
    READ + b"\n",
    READ + READ[:-6],
    READ.replace(b"\n", b"\r\n"),
    READ.replace(b"first", b"first\r"),
    READ.replace(b"\nACGTN\n+\nII#5!\n", b"\n\n+\n\n"),
    READ.replace(b"ACGTN", b"acgtn"),
    READ.replace(b"ACGTN", b"ACGT"),
    READ.replace(b"ACGTN", b"ACG\0N"),
    READ.replace(b"+", b"+r1 first"),
    READ.replace(b"+", b"+other"),
    READ.replace(b"+", b"-"),
    READ.replace(b"@", b">"),
    READ.replace(b"#", b" "),
    READ.replace(b"#", b"\x7f"),
    READ * 3 + b"@\nA\n+\n~\n",
    bytes(2 * 1024 * 1024),
]


def test_many_files_at_one_go_are_told_as_one_by_one(shared_data, monkeypatch):
    texts = [file.read_bytes() for file in sorted((shared_data / "fastq" / "biopython_quality").iterdir())]
    texts += ODD + [READ * count for count in range(1, 30)]
    packed = [gzip.compress(text, mtime=0) for text in texts]
    packed += [bgzip(text) for text in texts[-5:]] + [
        gzip.compress(READ, mtime=0) * 2,
        gzip.compress(READ, mtime=0) + b"\0" * 9,
    ]
    packed += [packed[-9] + b"more", packed[-9][:-1], packed[-9][:-9] + b"x" + packed[-9][-8:]]
    files = [("a.fastq.gz", raw) for raw in texts + packed]
    random.Random(1).shuffle(files)
    alone = [Fastq().inspect_bytes(*file) for file in files]
    assert {found.verdict for found in alone} == {"valid", "warnings", "invalid"}
    monkeypatch.setattr("omics_orchestrator.formats.fastq_scan.WORTH", 0)
    for size in (1, 300, 10**6):
        monkeypatch.setattr("omics_orchestrator.formats.fastq_batch.BATCH", size)
        assert Fastq().inspect_many(files) == alone
    assert Fastq().inspect_many([]) == []


def test_a_good_batch_is_not_read_twice(monkeypatch):
    files = [("a.fastq.gz", gzip.compress(READ * count, mtime=0)) for count in range(1, 50)]
    monkeypatch.setattr("omics_orchestrator.formats.fastq_scan.WORTH", 0)
    monkeypatch.setattr(Fastq, "inspect", None)
    counts = [found.facts["reads"] for found in Fastq().inspect_many(files)]
    assert counts == list(range(1, 50))


def test_what_tools_may_stumble_over_is_a_warning():
    assert look(READ.replace(b"\n", b"\r\n")).problems == ("lines end in CR LF: several tools refuse that",)
    assert "end marker" in look(bgzip(READ, end=False)).problems[0]
    assert look(READ.replace(b"+\n", b"+r1 first\n")).verdict == "valid"
    assert look(READ + b"\n\n").problems == ("empty lines follow the last read",)
    assert look(READ + READ.replace(b"ACGTN", b"ACGTE")).problems == (
        "record 2: the sequence holds a letter that stands for no base",
    )


def test_one_flipped_bit_is_found():
    raw = gzip.compress(READ * 200, mtime=0)
    filling = len(raw) - 9  # the last byte before CRC and length: its upper bits mean nothing
    for at in set(range(10, len(raw))) - {filling}:  # the first ten bytes hold no content
        for bit in range(8):
            flipped = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            assert look(flipped).verdict == "invalid", (at, bit)


def test_a_bomb_is_refused_before_it_fills_the_memory():
    for line, problem in (
        (b"@" + b"a" * 70_000_000, "longer than 32 MiB"),
        (bytes(70_000_000), "begin with @"),
    ):
        assert problem in look(gzip.compress(line, 1, mtime=0)).problems[0]


def test_problems_hold_no_content():
    for raw in (
        READ + b"@GID-136-7\nAC?T\n+\nIIII\n",
        READ + b"GID-136-7\nA\n+\nI\n",
        READ + b"@GID-136-7\nA\n",
    ):
        assert "GID" not in " ".join(look(raw).problems)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a_R1.fastq.gz", "a_R2.fastq.gz"),
        ("a_1.fq", "a_2.fq"),
        ("S7_S1_L001_R1_001.fastq.gz", "S7_S1_L001_R2_001.fastq.gz"),
        ("x.R1.fq.gz", "x.R2.fq.gz"),
        ("x_R1_trimmed.fastq.gz", "x_R2_trimmed.fastq.gz"),
        ("run_1/x_r1.fq.bgz", "run_1/x_r2.fq.bgz"),
    ],
)
def test_mates_are_one_set(one, two):
    assert Fastq.file_set([one, two]) == [(one, two)]


def test_index_reads_are_of_the_set():
    names = [
        f"a_S1_L00{lane}_{read}_001.fastq.gz" for lane in (1, 2) for read in ("I1", "I2", "R1", "R2", "R3")
    ]
    assert Fastq.file_set(names) == [tuple(names[:5]), tuple(names[5:])]


def test_what_is_no_pair_stays_alone():
    names = [
        "a_L001_R1.fq",
        "a_L002_R1.fq",
        "b_3.fq",
        "c.fq",
        "d/e_R1.fq",
        "f/e_R2.fq",
        "PAR1.fq",
        "PAR2.fq",
        "x_I1_001.fq",
        "x_R3.fq",
        "x_R1.fq",
    ]
    assert Fastq.file_set(names) == [(name,) for name in names]


def test_a_long_text_in_few_packed_bytes_reaches_the_compiled_loops(monkeypatch):
    """Fuzzing found 130 MB of short reads in 260 KB: they went through the exact parser to the end."""
    monkeypatch.setattr(fastq_scan, "WORTH", 1 << 20)
    monkeypatch.setattr(fastq_scan._Demand, "size", 0)
    text = b"@r\nA\n+\nF\n" * 1_000_000
    compiled = 0
    real = fastq_scan.Scanner.scan

    def scan(self, text, tally):
        nonlocal compiled
        compiled += len(text)
        return real(self, text, tally)

    monkeypatch.setattr(fastq_scan.Scanner, "scan", scan)
    found = Fastq().inspect_bytes("a.fastq.gz", gzip.compress(text, 9))
    assert (found.verdict, found.facts["reads"]) == ("valid", 1_000_000)
    assert compiled > len(text) / 2
