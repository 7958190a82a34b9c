"""What a person settles, what is almost right, what collides, what is judged as a whole, what is not read yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from omics_orchestrator.errors import FormatError, StorageError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.fastq import Fastq
from omics_orchestrator.registry import register as registering
from omics_orchestrator.registry.reading import Reader
from omics_orchestrator.registry.sets import Listed, Reading
from omics_orchestrator.registry.whose import bare_name
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples
from omics_orchestrator_tests.registry.test_register import by_check

SAMPLES = table_of_samples(S1="P1", S2="P2")


def state(laboratory: Laboratory) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {row["key"]: (row["sample_id"], row["reason"], row["rule"]) for row in laboratory.files()}


def test_a_person_settles_by_set_or_file_and_takes_it_back(laboratory: Laboratory) -> None:
    laboratory.put("mgx/odd_R1.fastq.gz", reads())
    laboratory.put("mgx/strange.fastq.gz", reads(3))
    assert laboratory.register(FASTQ, SAMPLES).rows["quarantined"] == 2
    settled = {"odd_R?.fastq.gz": (None, "S1"), "strange.fastq.gz": ("P2", None)}
    done = laboratory.register(FASTQ, SAMPLES, settled=settled)
    assert (done.rows["linked"], done.rows["read"]) == (2, 0)
    assert state(laboratory) == {
        "mgx/odd_R1.fastq.gz": ("S1", None, "settled"), "mgx/strange.fastq.gz": (None, None, "settled"),
    }  # fmt: skip
    assert laboratory.register(FASTQ, SAMPLES, settled=settled).touched == 0
    assert laboratory.register(FASTQ, SAMPLES).rows["quarantined"] == 2


def test_a_person_cannot_settle_what_is_not_so(laboratory: Laboratory) -> None:
    laboratory.put("mgx/odd_R1.fastq.gz", reads())
    laboratory.register(FASTQ, SAMPLES, settled={"odd_R?.fastq.gz": (None, "S9")})
    assert state(laboratory) == {"mgx/odd_R1.fastq.gz": (None, "sample_unknown", None)}


def test_a_name_spelled_otherwise_is_a_near_miss(laboratory: Laboratory) -> None:
    samples = table_of_samples(**{"GID-01-a": "P1", "GID-2": "P2", "GID2": "P2"})
    link = r"(?P<sample>.+)\.fastq\.gz"
    for name in ("gid_1_A", "gid 2", "other"):
        laboratory.put(f"mgx/{name}.fastq.gz", reads())
    done = laboratory.register({**FASTQ, "link": link}, samples)
    near = {row["key"]: row["nearest"] for row in laboratory.files()}
    assert near == {
        "mgx/gid_1_A.fastq.gz": "GID-01-a",
        "mgx/gid 2.fastq.gz": None,
        "mgx/other.fastq.gz": None,
    }
    [finding] = done.findings
    assert "1 differ from a known sample in spelling only" in finding.message
    assert "GID" not in finding.message


@pytest.mark.parametrize(("one", "other"), [("S-007_a", "s7A"), ("GID 1.10", "gid-01-10"), ("Ä1", "ä01")])
def test_bare_names(one: str, other: str) -> None:
    assert bare_name(one) == bare_name(other)


def test_bare_names_keep_what_differs() -> None:
    assert len({bare_name(name) for name in ("S1", "S10", "S01B", "T1", "S0")}) == 5


def test_two_sets_of_one_sample_are_told(laboratory: Laboratory) -> None:
    link = r"(?P<participant>P\d+)_(?P<sample>S\d+)_.*"
    laboratory.put("mgx/P1_S1_L001_R1.fastq.gz", reads())
    laboratory.put("mgx/P1_S1_L002_R1.fastq.gz", reads(3))
    [finding] = laboratory.register({**FASTQ, "link": link}, SAMPLES).findings
    assert (finding.check, finding.severity, finding.count) == ("linked", "note", 1)


def test_a_set_is_judged_as_a_whole_and_again_only_when_it_changed(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[Sequence[str], int]] = []

    def judge(self: Fastq, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        judged.append((list(members), sum(len(block) for block in files["P1_S1_R1.fastq.gz"].blocks())))
        counts = {str(found.facts["reads"]) for found in members.values()}
        facts: dict[str, Any] = {"counts": len(counts)}
        if len(counts) > 1:
            return Inspection.refused(FormatError("another number of reads", record=3), facts)
        return Inspection.of(facts)

    monkeypatch.setattr(Fastq, "judge", judge)
    first = laboratory.put("mgx/P1_S1_R1.fastq.gz", reads(2))
    laboratory.put("mgx/P1_S1_R2.fastq.gz", reads(3))
    done = laboratory.register(FASTQ, SAMPLES)
    assert by_check(done.findings)["verdict"] == 1
    assert {row["reason"] for row in laboratory.files()} == {"invalid"}
    assert laboratory.rows("select verdict, facts, problems from registry.file_set") == [
        ("invalid", {"counts": 2}, ["record 3: another number of reads"])
    ]
    assert laboratory.register(FASTQ, SAMPLES).touched == 0
    laboratory.register(FASTQ, table_of_samples(S1="P1"))
    assert judged == [(["P1_S1_R1.fastq.gz", "P1_S1_R2.fastq.gz"], first.stat().st_size)]
    first.write_bytes(reads(3))
    mended = laboratory.register(FASTQ, SAMPLES)
    assert (mended.rows["read"], mended.rows["linked"], mended.findings) == (1, 2, ())
    assert len(judged) == 2


def test_quick_looks_at_the_first_bytes_and_says_so(
    laboratory: Laboratory, reading_counter: Callable[[], int]
) -> None:
    laboratory.put("mgx/P1_S1_R1.fastq.gz", reads())
    laboratory.put("mgx/P2_S2_R1.fastq.gz", b"##fileformat=VCFv4.2\n#CHROM\tPOS")
    done = laboratory.register(FASTQ, SAMPLES, quick=True)
    assert {row["key"]: (row["verdict"], row["sha256"]) for row in laboratory.files()} == {
        "mgx/P1_S1_R1.fastq.gz": ("unverified", None), "mgx/P2_S2_R1.fastq.gz": ("invalid", None),
    }  # fmt: skip
    [(problem,)] = laboratory.rows(
        "select problems ->> 0 from registry.file_version where verdict = 'invalid'"
    )
    assert problem == "its first bytes are not those of fastq"
    assert any("not read yet" in finding.message for finding in done.findings)
    before = reading_counter()
    assert laboratory.register(FASTQ, SAMPLES, quick=True).touched == 0
    assert reading_counter() == before
    whole = laboratory.register(FASTQ, SAMPLES)
    assert whole.rows["read"] == 2
    assert [row["verdict"] for row in laboratory.files()] == ["valid", "invalid"]
    assert laboratory.rows("select count(*) from registry.file_version") == [(2,)]


def test_an_interrupted_registration_goes_on_where_it_ended(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "PORTION", 2)
    for number in range(6):
        laboratory.put(f"mgx/P1_S1_{number}.fastq.gz", reads(number + 1))
    original, calls = Reader.read, 0

    def failing(self: Reader, files: Sequence[Listed]) -> list[Reading]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StorageError("the network is gone", retry=True)
        return original(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(Reader, "read", failing)
        with pytest.raises(StorageError, match="network"):
            laboratory.register(FASTQ, SAMPLES)
    kept = len(laboratory.files())
    assert kept == 4
    done = laboratory.register(FASTQ, SAMPLES)
    assert (done.rows["files"], done.rows["read"]) == (6, 6 - kept)


def test_files_that_become_other_sets_leave_none_behind(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.put("mgx/P1_S1_R1.fastq.gz", reads())
    laboratory.put("mgx/P1_S1_R2.fastq.gz", reads())
    laboratory.register(FASTQ, SAMPLES)
    monkeypatch.setattr(Fastq, "set_key", classmethod(lambda cls, name: name))
    monkeypatch.setattr(Fastq, "version", "next")
    laboratory.register(FASTQ, SAMPLES)
    names = laboratory.rows("select name from registry.file_set order by name")
    assert names == [("P1_S1_R1.fastq.gz",), ("P1_S1_R2.fastq.gz",)]
    assert [row["number"] for row in laboratory.files()] == [1, 2]
