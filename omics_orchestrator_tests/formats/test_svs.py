"""SVS: the public slide, labels told and not copied, structures broken at every offset."""

from __future__ import annotations

import io
import random

import pytest

from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.svs import Svs
from omics_orchestrator_tests.formats.tiffs import first_directory, patched, slide, tag_at

SLIDE = "imaging/CMU-1-Small-Region.svs"
OFFSETS, COUNTS, WIDTH, DESCRIPTION = 324, 325, 256, 270


def tiny():
    return Svs(), "slide.svs", slide()


def inspected(raw: bytes):
    return Svs().inspect_bytes("slide.svs", raw)


def test_the_public_slide(shared_data):
    from PIL import Image

    raw = (shared_data / SLIDE).read_bytes()
    found = inspected(raw)
    assert (found.verdict, found.samples) == ("valid", ())
    assert found.facts["levels"] == [[2220, 2967]]
    assert (found.facts["magnification"], found.facts["micrometres_per_pixel"]) == (20.0, 0.499)
    assert found.identifying == (
        "page 3: label image",
        "page 4: macro image, on which the label may be read",
    )
    assert max(Image.open(io.BytesIO(found.derived["thumbnail.png"])).size) == 256
    assert len(found.derived["thumbnail.png"]) <= 256 * 1024
    assert recognise("CMU-1.SVS", raw[: 64 * 1024]).format == "svs"
    for cut in (9, 70_000, len(raw) // 2, len(raw) - 3000):
        assert inspected(raw[:cut]).verdict == "invalid"


def test_a_label_is_told_unless_it_was_painted_over():
    assert inspected(slide(label=True)).identifying[0] == "page 3: label image"
    assert inspected(slide(label=True, blank=True)).identifying == ()
    assert inspected(slide()).identifying == ()


@pytest.mark.parametrize(
    "said",
    [
        "Patient Name = Jane Doe",
        "Filename = SMITH_John_19570211",
        "Title = patient: Jane Doe",
        "DOB = 11/02/1957",
    ],
)
def test_planted_people_are_told_without_their_names(said):
    found = inspected(slide(said))
    assert found.identifying
    assert not any(word in repr(found) for word in ("Jane", "Doe", "SMITH", "1957"))


def test_an_artist_is_told():
    assert inspected(slide(artist="Jane Doe")).identifying == ("Artist: names of people",)


def test_broken_structures_are_refused():
    raw = slide(label=True)
    start = first_directory(raw)
    count = int.from_bytes(raw[start : start + 2], "little")
    tiles = int.from_bytes(raw[tag_at(raw, OFFSETS) + 8 : tag_at(raw, OFFSETS) + 12], "little")
    broken = {
        "a circle": patched(raw, start + 2 + 12 * count, start),
        "directory outside": patched(raw, 4, len(raw) + 5),
        "no directory": patched(raw, 4, 0),
        "tile outside": patched(raw, tiles, len(raw) - 1),
        "offsets outside": patched(raw, tag_at(raw, OFFSETS) + 8, len(raw)),
        "too many tags": patched(raw, start, 65535, 2),
        "a giant": patched(raw, tag_at(raw, WIDTH) + 8, 65_000, 2),
        "text of 4 GiB": patched(raw, tag_at(raw, DESCRIPTION) + 4, 0xFFFFFFF0),
        "no Aperio": raw.replace(b"Aperio", b"Operio"),
    }
    for name, content in broken.items():
        found = inspected(content)
        assert found.verdict == "invalid", name
        assert found.problems


def test_a_giant_page_is_not_decoded():
    import numpy as np
    from tifffile import TiffWriter

    out = io.BytesIO()
    with TiffWriter(out) as tiff:
        tiff.write(
            iter([np.zeros((4096, 4096), np.uint8).tobytes()] * 2), shape=(8192, 4096), dtype="uint8",
            tile=(4096, 4096), compression="zlib", metadata=None, description="Aperio Image Library v1\r\n|AppMag = 40",
        )  # fmt: skip
    found = inspected(out.getvalue())
    assert (found.verdict, found.derived) == ("valid", {})
    assert found.facts["width"] == 4096


def test_flipped_bits_are_answered():
    draw = random.Random(3)
    raw = slide(label=True)
    for _ in range(80):
        flipped = bytearray(raw)
        flipped[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        assert inspected(bytes(flipped)).verdict in ("valid", "warnings", "invalid")
