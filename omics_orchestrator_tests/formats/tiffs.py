"""Small TIFFs for the tests: slides of Aperio, OME-TIFF, and how they are broken."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Any

SCANNER = "Aperio Image Library v11.2.1 \r\n64x64 (32x32) JPEG/RGB Q=30|AppMag = 20|StripeWidth = 2040|MPP = 0.4990|%s"


@cache
def slide(
    said: str = "Filename = S1", *, label: bool = False, blank: bool = False, artist: str = ""
) -> bytes:
    """Return an SVS of one level; with `label`, a thumbnail and photographs of label and slide follow."""
    import numpy as np
    from tifffile import TiffWriter

    out = io.BytesIO()
    pixels = (np.arange(64 * 64 * 3) % 251).astype(np.uint8).reshape(64, 64, 3)
    named = [(315, "s", 0, artist, False)] if artist else []
    plain: dict[str, Any] = {"photometric": "rgb", "metadata": None, "rowsperstrip": 64, "software": False}
    with TiffWriter(out) as tiff:
        tiff.write(
            pixels, tile=(32, 32), photometric="rgb", metadata=None, software=False, extratags=named,
            description=SCANNER % said,
        )  # fmt: skip
        if label:
            tiff.write(pixels[:48, :48], description=SCANNER % "", **plain)
            shown = np.zeros_like(pixels) if blank else pixels
            tiff.write(
                shown, description="Aperio Image Library v11.2.1 \nlabel 64x64", subfiletype=1, **plain
            )
            tiff.write(
                shown, description="Aperio Image Library v11.2.1 \nmacro 64x64", subfiletype=9, **plain
            )
    return out.getvalue()


@cache
def ome(xml: str = "", *, bigtiff: bool = False) -> bytes:
    """Return an OME-TIFF of 64 × 64 pixels with one smaller level; `xml` replaces its OME-XML."""
    import numpy as np
    from tifffile import TiffWriter

    out = io.BytesIO()
    pixels = (np.arange(64 * 64) * 7 % 65521).astype(np.uint16).reshape(64, 64)
    with TiffWriter(out, bigtiff=bigtiff) as tiff:
        tiff.write(
            pixels, tile=(32, 32), subifds=1, metadata=None, description=xml or OME % "", software=False
        )
        tiff.write(pixels[::2, ::2], tile=(32, 32), subfiletype=1, metadata=None, software=False)
    return out.getvalue()


OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Instrument ID="Instrument:0"><Objective ID="Objective:0" NominalMagnification="40"/></Instrument>%s'
    '<Image ID="Image:0" Name="S1"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="64" SizeY="64" '
    'SizeC="1" SizeZ="1" SizeT="1" PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel ID="Channel:0:0" Name="DAPI"/>'
    '<TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>'
)


def first_directory(raw: bytes) -> int:
    """Return where the first directory of a little-endian TIFF begins."""
    return int(struct.unpack("<I", raw[4:8])[0])


def tag_at(raw: bytes, tag: int) -> int:
    """Return where the entry of a tag of the first directory begins."""
    start = first_directory(raw)
    count = struct.unpack("<H", raw[start : start + 2])[0]
    places = [start + 2 + 12 * number for number in range(count)]
    return next(place for place in places if struct.unpack("<H", raw[place : place + 2])[0] == tag)


def patched(raw: bytes, at: int, value: int, width: int = 4) -> bytes:
    """Return the file with a little-endian number put in."""
    return raw[:at] + value.to_bytes(width, "little") + raw[at + width :]


def far(raw: bytes, distance: int = 200_000) -> bytes:
    """Return a TIFF whose first directory and description lie behind `distance` bytes, and nothing of them before."""
    big = raw[2:3] == b"+"
    width, entry, at = (8, 20, 8) if big else (4, 12, 4)

    def number(place: int, size: int) -> int:
        return int.from_bytes(raw[place : place + size], "little")

    start = number(at, width)
    head, count = (8, number(start, 8)) if big else (2, number(start, 2))
    directory = bytearray(raw[start : start + head + count * entry + width])
    out = bytearray(raw) + bytes(distance)
    for place in range(head, head + count * entry, entry):
        if int.from_bytes(directory[place : place + 2], "little") == 270:
            length = int.from_bytes(directory[place + 4 : place + 4 + width], "little")
            text = int.from_bytes(directory[place + 4 + width : place + entry], "little")
            directory[place + 4 + width : place + entry] = len(out).to_bytes(width, "little")
            out += raw[text : text + length]
            out[text : text + length] = bytes(length)
    out[at : at + width] = len(out).to_bytes(width, "little")
    out[start : start + len(directory)] = bytes(len(directory))
    return bytes(out + directory)
