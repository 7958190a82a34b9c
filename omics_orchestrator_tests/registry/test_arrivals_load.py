"""Looks over large listings, printed with `-s`: a page is held at a time, and the first difference ends a look."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from omics_orchestrator.registry.arrivals import Arrivals, Position, arrivals
from omics_orchestrator.registry.names import Names
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REGISTERED = """
with listed as (
    select * from unnest(%(keys)s::text[], %(sizes)s::bigint[], %(modified)s::timestamptz[], %(etags)s::text[])
        as listed(key, size, modified, etag)),
sets as (insert into registry.file_set (study, assay, name) select 'demo', 'reads', key from listed returning *),
files as (
    insert into registry.file (set_number, store, key, version) select number, 'store+lab', name, 1 from sets
    returning *)
insert into registry.file_version
    (file_number, version, size, modified, etag, verdict, inspector, facts, samples, problems)
select number, 1, size, modified, etag, 'valid', '', '{}', '[]', '[]' from files join listed using (key)
"""


def register(laboratory: Laboratory) -> None:
    """Write the rows that a registration would leave; what reading so many files costs is measured elsewhere."""
    migrate(laboratory.database)
    with laboratory.database.transaction() as connection, connection.cursor() as cursor:
        for page in laboratory.stores.pages("store+lab://mgx/"):
            columns = {"keys": "key", "sizes": "size", "modified": "modified", "etags": "etag"}
            cursor.execute(REGISTERED, {name: page[column].to_pylist() for name, column in columns.items()})
        cursor.execute("analyze registry.file_set, registry.file, registry.file_version")


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_a_look_over_a_large_listing(laboratory: Laboratory, count: int) -> None:
    for number in range(count):
        folder = laboratory.folder / "mgx" / f"{number // 1000:04}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"P1_S{number}_R1.fastq.gz").touch()

    def look() -> Arrivals:
        assay = Assay.model_validate(FASTQ)
        whose = ("demo", "reads")
        return arrivals(
            laboratory.database,
            laboratory.stores,
            whose,
            assay,
            names=Names(),
            start=Position(),
            in_time=lambda: True,
        )

    def told(what: str, asked: Callable[[], Arrivals]) -> Arrivals:
        begun, used = time.perf_counter(), time.process_time()
        found = asked()
        seconds, used = time.perf_counter() - begun, time.process_time() - used
        tracemalloc.start()
        asked()
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(
            f"{count:>7,} files, {what:<22} {seconds:6.2f} s ({used:.2f} s of this process), {peak:5.1f} MiB"
        )
        return found

    assert told("all of them new", look).changed == 1000
    register(laboratory)
    assert told("all registered", look) == Arrivals()
    (laboratory.folder / "mgx" / "9999").mkdir()
    (laboratory.folder / "mgx" / "9999" / "P1_S1_R2.fastq.gz").touch()
    assert told("the last one new", look).changed == 1
