"""Reading again: one flipped bit is found; announced changes, lost and unreadable files are told apart from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.registry.verify import verify
from omics_orchestrator.storage.folder import FolderStore
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples, touch_later

SAMPLES = table_of_samples(S1="P1", S2="P2")


def flip_a_bit(path: Path) -> None:
    """Change one bit where nobody announces it: size, time and inode stay."""
    state = path.stat()
    with path.open("r+b") as file:
        file.seek(20)
        byte = file.read(1)[0]
        file.seek(20)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.fixture
def files(laboratory: Laboratory) -> list[Path]:
    made = [laboratory.put(f"mgx/P{one}_S{one}_R1.fastq.gz", reads(2 + one)) for one in (1, 2)]
    laboratory.register(FASTQ, SAMPLES)
    return made


def test_a_flipped_bit_is_found_marked_and_told_until_it_is_mended(
    laboratory: Laboratory, files: list[Path]
) -> None:
    assert verify(laboratory.database, laboratory.stores).outcomes == {"same": 2}
    good = files[1].read_bytes()
    state = files[1].stat()
    flip_a_bit(files[1])
    found = verify(laboratory.database, laboratory.stores)
    assert (found.outcomes, found.numbers) == ({"same": 1, "damaged": 1}, {"damaged": [2]})
    assert [row["verdict"] for row in laboratory.files()] == ["valid", "damaged"]
    told = laboratory.register(FASTQ, SAMPLES)
    [finding] = [finding for finding in told.findings if finding.check == "damaged"]
    assert (finding.count, finding.severity) == (1, "error")
    assert "registry file 2" in finding.message
    files[1].write_bytes(good)
    os.utime(files[1], ns=(state.st_atime_ns, state.st_mtime_ns))
    assert verify(laboratory.database, laboratory.stores).outcomes == {"same": 2}
    assert laboratory.register(FASTQ, SAMPLES).findings == ()


def test_changes_that_are_announced_are_no_damage(laboratory: Laboratory, files: list[Path]) -> None:
    touch_later(files[0])
    files[1].unlink()
    found = verify(laboratory.database, laboratory.stores)
    assert found.outcomes == {"changed": 1, "missing": 1}
    assert [row["verdict"] for row in laboratory.files()] == ["valid", "valid"]


def test_a_share_reads_those_that_were_not_read_for_longest(
    laboratory: Laboratory, files: list[Path]
) -> None:
    first = verify(laboratory.database, laboratory.stores, share=0.4)
    assert sum(first.outcomes.values()) == 1
    second = verify(laboratory.database, laboratory.stores, share=0.4)
    assert sum(second.outcomes.values()) == 1
    times = laboratory.rows("select verified_at > registered_at from registry.file_version")
    assert times == [(True,), (True,)]


def test_a_store_that_fails_is_told_apart(
    laboratory: Laboratory, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    retry = False

    def failing(self: FolderStore, key: str, block: int = 0) -> bytes:
        raise StorageError("no", retry=retry)

    monkeypatch.setattr(FolderStore, "stream", failing)
    assert verify(laboratory.database, laboratory.stores).outcomes == {"unreadable": 2}
    retry = True
    with pytest.raises(StorageError):
        verify(laboratory.database, laboratory.stores)


def test_only_what_is_asked_for(laboratory: Laboratory, files: list[Path]) -> None:
    assert verify(laboratory.database, laboratory.stores, study="other").outcomes == {}
    assert verify(laboratory.database, laboratory.stores, study="demo", assay="reads").outcomes == {"same": 2}
