"""Pictures for pages of assays: bounded, whatever they are made of."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from omics_orchestrator.formats.sheet import LARGEST_SHEET, quality_picture, thumbnail_sheet


def picture(width: int, height: int, colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("count", "size"), [(0, 256), (1, 256), (3, 512), (17, 1020), (400, 1024)])
def test_a_sheet_is_a_grid_of_at_most_1024_pixels(count, size):
    sheet = Image.open(io.BytesIO(thumbnail_sheet([picture(256, 100, "red")] * count)))
    assert sheet.width == size
    assert sheet.height <= size
    assert (255, 0, 0) in {colour for _, colour in sheet.getcolors(1 << 20) or ()} or not count


def test_what_is_no_picture_is_left_out():
    bad = [b"", b"\x89PNG\r\n\x1a\n", picture(64, 64, "red")[:60], picture(4096, 1025, "blue")]
    sheet = Image.open(io.BytesIO(thumbnail_sheet([*bad, picture(64, 64, "green")])))
    assert sheet.size == (256, 256)
    assert sheet.getpixel((128, 128)) == (0, 128, 0)


@pytest.mark.parametrize(
    "profile", [[], [30.0], [math.nan] * 3, [30.0] * 151, [10, math.nan, 60, 2], [35.0] * 30_000]
)
def test_a_profile_is_drawn_whatever_it_holds(profile):
    drawn = Image.open(io.BytesIO(quality_picture(profile)))
    assert drawn.size == (720, 300)
    blue = sum(int(count) for count, colour in drawn.getcolors(1 << 20) or () if colour == (31, 95, 168))
    assert (blue > 0) == any(math.isfinite(value) for value in profile)


def test_a_sheet_of_photographs_is_small_enough_for_an_event():
    noise = np.random.default_rng(1).integers(0, 255, (256, 256, 3), np.uint8)
    raw = io.BytesIO()
    Image.fromarray(noise).save(raw, "PNG")
    assert len(thumbnail_sheet([raw.getvalue()] * 16)) <= LARGEST_SHEET
