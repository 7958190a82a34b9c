"""OME-TIFF: microscopy images with OME-XML in the first ImageDescription, and smaller levels in SubIFDs.

Written to the OME-TIFF specification 6 (schema 2016-06). Structure: tiff.py; pictures: tiff_picture.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import header_words
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.tiff import Page, read_structure
from omics_orchestrator.formats.tiff_described import DescribedTiff
from omics_orchestrator.formats.tiff_picture import decoded, png, smallest_level
from omics_orchestrator.formats.xml_text import local, parsed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIZES = ("SizeX", "SizeY", "SizeZ", "SizeC", "SizeT")
MOST_CHANNELS = 100  # whose names are kept
MOST_ENTRIES = 500  # texts of the OME-XML that are looked at
LONGEST_NAME = 60  # characters
BITS = {
    **{"bit": 1, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32},
    **{"float": 32, "double": 64, "complex": 64, "double-complex": 128},
}  # of the schema's PixelType
PEOPLE = {
    "FirstName": "first name",
    "LastName": "last name",
    "MiddleName": "middle name",
    "UserName": "full name",
}


class OmeTiff(DescribedTiff):
    """Microscopy images (OME-TIFF): structure of the TIFF, OME-XML, dimensions, channels, pixel size, levels."""

    suffixes: ClassVar[tuple[str, ...]] = (".ome.tif", ".ome.tiff", ".ome.tf2", ".ome.tf8", ".ome.btf")

    format: Literal["ome_tiff"] = "ome_tiff"
    """Microscopy images with OME-XML."""

    @classmethod
    def describes(cls, description: bytes) -> bool:
        """Tell by OME-XML."""
        return b"<OME" in description

    def inspect(self, file: OpenFile) -> Inspection:
        """Check the structure, hold the OME-XML to the pages, decode the smallest level."""
        facts: dict[str, JsonValue] = {}
        identifying: tuple[str, ...] = ()
        try:
            path = file.path()
            pages, warnings = read_structure(path)
            facts = {"pages": sum(not page.sub for page in pages)}
            tree = _ome(pages[0])
            identifying = suspicious(islice(_entries(tree, pages[0]), MOST_ENTRIES))
            warnings = warnings + _read(tree, pages, facts)
            level = smallest_level(page for page in pages if page.number == 0)
            picture = png(pixels) if level and (pixels := decoded(path, level)) is not None else None
        except FormatError as error:
            return Inspection("invalid", facts, (), (str(error),), identifying)
        derived = {"thumbnail.png": picture} if picture else {}
        return Inspection.of(facts, (), warnings, identifying=identifying, derived=derived)


def _ome(page: Page) -> Element:
    """Return the OME-XML of a file; it may lie in a file beside it, which is not read."""
    if "<" not in page.description:
        raise FormatError("page 1: ImageDescription holds no OME-XML")
    tree = parsed(page.description.strip(), "the OME-XML")
    if local(tree.tag) != "OME":
        raise FormatError("page 1: the XML of ImageDescription is not OME-XML")
    return tree


def _all(tree: Element, name: str) -> list[Element]:
    return [one for one in tree.iter() if isinstance(one.tag, str) and local(one.tag) == name]


def _read(tree: Element, pages: list[Page], facts: dict[str, JsonValue]) -> list[str]:
    """Put what the OME-XML says of the first image into `facts`, held to the pages; returns warnings."""
    images, pixels = _all(tree, "Image"), _all(tree, "Pixels")
    if not pixels:
        if _all(tree, "BinaryOnly"):
            return ["the OME-XML lies in another file: dimensions are not checked"]
        raise FormatError("the OME-XML describes no pixels")
    size = {name: _whole(pixels[0], name) for name in SIZES}
    facts |= {"images": len(images), **{name[4:].lower(): value for name, value in size.items()}}
    facts["type"] = pixels[0].get("Type", "")[:LONGEST_NAME]
    for axis in "XYZ":
        if (value := _real(pixels[0], f"PhysicalSize{axis}")) is not None:
            facts[f"pixel_size_{axis.lower()}"] = value
            facts[f"pixel_size_{axis.lower()}_unit"] = pixels[0].get(f"PhysicalSize{axis}Unit", "µm")[:8]
    channels = [one for one in pixels[0] if local(str(one.tag)) == "Channel"]
    facts["channels"] = [one.get("Name", "")[:LONGEST_NAME] for one in channels[:MOST_CHANNELS]]
    facts["levels"] = [[page.width, page.height] for page in pages if page.number == 0]
    for objective in _all(tree, "Objective")[:1]:
        if (value := _real(objective, "NominalMagnification")) is not None:
            facts["magnification"] = value
    if (size["SizeX"], size["SizeY"]) != (pages[0].width, pages[0].height):
        raise FormatError("page 1: its width and height are not those of the OME-XML")
    other = BITS.get(pixels[0].get("Type", "")) != pages[0].bits
    told = ["page 1: its bits per sample are not those of the Type in the OME-XML"] if other else []
    return told + _planes(tree, pixels, pages)


def _planes(tree: Element, pixels: list[Element], pages: list[Page]) -> list[str]:
    """Warn of planes without a page; planes of several files, told by their names, are not counted."""
    if any(one.get("FileName") for one in _all(tree, "UUID")):
        return []
    have = sum(page.samples for page in pages if not page.sub)
    need = sum(_whole(one, "SizeZ") * _whole(one, "SizeC") * _whole(one, "SizeT") for one in pixels)
    return [f"the OME-XML describes {need} planes, the file holds {have}"] if have < need else []


def _whole(element: Element, name: str) -> int:
    value = element.get(name, "")
    if not value.isdecimal() or len(value) > 12 or not int(value):
        raise FormatError(f"the OME-XML does not say {name}")
    return int(value)


def _real(element: Element, name: str) -> float | None:
    import math

    try:
        value = float(element.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _entries(tree: Element, page: Page) -> Iterator[tuple[str, str, str]]:
    """Yield what may name a person: people, names, descriptions, annotations, texts of the TIFF."""
    for name, value in page.texts.items():
        yield name, name, value
        yield from header_words.entries(name, value)
    for element in tree.iter():
        name = local(str(element.tag))
        for key, value in element.attrib.items():
            if name == "Experimenter" or key in ("Name", "Email"):
                yield f"OME-XML {name} {local(key)}", PEOPLE.get(local(key), local(key)), value
        if (text := (element.text or "").strip()) and name not in ("BinData", "UUID"):
            called = element.get("K", name)
            yield f"OME-XML {name}", called, text
            yield from header_words.entries(f"OME-XML {name}", text)
