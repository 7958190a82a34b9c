"""Small pictures of images: a level of a TIFF is decoded by tifffile, scaled and written as PNG by pillow.

No page of more than 16 million pixels is decoded. The structure of the file is checked before, in tiff.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.tiff import Page

SIDE = 256  # pixels: the longer side of a thumbnail
MOST_PIXELS = 16_777_216  # times samples: what is decoded at most
MOST_SAMPLES = 8
KNOWN = (1, 5, 7, 8, 32773, 32946, 33003, 33005, 34712, 34887, 50000)  # compressions that imagecodecs decodes
GREY, COLOURED = 2, 3  # dimensions of an array


def smallest_level(pages: Iterable[Page]) -> Page | None:
    """Return the smallest page that fills a thumbnail, or else the largest; None = all are too large to decode."""
    fitting = sorted((page for page in pages if _decodable(page)), key=lambda page: page.width * page.height)
    enough = [page for page in fitting if max(page.width, page.height) >= SIDE]
    return enough[0] if enough else (fitting[-1] if fitting else None)


def _decodable(page: Page) -> bool:
    """Tell whether a page is small enough; a tile may be larger than its page."""
    largest = max(page.width, page.tile_width) * max(page.height, page.tile_height)
    return largest <= MOST_PIXELS and page.samples <= MOST_SAMPLES and page.bits <= 64


def decoded(path: Path, page: Page) -> Any:
    """Return the pixels of a page as an array; None where its compression is not known here.

    Raises:
        FormatError: the tiles or strips cannot be decoded.
    """
    if page.compression not in KNOWN or not _decodable(page):
        return None
    from tifffile import TiffFile

    try:
        with TiffFile(path, _multifile=False) as tiff:
            found: Any = tiff.pages[page.number]
            if page.sub:
                found = next(one for one in found.pages if one.offset == page.offset)
            return found.asarray(maxworkers=1)
    except Exception:  # noqa: BLE001 - damaged tiles make the codecs raise anything; what they say may quote the file
        raise FormatError(f"{page.called}: its tiles or strips cannot be decoded") from None


def png(pixels: Any) -> bytes | None:
    """Return a PNG of at most 256 × 256 pixels; None where the array is no picture.

    Args:
        pixels: rows × columns, with or without samples behind or before; what is no byte is stretched over its range.
    """
    import numpy as np
    from PIL import Image

    pixels = np.asarray(pixels)
    while pixels.ndim > COLOURED or (pixels.ndim == COLOURED and pixels.shape[-1] not in (1, 3, 4)):
        pixels = pixels[0]
    if pixels.ndim == COLOURED:
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels[..., :3]
    if pixels.ndim < GREY or not pixels.size or pixels.dtype.kind not in "buif":
        return None
    image = Image.fromarray(_bytes(pixels))
    image.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bytes(pixels: Any) -> Any:
    """Return the pixels as bytes: between their 1st and 99th percentile where they are something else."""
    import numpy as np

    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    values = np.nan_to_num(pixels.astype(np.float64), posinf=0, neginf=0)
    low, high = np.percentile(values, (1, 99))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) / ((high - low) or 1)
    return np.ascontiguousarray((np.clip(scaled, 0, 1) * 255).astype(np.uint8))
