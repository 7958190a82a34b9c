"""FASTQ: the files of a set hold the same reads in the same order, by name."""

import gzip
import random
from collections.abc import Callable, Sequence

import pytest

from omics_orchestrator.formats.base import Inspection, MemoryFile, OpenFile
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator_tests.formats.onfile import OnFile


def text(titles: Sequence[str]) -> bytes:
    return "".join(f"@{title}\nACGT\n+\nIIII\n" for title in titles).encode()


def judged(files: dict[str, bytes]) -> Inspection:
    opened: dict[str, OpenFile] = {name: MemoryFile(name, raw) for name, raw in files.items()}
    assert len(Fastq.file_set(files)) == 1
    return Fastq().judge({name: Fastq().inspect(file) for name, file in opened.items()}, opened)


def pair(
    one: Sequence[str], two: Sequence[str], names: tuple[str, str] = ("a_R1.fq", "a_R2.fq")
) -> Inspection:
    return judged({names[0]: text(one), names[1]: text(two)})


STYLES: dict[str, Callable[[int, int], str]] = {
    "same names": lambda read, mate: f"r{read}",
    "old Illumina": lambda read, mate: f"HWUSI:6:73:{read}:1973#0/{mate}",
    "Casava 1.8": lambda read, mate: f"EAS139:136:FC:2:2104:{read}:197393 {mate}:N:18:ATCACG",
    "SRA": lambda read, mate: f"SRR1.{read} {read} length=4",
    "SRA with mates": lambda read, mate: f"SRR1.{read}.{mate} {read} length=4",
}


@pytest.mark.parametrize("style", STYLES)
def test_mates_of_every_style_fit_and_a_swap_is_found(style):
    one, two = ([STYLES[style](read, mate) for read in range(1, 40)] for mate in (1, 2))
    found = pair(one, two)
    assert (found.verdict, found.problems, found.facts) == ("valid", (), {"fragments": 39})
    two[6], two[7] = two[7], two[6]
    found = pair(one, two)
    assert found.verdict == "invalid"
    assert found.problems == ("record 7: the names of the reads differ between R1 and R2",)


def test_different_counts_are_told():
    names = [f"r{read}" for read in range(30)]
    assert pair(names, names[:-1]).problems == (
        "record 30: the names of the reads differ between R1 and R2; R1 holds 30 reads, R2 29",
    )
    assert pair(names[1:], names, ("a_1.fq", "a_2.fq")).problems == (
        "record 1: the names of the reads differ between R1 and R2; R1 holds 29 reads, R2 30",
    )


def test_an_ending_that_looks_like_a_mate_must_do_so_throughout():
    assert pair(["r.1", "r.2"], ["r.2", "r.1"]).problems == (
        "record 2: the names of the reads differ between R1 and R2",
    )
    assert pair(["a", "r.1"], ["a", "r.2"]).verdict == "invalid"


def test_index_reads_must_fit_too():
    reads = [f"r{read} 1:N:0:A" for read in range(9)]
    prefix, suffix = "a_S1_L001_", "_001.fastq"
    files = {f"{prefix}{kind}{suffix}": text(reads) for kind in ("I1", "R1")}
    files[f"{prefix}R2{suffix}"] = text([title.replace(" 1:", " 2:") for title in reads])
    assert judged(files).facts == {"fragments": 9}
    files[f"{prefix}I1{suffix}"] = text(reads[:4] + ["other"] + reads[5:])
    assert judged(files).problems == ("record 5: the names of the reads differ between R1 and I1",)


def test_a_mate_under_the_name_of_the_other_is_a_warning():
    reads = [f"r{read}/1" for read in range(9)]
    found = pair(reads, reads)
    assert found.verdict == "warnings"
    assert found.problems == ("the file named R2 says that it holds read 1 of each fragment",)


def test_nothing_is_said_of_one_file_or_of_broken_ones():
    assert judged({"a_R1.fq": text(["r1"])}) == Inspection.of({})
    assert judged({"a_R1.fq": text(["r1"]), "a_R2.fq": b"no"}) == Inspection.of({})


def test_pairs_that_fit_are_not_read_again():
    members = {name: Fastq().inspect_bytes(name, text(["r1", "r2"])) for name in ("a_1.fq", "a_2.fq")}
    assert Fastq().judge(members, {}).verdict == "valid"


def test_a_file_that_changed_under_our_hands_is_told_not_raised():
    members = {
        "a_1.fq": Fastq().inspect_bytes("a_1.fq", text(["r1"])),
        "a_2.fq": Fastq().inspect_bytes("a_2.fq", text(["r2"])),
    }
    files = {"a_1.fq": MemoryFile("a_1.fq", text(["r1"])), "a_2.fq": MemoryFile("a_2.fq", b"gone")}
    assert "can no longer be read" in Fastq().judge(members, files).problems[0]


def test_the_first_difference_is_found_with_and_without_compiled_loops(tmp_path, monkeypatch):
    names = [f"r{read}" for read in range(50_000)]
    (tmp_path / "a_R1.fq.gz").write_bytes(gzip.compress(text(names), 1, mtime=0))
    at = random.Random(3).randrange(len(names))
    (tmp_path / "a_R2.fq.gz").write_bytes(
        gzip.compress(text([*names[:at], "x", *names[at + 1 :]]), 1, mtime=0)
    )
    files = {name: OnFile(tmp_path / name) for name in ("a_R1.fq.gz", "a_R2.fq.gz")}
    for worth in (0, 1 << 60):
        monkeypatch.setattr("omics_orchestrator.formats.fastq_scan.WORTH", worth)
        members = {name: Fastq().inspect(file) for name, file in files.items()}
        assert Fastq().judge(members, files).problems == (
            f"record {at + 1}: the names of the reads differ between R1 and R2",
        )


def test_real_pairs_fit_and_mates_of_two_samples_do_not(shared_data):
    folder = shared_data / "fastq" / "ngs_test_data"
    files = {file.name: OnFile(file) for file in sorted(folder.iterdir())}
    found = {name: Fastq().inspect(file) for name, file in files.items()}
    for members in Fastq.file_set(files):
        assert Fastq().judge({name: found[name] for name in members}, files).verdict == "valid"
    swapped = {"x_R1.fq.gz": files["a.chr21_R1.fastq.gz"], "x_R2.fq.gz": files["b.chr21_R2.fastq.gz"]}
    judgement = Fastq().judge({name: found[file.name] for name, file in swapped.items()}, swapped)
    assert judgement.problems == (
        "record 2: the names of the reads differ between R1 and R2; R1 holds 4857 reads, R2 4898",
    )


def test_names_are_not_told():
    found = pair(["GID-136-7", "b"], ["GID-136-7", "GID-7"])
    assert "GID" not in " ".join(found.problems)
