"""What all tables of tools share: none claims another's file, odd bytes are answered, numbers come back as written."""

import gzip
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import FORMATS, matrix_table
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.featurecounts import Featurecounts
from omics_orchestrator.formats.matrix_table import Found, MatrixTable, numbers, rows
from omics_orchestrator_tests.formats.tool_tables import TABLES

EXPECTED = {
    "biom": 5, "kraken": 7, "bracken": 5, "metaphlan": 6, "maxquant": 1, "diann": 1, "olink": 1, "mztab": 1, "mwtab": 2,
}  # fmt: skip
TEXT = [tag for tag in TABLES if tag != "biom"]
every_table = pytest.mark.parametrize("tag", TABLES)


def test_each_claims_its_own_among_the_public_data_and_nothing_else(shared_data):
    claimed: dict[str, int] = dict.fromkeys(EXPECTED, 0)
    for file in shared_data.rglob("*"):
        if not file.is_file():
            continue
        with file.open("rb") as stream:
            head = stream.read(64 * 1024)
        tags = [tag for tag in TABLES if FORMATS[tag].sniff(file.name, head)]
        assert len(tags) <= 1, file
        for tag in tags:
            claimed[tag] += 1
            assert {"proteomics", "metabolomics", "microbiome"} & set(file.parts), file
    assert claimed == EXPECTED


@every_table
def test_every_table_gives_a_matrix_of_its_samples(tag):
    declared, name, raw = TABLES[tag]()
    assert isinstance(declared, MatrixTable)
    data, found = declared.read(MemoryFile(name, raw)), declared.inspect_bytes(name, raw)
    assert data.x.shape == (len(data.sample_ids), len(data.feature_ids))
    assert data.x.shape[1] == found.facts["features"]
    assert data.x.shape[1] > 0
    assert all(len(column) == len(data.feature_ids) for column in data.features.values())
    assert not found.samples or found.samples == data.sample_ids


@pytest.mark.parametrize("tag", TEXT)
def test_dress_does_not_matter(tag):
    declared, name, raw = TABLES[tag]()
    plain = declared.read(MemoryFile(name, raw))
    for dressed in (
        gzip.compress(raw, mtime=0),
        raw.replace(b"\n", b"\r\n"),
        raw + b"\n\n",
        raw.rstrip(b"\n"),
    ):
        data = declared.read(MemoryFile(name, dressed))
        assert data.x.tobytes() == plain.x.tobytes()
        assert data.sample_ids == plain.sample_ids
        assert declared.sniff(name, dressed)


@every_table
def test_odd_bytes_are_refused(tag):
    declared, name, raw = TABLES[tag]()
    middle = raw.rfind(b"\n", 0, len(raw) - 10) + 1
    for odd in (b"\0\0\n", b"x" * 10_000 + b"\n", b"\x1f\x8b\x08\n"):
        found = declared.inspect_bytes(name, raw[:middle] + odd + raw[middle:])
        assert found.verdict == "invalid"
        assert b"x" * 20 not in "".join(found.problems).encode()
    assert declared.inspect_bytes(name, gzip.compress(raw, mtime=0)[:-9]).verdict == "invalid"


@every_table
@settings(max_examples=40, deadline=None)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_answered(tag, place, bit):
    declared, name, raw = TABLES[tag]()
    flipped = bytearray(raw)
    flipped[place % len(raw)] ^= 1 << bit
    found = declared.inspect_bytes(name, bytes(flipped))
    assert (found.verdict == "valid") == (not found.problems)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 1e300, allow_nan=False), min_size=2, max_size=2), min_size=1, max_size=20)
)
def test_numbers_come_back_as_written(table):
    lines = [f"G{at}\tX\t1\t9\t+\t9\t{a!r}\t{b!r}" for at, (a, b) in enumerate(table)]
    raw = "# featureCounts v2\nGeneid\tChr\tStart\tEnd\tStrand\tLength\tA\tB\n" + "\n".join(lines)
    data = Featurecounts().read(MemoryFile("a.txt", raw.encode()))
    assert data.x.T.tolist() == table


@given(
    st.text(max_size=12) | st.sampled_from(["NAN", "-nan", "1_0", "1e999", "-0.1", " 7", "1,5", "0x1", ""])
)
@settings(max_examples=300, deadline=None)
def test_a_cell_is_a_number_or_refused(cell):
    try:
        (value,) = numbers([cell], 3, 0)
    except FormatError as refused:
        told, value = str(refused), None
    if value is None:
        assert told.startswith("line 3, column 1: ")
        return
    assert math.isfinite(value)
    assert value >= 0
    assert value == float(cell)
    assert "_" not in cell


def test_empty_lines():
    def read(raw):
        return [line for line, _ in rows(MemoryFile("a", raw), Found())]

    assert read(b"a\n\n\n") == [1]
    for raw in (b"", b"\n\n"):
        with pytest.raises(FormatError, match="empty file"):
            read(raw)
    with pytest.raises(FormatError, match="line 2: an empty line"):
        read(b"a\n\nb\n")


def test_empty_lines_without_end_are_refused_not_counted(monkeypatch):
    monkeypatch.setattr(matrix_table, "MOST_BLANK", 5)
    with pytest.raises(FormatError, match="line 9: more than 5 empty lines"):
        list(matrix_table.rows(MemoryFile("a", b"a\n\nb\n" + b"\n" * 20), Found(), blank=True))


def test_a_line_of_countless_cells_is_not_cut(monkeypatch):
    monkeypatch.setattr(matrix_table, "MOST_CELLS", 5)
    assert len(list(rows(MemoryFile("a", b"a" + b"\t" * 5), Found()))) == 1
    with pytest.raises(FormatError, match="line 1: more than 5 cells"):
        list(rows(MemoryFile("a", b"a" + b"\t" * 6), Found()))


def test_what_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(matrix_table, "MOST_FEATURES", 2)
    wide = matrix_table.Wide(("S1",))
    for name in ("a", "b"):
        wide.add(name, [1.0])
    with pytest.raises(FormatError, match="rows: no table of features"):
        wide.add("c", [1.0])
    monkeypatch.setattr(matrix_table, "MOST_VALUES", 2)
    long = matrix_table.Long()
    assert all(long.add("S1", name, 1.0) for name in ("a", "b", "b"))
    with pytest.raises(FormatError, match="more than 2 values"):
        long.add("S2", "a", 1.0)
