"""SVS: digital slides of Aperio scanners, a TIFF whose pages are levels, a thumbnail, a label and a macro photograph.

The layout is that of Aperio's "Digital slides and third-party data interchange". Structure: tiff.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import header_words
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import file_name_scan, suspicious
from omics_orchestrator.formats.tiff import Page, read_structure
from omics_orchestrator.formats.tiff_described import DescribedTiff
from omics_orchestrator.formats.tiff_picture import decoded, png, smallest_level

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
REDUCED, MACRO = 1, 9  # NewSubfileType of a label, of a macro photograph
WORDS = {"User": "user name", "Filename": "file", "Title": "title"}


class Svs(DescribedTiff):
    """Digital slides of Aperio scanners (.svs): structure, dimensions, magnification, levels, a small picture.

    Photographs of the label are told, for they usually bear a name or a number; they are never copied.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".svs",)

    format: Literal["svs"] = "svs"
    """Digital slides of Aperio scanners."""

    @classmethod
    def describes(cls, description: bytes) -> bool:
        """Tell by the word Aperio."""
        return description.startswith(b"Aperio")

    def inspect(self, file: OpenFile) -> Inspection:
        """Check the structure, read what the scanner wrote, decode the smallest level."""
        facts: dict[str, JsonValue] = {}
        identifying: tuple[str, ...] = ()
        try:
            path = file.path()
            pages, warnings = read_structure(path)
            roles = [_role(page) for page in pages]
            facts = _facts(pages, roles)
            if not pages[0].description.startswith("Aperio"):
                raise FormatError("page 1: no description of an Aperio scanner")
            identifying = (*_labels(path, pages, roles), *_told(pages[0]))
            fitting = [
                page for page, role in zip(pages, roles, strict=True) if role in ("level", "thumbnail")
            ]
            level = smallest_level(fitting)
            picture = png(pixels) if level and (pixels := decoded(path, level)) is not None else None
        except FormatError as error:
            return Inspection("invalid", facts, (), (str(error),), identifying)
        derived = {"thumbnail.png": picture} if picture else {}
        return Inspection.of(facts, (), warnings, identifying=identifying, derived=derived)


def _role(page: Page) -> str:
    """Return what a page shows: tiled pages are levels, the second is the thumbnail, the others say so."""
    if page.tiled and not page.sub:
        return "level"
    second = page.description.partition("\n")[2].strip().lower()
    if second.startswith("label") or (page.kind == REDUCED and page.number > 1):
        return "label"
    if second.startswith("macro") or page.kind == MACRO:
        return "macro"
    return "thumbnail" if page.number <= 1 else "other"


def _entries(page: Page) -> dict[str, str]:
    """Return what the scanner wrote behind the first `|`: `AppMag = 20|MPP = 0.499`."""
    pairs = (part.partition("=") for part in page.description.split("|")[1:])
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}


def _facts(pages: list[Page], roles: list[str]) -> dict[str, JsonValue]:
    said = _entries(pages[0])
    levels: list[JsonValue] = [
        [page.width, page.height] for page, role in zip(pages, roles, strict=True) if role == "level"
    ]
    facts: dict[str, JsonValue] = {
        "width": pages[0].width,
        "height": pages[0].height,
        "pages": len(pages),
        "levels": levels,
        "label_image": "label" in roles,
        "macro_image": "macro" in roles,
        "compression": pages[0].compression,
    }
    for name, key in (("magnification", "AppMag"), ("micrometres_per_pixel", "MPP")):
        if NUMBER.fullmatch(said.get(key, "")):
            facts[name] = float(said[key])
    return facts


def _labels(path: Path, pages: list[Page], roles: list[str]) -> Iterator[str]:
    """Yield the pages that show a label; one that was painted over in one colour shows none."""
    for page, role in zip(pages, roles, strict=True):
        if role == "label" and not _blank(path, page):
            yield f"page {page.number + 1}: label image"
        elif role == "macro" and not _blank(path, page):
            yield f"page {page.number + 1}: macro image, on which the label may be read"


def _blank(path: Path, page: Page) -> bool:
    try:
        pixels = decoded(path, page)
    except FormatError:
        return False
    return pixels is not None and bool((pixels == pixels[0, 0]).all())


def _told(page: Page) -> tuple[str, ...]:
    """Return the entries of the scanner and the texts of the page that name a person."""
    entries: list[tuple[str, str, str]] = []
    named: list[str] = []
    for number, (key, value) in enumerate(list(_entries(page).items())[:100], 1):
        place = f"ImageDescription entry {number}"
        entries += [(place, WORDS.get(key, key), value), *header_words.entries(place, value)]
        named += [f"{place}: {said.partition(': ')[2]}" for said in file_name_scan(value)]
    for name, value in page.texts.items():
        entries += [(name, name, value), *header_words.entries(name, value)]
    return tuple(dict.fromkeys((*suspicious(entries), *named)))
