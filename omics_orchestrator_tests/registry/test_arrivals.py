"""What a look at a store finds: the differences from the registry, in bounded memory and without writing anything."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from omics_orchestrator.errors import StorageError
from omics_orchestrator.registry import arrivals as looking
from omics_orchestrator.registry.arrivals import Arrivals, Position, arrivals
from omics_orchestrator.registry.names import Names
from omics_orchestrator.storage import objects
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples, touch_later

SAMPLES = table_of_samples(**{f"S{number}": "P1" for number in range(40)})


def name(number: int) -> str:
    return f"mgx/P1_S{number}_R1.fastq.gz"


def look(
    laboratory: Laboratory,
    assay: dict[str, Any] = FASTQ,
    *,
    start: Position | None = None,
    in_time: Callable[[], bool] = lambda: True,
    names: Names | None = None,
) -> Arrivals:
    return arrivals(
        laboratory.database,
        laboratory.stores,
        ("demo", "reads"),
        Assay.model_validate(assay),
        names=names or Names(),
        start=start or Position(),
        in_time=in_time,
    )


def test_everything_is_new_before_the_registry_exists_and_looking_makes_none(laboratory: Laboratory) -> None:
    assert look(laboratory) == Arrivals()
    for number in range(3):
        laboratory.put(name(number), reads())
    found = look(laboratory)
    assert (found.changed, found.gone, found.beside) == (3, 0, False)
    assert look(laboratory) == found
    assert laboratory.rows("select to_regclass('registry.file')") == [(None,)]


def test_what_is_registered_is_no_arrival(laboratory: Laboratory) -> None:
    for number in range(3):
        laboratory.put(name(number), reads())
    laboratory.register(FASTQ, SAMPLES)
    assert look(laboratory) == Arrivals()


def test_new_changed_vanished_and_returned_files_are_told_apart(laboratory: Laboratory) -> None:
    paths = [laboratory.put(name(number), reads()) for number in range(3)]
    laboratory.register(FASTQ, SAMPLES)
    seen = set()

    laboratory.put(name(5), reads())
    found = look(laboratory)
    assert found.changed == 1
    seen.add(found.digest)
    laboratory.register(FASTQ, SAMPLES)

    paths[0].write_bytes(reads(3))
    found = look(laboratory)
    assert found.changed == 1
    seen.add(found.digest)
    touch_later(paths[0])
    assert look(laboratory).digest != found.digest  # another change is another batch
    laboratory.register(FASTQ, SAMPLES)

    kept = paths[1].rename(laboratory.folder / "aside")
    found = look(laboratory)
    assert (found.changed, found.gone) == (0, 1)
    seen.add(found.digest)
    laboratory.register(FASTQ, SAMPLES)
    assert look(laboratory) == Arrivals()

    kept.rename(paths[1])
    found = look(laboratory)
    assert found.changed == 1
    seen.add(found.digest)
    assert len(seen) == 4
    laboratory.register(FASTQ, SAMPLES)
    assert look(laboratory) == Arrivals()


def test_files_that_are_none_of_the_assay_are_no_arrivals(laboratory: Laboratory) -> None:
    assay = {**FASTQ, "leave_out": ["*.txt", "logs/*"]}
    laboratory.put("mgx/readme.txt", b"x")
    laboratory.put("mgx/logs/a.fastq.gz", b"x")
    assert look(laboratory, assay) == Arrivals()
    laboratory.put(name(1), reads())
    laboratory.register(assay, SAMPLES)
    assert look(laboratory, assay) == Arrivals()
    assert look(laboratory).changed == 2


def test_a_changed_sample_sheet_or_manifest_is_an_arrival(laboratory: Laboratory) -> None:
    link = {"sample_sheet": "store+lab://sheet.csv", "file": "file", "sample": "sample"}
    assay = {**FASTQ, "link": link}
    laboratory.put(name(1), reads())
    sheet = laboratory.put("sheet.csv", b"file,sample\nP1_S1_R1.fastq.gz,S2\n")
    assert look(laboratory, assay).changed == 1
    laboratory.register(assay, SAMPLES)
    assert look(laboratory, assay) == Arrivals()
    sheet.write_bytes(b"file,sample\nP1_S1_R1.fastq.gz,S1\n")
    assert look(laboratory, assay).beside
    laboratory.register(assay, SAMPLES)
    assert look(laboratory, assay) == Arrivals()


def test_a_batch_names_a_bounded_number_of_files_and_stops_listing(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "NAMED", 5)
    monkeypatch.setattr(objects, "PAGE", 10)
    for number in range(40):
        laboratory.put(name(number), reads(1))
    pages = []
    whole = type(laboratory.stores).pages

    def counted(self: Any, location: str, after: str = "", **options: Any) -> Any:
        for page in whole(self, location, after, **options):
            pages.append(page.num_rows)
            yield page

    monkeypatch.setattr(type(laboratory.stores), "pages", counted)
    found = look(laboratory)
    assert found.changed == 5
    assert pages == [10]
    assert look(laboratory).digest == found.digest


def test_a_listing_that_takes_longer_than_one_look_goes_on_where_it_ended(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PAGE", 4)
    for number in range(10, 20):
        laboratory.put(name(number), reads(1))
    laboratory.register(FASTQ, SAMPLES)
    (laboratory.folder / name(11)).unlink()
    looks, position = 0, Position()
    while True:
        found = look(laboratory, start=position, in_time=lambda: False)
        looks += 1
        if found.digest or found.position is None:
            break
        assert found.position.after > position.after
        position = found.position
    assert looks == 4  # three pages, and one look that finds no more
    assert found.gone == 1  # counted over all looks
    laboratory.register(FASTQ, SAMPLES)
    laboratory.put(name(39), reads(1))
    late = look(laboratory, start=position)
    assert late.changed == 1


def test_a_position_holds_no_key_and_survives_a_file_that_is_no_more(laboratory: Laboratory) -> None:
    laboratory.put(name(1), reads(1))
    laboratory.register(FASTQ, SAMPLES)
    found = look(laboratory, in_time=lambda: False)
    assert found.position == Position(after=1, present=1)
    assert look(laboratory, start=Position(after=99)) == Arrivals()


def test_keys_that_are_replaced_are_compared_and_named_as_they_are_written(laboratory: Laboratory) -> None:
    class Hidden(Names):
        prefix = "replaced:"

        def key(self, key: str) -> str:
            return f"replaced:{key[::-1]}"

        def keys(self, keys: Any) -> list[str]:
            return [self.key(key) for key in keys]

        def original(self, written: str) -> str:
            return written.removeprefix("replaced:")[::-1]

    laboratory.put(name(1), reads(1))
    plain = look(laboratory)
    hidden = look(laboratory, names=Hidden())
    assert hidden.changed == 1
    assert hidden.digest != plain.digest
    laboratory.register(FASTQ, SAMPLES, names=Hidden())
    assert look(laboratory, names=Hidden()) == Arrivals()
    laboratory.put(name(2), reads(1))
    late = look(laboratory, names=Hidden(), start=Position(after=1, present=1))
    assert late.changed == 1


def test_looking_writes_nothing(laboratory: Laboratory) -> None:
    counters = (
        "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_all_tables where schemaname = 'registry'"
    )
    laboratory.put(name(1), reads(1))
    laboratory.register(FASTQ, SAMPLES)
    laboratory.put(name(2), reads(1))
    before = laboratory.rows(counters)
    files = laboratory.rows("select count(*) from registry.file_version")
    assert look(laboratory).changed == 1
    assert laboratory.rows("select count(*) from registry.file_version") == files
    assert laboratory.rows(counters) == before


def test_a_store_that_fails_is_told(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    (laboratory.folder / "mgx").mkdir()

    def failing(path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(StorageError, match="Input/output error"):
        look(laboratory)
