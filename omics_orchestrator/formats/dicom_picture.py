"""Small pictures of DICOM files: the tiles of a small slide put together, or the frame in the middle.

None is made of what may show a face, a label or burned-in text. Scaling and PNG: tiff_picture.py.
"""

from __future__ import annotations

import io
from typing import Any

from omics_orchestrator.formats.tiff_picture import MOST_PIXELS, png

JPEGS = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
MOST_TILES = 4096
UNSAFE_KINDS = {"LABEL", "OVERVIEW"}
UNSAFE_MODALITIES = {
    "US",
    "XC",
    "ES",
    "OT",
    "DOC",
    "GM",
    "OP",
    "SC",
}  # text in the picture, or photographs of people


def thumbnail(content: Any) -> bytes | None:
    """Return a PNG of at most 256 × 256 pixels; None where none may or can be made."""
    if not _allowed(content) or "PixelData" not in content:
        return None
    try:
        return _picture(content)
    except Exception:  # noqa: BLE001 - a codec may raise anything; a file without a picture is no bad file
        return None


def _allowed(content: Any) -> bool:
    kinds = {str(one).strip().upper() for one in content.get("ImageType") or []}
    flags = (content.get("BurnedInAnnotation"), content.get("RecognizableVisualFeatures"))
    labelled = str(content.get("SpecimenLabelInImage", "")).strip().upper() == "YES"
    shown = any(str(one).strip().upper() == "YES" for one in flags) or labelled
    return not shown and not kinds & UNSAFE_KINDS and content.get("Modality") not in UNSAFE_MODALITIES


def _picture(content: Any) -> bytes | None:
    rows, columns, frames = content.Rows, content.Columns, int(content.get("NumberOfFrames") or 1)
    across = -(-int(content.get("TotalPixelMatrixColumns") or 0) // columns)
    down = -(-int(content.get("TotalPixelMatrixRows") or 0) // rows)
    if rows * columns > MOST_PIXELS:
        return None
    whole = across * down == frames <= MOST_TILES and across * down * rows * columns <= MOST_PIXELS
    if not whole:
        return _png(content, _frame(content, frames // 2))
    import numpy as np

    tiles = [_frame(content, number) for number in range(frames)]
    if any(tile is None for tile in tiles):
        return None
    lines = [np.concatenate(tiles[line * across : (line + 1) * across], axis=1) for line in range(down)]
    matrix = np.concatenate(lines, axis=0)
    return _png(content, matrix[: content.TotalPixelMatrixRows, : content.TotalPixelMatrixColumns])


def _png(content: Any, pixels: Any) -> bytes | None:
    if pixels is None:
        return None
    if content.get("PhotometricInterpretation") == "MONOCHROME1":
        pixels = pixels.max() - pixels
    return png(pixels)


def _frame(content: Any, number: int) -> Any:
    """Return one frame as an array; None where its compression or layout is not known here."""
    import numpy as np

    syntax = content.file_meta.TransferSyntaxUID
    samples = int(content.get("SamplesPerPixel") or 1)
    if syntax.is_encapsulated:
        return _compressed(content, number) if str(syntax) in JPEGS else None
    if content.BitsAllocated not in (8, 16, 32) or (samples > 1 and content.get("PlanarConfiguration")):
        return None
    kind = ("i" if content.get("PixelRepresentation") else "u") + str(content.BitsAllocated // 8)
    kind = ("<" if syntax.is_little_endian else ">") + kind
    count = content.Rows * content.Columns * samples
    start = number * count * content.BitsAllocated // 8
    pixels = np.frombuffer(content.PixelData, dtype=kind, count=count, offset=start)
    shape = (content.Rows, content.Columns) + ((samples,) if samples > 1 else ())
    return pixels.reshape(shape)


def _compressed(content: Any, number: int) -> Any:
    """Decode a frame of JPEG or JPEG 2000 whose own dimensions are those of the header."""
    import numpy as np
    from PIL import Image
    from pydicom.encaps import get_frame

    raw = get_frame(content.PixelData, number, number_of_frames=int(content.get("NumberOfFrames") or 1))
    image = Image.open(io.BytesIO(raw), formats=("JPEG", "JPEG2000"))
    if image.size != (content.Columns, content.Rows):
        return None
    return np.asarray(image)
