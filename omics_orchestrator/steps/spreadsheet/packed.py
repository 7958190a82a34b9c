"""The hidden sheet `omics`: format of the workbook, and the exported files, by which an import sees what changed."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping

from omics_orchestrator.errors import FormatError

PART = 30_000  # characters of a cell
LARGEST = 1 << 28  # bytes of an unpacked file
AGAIN = "export again and make the changes in the new workbook"


def digest(text: str) -> str:
    """Return the digest of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def packed(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the rows (word, value) by which `unpacked` finds the texts again."""
    for name, text in texts.items():
        yield f"digest {name}", digest(text)
        coded = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
        for start in range(0, len(coded), PART):
            yield f"text {name}", coded[start : start + PART]


def unpacked(rows: Iterable[tuple[str, str]], name: str) -> str:
    """Return the exported text of a file.

    Raises:
        FormatError: it is not there, or not as it was written.
    """
    told = list(rows)
    wanted = next((value for word, value in told if word == f"digest {name}"), "")
    coded = "".join(value for word, value in told if word == f"text {name}")
    try:
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(base64.b64decode(coded, validate=True), LARGEST).decode()
    except (binascii.Error, ValueError, zlib.error) as error:
        raise FormatError(f"the hidden sheet holds no readable copy of {name}; {AGAIN}") from error
    if digest(text) != wanted:
        raise FormatError(f"the hidden sheet's copy of {name} is damaged; {AGAIN}")
    return text
