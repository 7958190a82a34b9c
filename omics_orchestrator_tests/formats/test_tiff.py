"""Whose a TIFF is, told by its first description wherever that lies. Structure: test_svs.py, test_ome_tiff.py."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from tifffile import TiffWriter

from omics_orchestrator.formats import FORMATS
from omics_orchestrator.formats.base import MemoryFile, Reach
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator.formats.tiff import first_description
from omics_orchestrator.registry.reading import Reader
from omics_orchestrator.registry.sets import Listed
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.formats.tiffs import far, ome, slide

HEAD = 64 * 1024


def recognised(name: str, raw: bytes) -> tuple[str, list[int]]:
    """Return the format and the lengths that were read beyond the first bytes."""
    reads = []

    def read(start: int, length: int) -> bytes:
        reads.append(length)
        return raw[start : start + length]

    return recognise(name, raw[:HEAD], read).format, reads


def reader(raw: bytes) -> Reach:
    return lambda start, length: raw[start : start + length]


def plain() -> bytes:
    """Return a photograph of no scanner, whose pixels hold the words of one."""
    out = io.BytesIO()
    pixels = np.zeros((64, 64), np.uint8)
    pixels.flat[:20] = list(b"Aperio Image <OME ..")
    with TiffWriter(out) as tiff:
        tiff.write(pixels, metadata=None, description="a photograph", software=False)
    return out.getvalue()


@pytest.mark.parametrize(
    ("raw", "format_"),
    [(slide(), "svs"), (slide(label=True), "svs"), (ome(), "ome_tiff"), (ome(bigtiff=True), "ome_tiff")],
)
def test_what_lies_far_behind_is_looked_at(raw, format_):
    behind = far(raw)
    assert (
        FORMATS[format_].model_validate({"format": format_}).inspect(MemoryFile("a", behind)).verdict
        == "valid"
    )
    for name in ("a.tif", "a.svs", "a.ome.tif", "a"):
        assert recognised(name, raw) == (format_, [])
        found, reads = recognised(name, behind)
        assert found == format_
        assert sum(reads) < 3 * HEAD
    assert recognise("a.tif", behind[:HEAD]).format == "opaque"  # nothing but the first bytes: by the name
    assert recognise("a.svs", behind[:HEAD]).format == "svs"


@pytest.mark.parametrize("name", ["a.svs", "a.ome.tif", "a.tif"])
def test_a_photograph_is_none_of_them_whatever_it_is_called(name):
    assert recognised(name, plain())[0] == "opaque"
    assert recognised(name, far(plain()))[0] == "opaque"
    assert recognise(name, plain()).format == "opaque"


def test_a_slide_that_was_cut_off_is_known_by_its_name():
    raw = far(slide())
    assert recognised("a.svs", raw[:100_000])[0] == "svs"
    assert recognised("a.ome.tif", raw[:100_000])[0] == "ome_tiff"
    assert recognised("a.tif", raw[:100_000])[0] == "opaque"


def test_any_damage_is_answered():
    draw, raw = random.Random(5), far(slide())
    for _ in range(300):
        damaged = bytearray(raw)
        for at in (draw.randrange(16), draw.randrange(len(raw) - 300, len(raw))):
            damaged[at] = draw.randrange(256)
        told = first_description(bytes(damaged[:HEAD]), reader(bytes(damaged)))
        assert told is None or len(told) <= HEAD


@pytest.mark.parametrize("quick", [True, False])
def test_the_registry_says_what_another_format_it_looks_like(tmp_path: Path, quick: bool):
    (tmp_path / "lab").mkdir()
    environment = {"OMICS_HOME": str(tmp_path), "OMICS_STORE_LAB_URL": (tmp_path / "lab").as_uri()}
    store = Stores(Settings.from_environment(environment)).source("lab")
    for name, raw in (
        ("a.ome.tif", far(slide())),
        ("b.ome.tif", far(ome(), 2_000_000)),
        ("c.ome.tif", plain()),
    ):
        (tmp_path / "lab" / name).write_bytes(raw)
    declared = FORMATS["ome_tiff"].model_validate({"format": "ome_tiff"})
    listed = [Listed(found.key, found.size, found.modified, found.etag) for found in store.list()]
    readings = Reader(store, declared, quick=quick).read(sorted(listed))
    assert [one.verdict for one in readings] == ["invalid", "unverified" if quick else "valid", "invalid"]
    assert readings[0].problems[-1] == "it looks like svs"
    assert not [problem for problem in readings[2].problems if "looks like" in problem]
