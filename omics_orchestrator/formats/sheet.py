"""Pictures for pages of assays: a sheet of thumbnails, a profile of qualities. Drawn with pillow.

Where thumbnails come from: tiff_picture.py and dicom_picture.py; qualities: fastq.py.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

LARGEST = 1024  # pixels: the longer side of a sheet
CELL = 256  # pixels
MOST = 256  # pictures of a sheet; the rest are left out
GAP = 4  # pixels
COLOURS = 128
LARGEST_SHEET = 90_000  # bytes
LARGEST_SOURCE = 4_194_304  # pixels of one thumbnail; a larger one is left out
WIDTH, HEIGHT = 720, 300  # pixels of a profile
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 44
BANDS = ((0, 20, "#f6d5d5"), (20, 28, "#f8ecd0"), (28, 42, "#dcefdc"))  # Phred: poor, fair, good
INK, LINE, GRID = "#222222", "#1f5fa8", "#c8c8c8"
HIGHEST = 42  # Phred, unless the profile goes higher


def thumbnail_sheet(pictures: Sequence[bytes]) -> bytes:
    """Return the pictures as a grid of at most 1024 × 1024 pixels and 90,000 bytes, in order, row by row.

    Args:
        pictures: PNG files; what is none, or has more than 4 million pixels, is left out; of more than 256 the rest.
    """
    from PIL import Image

    images = [image for raw in pictures[:MOST] if (image := _opened(raw)) is not None]
    across = max(1, math.ceil(math.sqrt(len(images))))
    down = max(1, math.ceil(len(images) / across))
    cell = min(CELL, LARGEST // across)
    sheet = Image.new("RGB", (across * cell, down * cell), "white")
    for number, image in enumerate(images):
        image.thumbnail((cell - GAP, cell - GAP))
        row, column = divmod(number, across)
        left = column * cell + (cell - image.width) // 2
        sheet.paste(image, (left, row * cell + (cell - image.height) // 2))
    return _small(sheet)


def _small(sheet: Any) -> bytes:
    """Return a PNG that an event of the asset graph can carry: fewer colours, then fewer pixels."""
    raw = _png(sheet)
    for side in (LARGEST, 768, 512, 384, 256, 128):
        if len(raw) <= LARGEST_SHEET:
            break
        drawn = sheet.copy()
        drawn.thumbnail((side, side))
        raw = _png(drawn.quantize(COLOURS))
    return raw


def quality_picture(profile: Sequence[float]) -> bytes:
    """Return a PNG of the mean quality (Phred) at each position of the reads, with the usual bands of colour.

    Args:
        profile: mean qualities, first position first; values that are no numbers leave a gap.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    real = [value for value in profile if math.isfinite(value)]
    top = max(HIGHEST, math.ceil(max(real, default=0)))
    scale = _Scale(max(1, len(profile)), top)
    _axes(draw, scale)
    points = [
        (scale.x(number), scale.y(value)) if math.isfinite(value) else None
        for number, value in enumerate(profile, 1)
    ]
    for before, after in zip(points, points[1:], strict=False):
        if before and after:
            draw.line((*before, *after), fill=LINE, width=3)
    if len(real) < 2:
        for point in filter(None, points):
            draw.ellipse((point[0] - 3, point[1] - 3, point[0] + 3, point[1] + 3), fill=LINE)
    return _png(image)


class _Scale:
    """From positions and qualities to pixels."""

    def __init__(self, positions: int, top: int) -> None:
        self.positions, self.top = positions, top

    def x(self, position: float) -> float:
        """Return the pixel of a position, counted from 1."""
        return LEFT + (position - 0.5) * (WIDTH - LEFT - RIGHT) / self.positions

    def y(self, quality: float) -> float:
        """Return the pixel of a quality."""
        return HEIGHT - BOTTOM - max(0.0, quality) * (HEIGHT - TOP - BOTTOM) / self.top


def _axes(draw: Any, scale: _Scale) -> None:
    """Draw bands, grid, numbers and what the axes mean."""
    from PIL import ImageFont

    font: Any = ImageFont.load_default(13)
    for low, high, colour in BANDS:
        end = scale.top if high == HIGHEST else high
        draw.rectangle((LEFT, scale.y(end), WIDTH - RIGHT, scale.y(low)), fill=colour)
    for quality in range(0, scale.top + 1, 10):
        draw.line((LEFT, scale.y(quality), WIDTH - RIGHT, scale.y(quality)), fill=GRID)
        draw.text((LEFT - 8, scale.y(quality)), str(quality), fill=INK, font=font, anchor="rm")
    step = _step(scale.positions)
    for position in sorted({1, *range(step, scale.positions + 1, step)}):
        draw.text((scale.x(position), HEIGHT - BOTTOM + 6), str(position), fill=INK, font=font, anchor="mt")
    draw.rectangle((LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM), outline=INK)
    draw.text((LEFT, 7), "Mean quality (Phred)", fill=INK, font=font)
    draw.text((WIDTH / 2, HEIGHT - 8), "Position in read", fill=INK, font=font, anchor="ms")


def _step(positions: int) -> int:
    """Return the distance of numbered positions: 1, 2 or 5 times a power of ten, for at most ten numbers."""
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    return next((step for step in steps if positions <= 10 * step), 10**9)


def _opened(raw: bytes) -> Any:
    """Return a picture in colours; None where it is none, or too large."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(raw), formats=("PNG",))
        if image.width * image.height > LARGEST_SOURCE:
            return None
        return image.convert("RGB")
    except Exception:  # noqa: BLE001 - a damaged picture is left out, whatever pillow says of it
        return None


def _png(image: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
