"""One assay through its life: new, unchanged, changed, touched, vanished, back; every file linked or with a reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.findings import Finding
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples, touch_later

SAMPLES = table_of_samples(S1="P1", S2="P2")


@pytest.fixture
def pair(laboratory: Laboratory) -> tuple[Path, Path]:
    return laboratory.put("mgx/P1_S1_R1.fastq.gz", reads(3)), laboratory.put(
        "mgx/P1_S1_R2.fastq.gz", reads(3, "TTGCA")
    )


def by_check(findings: tuple[Finding, ...]) -> dict[str, int]:
    return {finding.check: finding.count for finding in findings}


def test_a_pair_is_one_set_linked_to_its_sample(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    done = laboratory.register(FASTQ, SAMPLES)
    assert done.rows == {
        "file_sets": 1,
        "files": 2,
        "linked": 2,
        "quarantined": 0,
        "invalid": 0,
        "missing": 0,
        "read": 2,
    }
    assert done.findings == ()
    assert done.touched == 6  # 1 set, 2 files, 2 versions, 1 link
    first, second = laboratory.files()
    assert (first["number"], first["file_set"], first["version"]) == (1, "P1_S1_R?.fastq.gz", 1)
    assert (first["store"], first["key"]) == ("store+lab", "mgx/P1_S1_R1.fastq.gz")
    assert first["sha256"] == hashlib.sha256(pair[0].read_bytes()).hexdigest()
    assert (second["participant_id"], second["sample_id"], second["verdict"]) == ("P1", "S1", "valid")
    [(facts,)] = laboratory.rows("select facts from registry.file_version where file_number = 2")
    assert facts["reads"] == 3


def test_a_second_run_reads_and_touches_nothing(
    laboratory: Laboratory, pair: tuple[Path, Path], reading_counter: Callable[[], int]
) -> None:
    laboratory.put("mgx/other_R1.fastq.gz", reads())
    laboratory.put("mgx/P2_S2_R1.fastq.gz", reads()[:40])
    first = laboratory.register(FASTQ, SAMPLES)
    read_before = reading_counter()
    second = laboratory.register(FASTQ, SAMPLES)
    assert reading_counter() == read_before
    assert (second.touched, second.rows["read"]) == (0, 0)
    assert (second.data_version, second.findings) == (first.data_version, first.findings)


def test_every_file_is_linked_or_has_a_reason(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    laboratory.put("mgx/P9_S9_R1.fastq.gz", reads())
    laboratory.put("mgx/notes_R1.fastq.gz", reads())
    laboratory.put("mgx/P1_S2_R1.fastq.gz", reads())
    laboratory.put("mgx/P2_S2_R1.fastq.gz", reads()[:-9])
    done = laboratory.register(FASTQ, SAMPLES)
    reasons = {row["key"]: row["reason"] for row in laboratory.files()}
    assert reasons == {
        "mgx/P1_S1_R1.fastq.gz": None,
        "mgx/P1_S1_R2.fastq.gz": None,
        "mgx/P9_S9_R1.fastq.gz": "sample_unknown",
        "mgx/notes_R1.fastq.gz": "no_match",
        "mgx/P1_S2_R1.fastq.gz": "participant_differs",
        "mgx/P2_S2_R1.fastq.gz": "invalid",
    }
    assert (done.rows["linked"], done.rows["quarantined"], done.rows["invalid"]) == (2, 3, 1)
    assert by_check(done.findings) == {"linked": 3, "verdict": 1}
    told = " ".join(finding.message for finding in done.findings)
    number = next(row["number"] for row in laboratory.files() if row["reason"] == "invalid")
    assert f"registry file {number})" in told
    assert "S9" not in told
    assert "P2" not in told


def test_a_changed_file_is_a_new_version(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    before = laboratory.register(FASTQ, SAMPLES)
    pair[1].write_bytes(reads(3, "TTGCATT"))
    touch_later(pair[1])
    after = laboratory.register(FASTQ, SAMPLES)
    assert after.rows["read"] == 1
    assert after.data_version != before.data_version
    versions = laboratory.rows(
        "select file_number, version, facts ->> 'bases' from registry.file_version order by 1, 2"
    )
    assert versions == [(1, 1, "12"), (2, 1, "15"), (2, 2, "21")]
    assert [row["version"] for row in laboratory.files()] == [1, 2]
    assert laboratory.register(FASTQ, SAMPLES).touched == 0


def test_a_touched_file_with_the_same_bytes_is_the_same_version(
    laboratory: Laboratory, pair: tuple[Path, Path]
) -> None:
    before = laboratory.register(FASTQ, SAMPLES)
    touch_later(pair[0])
    after = laboratory.register(FASTQ, SAMPLES)
    assert (after.rows["read"], after.data_version) == (1, before.data_version)
    assert laboratory.rows("select count(*) from registry.file_version") == [(2,)]
    assert laboratory.register(FASTQ, SAMPLES).rows["read"] == 0


def test_a_vanished_file_stays_known_and_comes_back(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    whole = laboratory.register(FASTQ, SAMPLES)
    content = pair[1].read_bytes()
    pair[1].unlink()
    gone = laboratory.register(FASTQ, SAMPLES)
    assert (gone.rows["files"], gone.rows["missing"]) == (1, 1)
    assert by_check(gone.findings) == {"missing": 1}
    assert gone.data_version != whole.data_version
    assert [row["missing"] for row in laboratory.files()] == [False, True]
    assert [row["sample_id"] for row in laboratory.files()] == ["S1", "S1"]
    assert laboratory.register(FASTQ, SAMPLES).touched == 0
    pair[1].write_bytes(content)
    back = laboratory.register(FASTQ, SAMPLES)
    assert (back.data_version, back.rows["missing"]) == (whole.data_version, 0)
    assert [row["number"] for row in laboratory.files()] == [1, 2]


def test_all_gone_keeps_links(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    laboratory.register(FASTQ, SAMPLES)
    for path in pair:
        path.unlink()
    assert laboratory.register(FASTQ, SAMPLES).rows["missing"] == 2
    assert [row["sample_id"] for row in laboratory.files()] == ["S1", "S1"]


def test_a_sample_harmonised_later_frees_the_file(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    first = laboratory.register(FASTQ, table_of_samples(S2="P2"))
    assert first.rows["quarantined"] == 2
    second = laboratory.register(FASTQ, SAMPLES)
    assert (second.rows["linked"], second.rows["read"]) == (2, 0)
    assert second.touched == 3  # 1 link, 1 quarantine, 1 set
    assert laboratory.rows("select count(*) from registry.quarantine") == [(0,)]


def test_another_inspector_reads_again_without_a_new_version(
    laboratory: Laboratory, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from omics_orchestrator.formats.fastq import Fastq

    laboratory.register(FASTQ, SAMPLES)
    monkeypatch.setattr(Fastq, "version", "next")
    again = laboratory.register(FASTQ, SAMPLES)
    assert again.rows["read"] == 2
    assert laboratory.rows("select version, split_part(inspector, '/', 2) from registry.file_version") == [
        (1, "next"),
        (1, "next"),
    ]


def test_a_large_file_streams_and_is_hashed_in_the_same_pass(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch, reading_counter: Callable[[], int]
) -> None:
    monkeypatch.setattr("omics_orchestrator.registry.reading.SMALL", 100)
    good = laboratory.put("mgx/P1_S1_R1.fastq.gz", reads(500))
    broken = laboratory.put("mgx/P2_S2_R1.fastq.gz", b"no read at all" + bytes(200_000))
    done = laboratory.register(FASTQ, SAMPLES)
    assert reading_counter() == 2
    assert done.rows["invalid"] == 1
    digests = {row["key"].rpartition("/")[2]: row["sha256"] for row in laboratory.files()}
    assert digests == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (good, broken)}


def test_a_file_that_cannot_be_read_waits(
    laboratory: Laboratory, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FolderStore.get

    def refusing(self: FolderStore, key: str, etag: str | None = None) -> bytes:
        if key.endswith("R2.fastq.gz"):
            raise StorageError("access denied")
        return original(self, key, etag)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "get", refusing)
        done = laboratory.register(FASTQ, SAMPLES)
        assert by_check(done.findings) == {"verdict": 1, "linked": 1}
        assert {row["reason"] for row in laboratory.files()} == {"unreadable"}
        assert laboratory.register(FASTQ, SAMPLES).touched == 0
    healed = laboratory.register(FASTQ, SAMPLES)
    assert (healed.rows["linked"], healed.rows["read"]) == (2, 1)
    assert laboratory.rows("select count(*) from registry.file_version") == [(2,)]


def test_a_store_that_may_recover_writes_nothing(
    laboratory: Laboratory, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: FolderStore, key: str, etag: str | None = None) -> bytes:
        raise StorageError("slow down", retry=True)

    monkeypatch.setattr(FolderStore, "get", failing)
    with pytest.raises(StorageError, match="slow down"):
        laboratory.register(FASTQ, SAMPLES)
    assert laboratory.rows("select count(*) from registry.file") == [(0,)]


def test_two_registrations_at_once_register_once(laboratory: Laboratory, pair: tuple[Path, Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: laboratory.register(FASTQ, SAMPLES), range(4)))
    assert sorted(one.touched for one in done) == [0, 0, 0, 6]
    assert laboratory.rows("select count(*) from registry.file") == [(2,)]


def test_the_sets_digest_does_not_depend_on_the_folder(
    laboratory: Laboratory, pair: tuple[Path, Path]
) -> None:
    laboratory.register(FASTQ, SAMPLES)
    for path in pair:
        laboratory.put(f"mgx/batch/{path.name}", path.read_bytes())
    link = ".*" + FASTQ["link"]
    laboratory.register({**FASTQ, "link": link}, SAMPLES)
    digests = laboratory.rows("select name, digest from registry.file_set")
    assert len(digests) == 2
    assert len({digest for _, digest in digests}) == 1


def test_strange_text_inside_files_is_stored(laboratory: Laboratory) -> None:
    from omics_orchestrator.registry.changes import storable

    strange = {"a\0b": ["\ud800", "\\u0000", "é", "\\\0"]}
    [(stored,)] = laboratory.rows(f"select '{storable(strange)}'::jsonb")
    assert json.loads(storable(strange)) == stored
    assert stored == {"a\ufffdb": ["?", "\\u0000", "é", "\\\ufffd"]}


def test_awkward_names(laboratory: Laboratory) -> None:
    names = ['mgx/a "quoted", name\twith\\ all #1.fastq', "mgx/ü/zwölf\nlines.fastq", "mgx/NULL"]
    for name in names:
        laboratory.put(name, b"@r\nAC\n+\nFF\n")
    laboratory.register(FASTQ)
    assert sorted(row["key"] for row in laboratory.files()) == sorted(names)
    assert laboratory.register(FASTQ).touched == 0
