"""Properties of Office documents (.xlsx, .docx, .pptx): authors, titles, companies, for header_scan.suspicious.

Only the small parts below docProps/ are read, of bounded size; no cell and no paragraph is looked at (ECMA-376, part 2,
clause 8; part 1, 15.2.12).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import header_words
from omics_orchestrator.formats.xml_text import local, parsed

SUFFIXES = (".xlsx", ".xlsm", ".docx", ".docm", ".pptx")
PARTS = ("docProps/core.xml", "docProps/app.xml", "docProps/custom.xml")
LARGEST_PART = 1024 * 1024  # bytes, inflated
MOST_FILES = 10_000  # in the archive
MOST_ENTRIES = 200
CALLED = {"Manager": "manager", "LastAuthor": "LastAuthor"}
SKIPPED = frozenset(
    {"created", "modified", "lastPrinted", "Application", "AppVersion", "Template", "TotalTime"}
)


def office_properties(file: Path | bytes) -> list[tuple[str, str, str]]:
    """Return the filled properties as entries (place, name, text), at most 200.

    Args:
        file: the document, or its bytes.

    Raises:
        FormatError: it is no archive, a property part is a bomb, declares entities or is broken.
    """
    found: list[tuple[str, str, str]] = []
    with file.open("rb") if isinstance(file, Path) else io.BytesIO(file) as opened:
        for part, raw in _parts(opened):
            found += _entries(part, raw)
    return found[:MOST_ENTRIES]


def _parts(opened: BinaryIO) -> list[tuple[str, bytes]]:
    """Return the property parts of an archive, none larger than 1 MiB."""
    parts = []
    try:
        with zipfile.ZipFile(opened) as archive:
            names = archive.namelist()
            if len(names) > MOST_FILES:
                raise FormatError(f"the document holds more than {MOST_FILES} parts")
            for name in PARTS:
                if name in names:
                    with archive.open(name) as part:
                        raw = part.read(LARGEST_PART + 1)
                    if len(raw) > LARGEST_PART:
                        raise FormatError(f"{name} inflates to more than {LARGEST_PART >> 20} MiB: a bomb?")
                    parts.append((name, raw))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError):
        raise FormatError("the document is no archive, or a damaged one") from None
    return parts


def _entries(part: str, raw: bytes) -> list[tuple[str, str, str]]:
    """Return what a part says; of own properties (custom.xml) the attribute `name` tells how they are called."""
    found = []
    for property_ in parsed(raw, part):
        name = property_.get("name") or local(str(property_.tag))
        text = " ".join("".join(property_.itertext()).split())
        if not text or name in SKIPPED:
            continue
        place = f"{part} {local(str(property_.tag))}"
        found.append((place, CALLED.get(name, name), text))
        found += header_words.entries(place, text)
    return found
