"""Codes that a table did not hold before are counted by column, and never shown."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.steps.extract import ORIGINAL
from omics_orchestrator.steps.held import Before
from omics_orchestrator.steps.new_codes import new_codes
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, write_tables

KEY = ("row_number",)


def rows(*sexes: str, times: int = 10) -> pa.Table:
    cells = [sex for sex in sexes for _ in range(times)]
    fields = pa.schema(
        [
            ("row_number", pa.int64()),
            pa.field("sex_m_f", pa.string(), metadata={ORIGINAL: b"Sex (m/f)"}),
            ("note", pa.string()),
        ]
    )
    notes = [f"a longer text, number {number}" for number in range(len(cells))]
    return pa.table(
        [pa.array(range(len(cells)), pa.int64()), pa.array(cells), pa.array(notes)], schema=fields
    )


@pytest.fixture
def before(database: Database) -> Before:
    write_tables(database, [TableWrite("raw_codes", "files__people", rows("m", "f", ""), KEY)])
    return Before(database, "raw_codes", "files__people", "")


def test_a_code_that_was_not_there_is_counted_and_not_shown(before: Before) -> None:
    (finding,) = new_codes(before, rows("m", "f", "X9", "Q9"), KEY, ORIGINAL)
    assert finding.message == "column 'Sex (m/f)' holds 2 codes that it did not hold before"
    assert (finding.check, finding.count, finding.severity) == ("drift", 2, "note")


def test_known_codes_free_texts_and_a_first_delivery_say_nothing(before: Before, database: Database) -> None:
    assert new_codes(before, rows("f", "m"), KEY, ORIGINAL) == []
    assert new_codes(Before(database, "raw_codes", "other", ""), rows("m", "X9"), KEY, ORIGINAL) == []
    write_tables(database, [TableWrite("raw_codes", "files__few", rows("m", times=2), KEY)])
    assert new_codes(Before(database, "raw_codes", "files__few", ""), rows("X9"), KEY, ORIGINAL) == []
