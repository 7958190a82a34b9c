"""Lines of compressed and plain files."""

import bz2
import gzip
import lzma
import subprocess
import sys
import tempfile

import pytest

from omics_orchestrator.errors import FormatError, StorageError
from omics_orchestrator.formats import text
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.text import BGZF_END, Lines

TEXT = b"".join(b"line %d with some text\n" % number for number in range(40_000))


def bgzip(text: bytes, *, end: bool = True) -> bytes:
    """Return `text` in BGZF blocks, written by hand after the specification."""
    import struct
    import zlib

    blocks = []
    for start in range(0, len(text), 60_000):
        piece = text[start : start + 60_000]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(piece) + packer.flush()
        head = bytes.fromhex("1f8b08040000000000ff06004243") + struct.pack("<HH", 2, len(packed) + 25)
        blocks.append(head + packed + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join(blocks) + (BGZF_END if end else b"")


def lines_of(raw: bytes, block: int = 64 * 1024) -> tuple[list[bytes], Lines]:
    lines = Lines(raw[start : start + block] for start in range(0, len(raw), block))
    return [line for batch in lines for line in batch], lines


@pytest.mark.parametrize(
    ("raw", "compression"),
    [
        (TEXT, "none"),
        (gzip.compress(TEXT, mtime=0), "gzip"),
        (gzip.compress(TEXT[:1000], mtime=0) + gzip.compress(TEXT[1000:], mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0) + b"\0" * 512, "gzip"),
        (bgzip(TEXT), "bgzip"),
    ],
)
@pytest.mark.parametrize("block", [64 * 1024, 10**7])
def test_the_same_lines_come_out_of_every_packing(raw, compression, block):
    found, lines = lines_of(raw, block)
    assert found == TEXT.splitlines()
    assert (lines.compression, lines.crlf, lines.whole) == (compression, False, True)


def test_without_isal_the_lines_are_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    assert lines_of(bgzip(TEXT))[0] == TEXT.splitlines()
    with pytest.raises(FormatError, match="ends early"):
        lines_of(gzip.compress(TEXT, mtime=0)[:-9])


@pytest.mark.parametrize("library", ["isal", "zlib"])
@pytest.mark.parametrize("most", [7, 1000, 65536])
@pytest.mark.parametrize("raw", [gzip.compress(TEXT, mtime=0), bgzip(TEXT), gzip.compress(bytes(10**6)) * 3])
def test_what_inflates_much_comes_in_pieces(monkeypatch, library, most, raw):
    if library == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setattr(text, "MOST_TEXT", most)
    text._zlib.cache_clear()
    try:
        blocks = list(Lines([raw[:100], raw[100:]]).text())
    finally:
        text._zlib.cache_clear()
    assert b"".join(blocks) == gzip.decompress(raw)
    assert max(map(len, blocks)) <= most


@pytest.mark.parametrize("text", [b"a\nb", b"a\nb\n", b"a\r\nb\r\n", b"a\r\nb"])
def test_line_ends(text):
    found, lines = lines_of(text, 2)
    assert found == [b"a", b"b"]
    assert lines.crlf == (b"\r" in text)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (gzip.compress(TEXT, mtime=0)[:-1], "ends early"),
        (gzip.compress(TEXT, mtime=0)[:20], "ends early"),
        (gzip.compress(TEXT, mtime=0) + b"more", "something else"),
        (gzip.compress(TEXT, mtime=0)[:-8] + b"\1\2\3\4" + gzip.compress(TEXT, mtime=0)[-4:], "damaged"),
        (b"\x1f\x8bnothing of the kind", "damaged"),
        (bz2.compress(TEXT), "compressed by bzip2: plain text, gzip and bgzip are read"),
        (lzma.compress(TEXT), "compressed by xz"),
    ],
)
def test_broken_compression_is_told(raw, why):
    with pytest.raises(FormatError, match=why):
        lines_of(raw)


def test_bgzip_without_its_end_marker_is_told_from_whole():
    found, lines = lines_of(bgzip(TEXT, end=False))
    assert found == TEXT.splitlines()
    assert not lines.whole


def test_a_line_without_end_is_refused_not_gathered(monkeypatch):
    monkeypatch.setattr(text, "LONGEST_LINE", 100_000)
    with pytest.raises(FormatError, match="longer"):
        lines_of(b"x" * 300_000)


def test_bytes_at_hand_have_a_path_when_a_library_wants_one():
    file = MemoryFile("a.h5ad", b"content")
    path = file.path()
    assert path.read_bytes() == b"content"
    assert file.size == 7
    del file
    assert not path.exists()


def test_no_room_for_a_temporary_file_is_told_with_what_mends_it(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageError, match="free space, or point TMPDIR") as caught:
        MemoryFile("a.h5", b"bytes").path()
    assert caught.value.retry


def test_a_word_that_begins_like_a_compression_is_text():
    assert lines_of(b"BZh9 a gene\n")[0] == [b"BZh9 a gene"]


def test_declarations_are_read_without_heavy_libraries():
    code = (
        "import sys, omics_orchestrator.formats\n"
        "print({'numpy', 'pyarrow', 'pandas', 'h5py', 'pysam', 'isal', 'anndata'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
