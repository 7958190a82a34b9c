"""OME-TIFF: the public pyramid, OME-XML that lies or attacks, people planted in it."""

from __future__ import annotations

import io
import random

import pytest

from omics_orchestrator.formats.ome_tiff import OmeTiff
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats.tiffs import OME, ome

PUBLIC = "imaging/CMU-1-crop.ome.tif"


def tiny():
    return OmeTiff(), "cells.ome.tiff", ome()


def inspected(raw: bytes):
    return OmeTiff().inspect_bytes("cells.ome.tiff", raw)


def test_the_public_pyramid(shared_data):
    from PIL import Image

    raw = (shared_data / PUBLIC).read_bytes()
    found = inspected(raw)
    assert (found.verdict, found.identifying) == ("valid", ())
    assert found.facts["levels"] == [[768, 768], [384, 384]]
    assert (found.facts["c"], found.facts["pixel_size_x"]) == (3, 0.499)
    assert Image.open(io.BytesIO(found.derived["thumbnail.png"])).size == (256, 256)
    assert len(found.derived["thumbnail.png"]) <= 256 * 1024
    assert recognise("CMU-1-crop.ome.tif", raw[: 64 * 1024]).format == "ome_tiff"
    for cut in (9, 50_000, len(raw) // 2, len(raw) - 1):
        assert inspected(raw[:cut]).verdict == "invalid"


@pytest.mark.parametrize("bigtiff", [False, True])
def test_dimensions_channels_and_objective(bigtiff):
    found = inspected(ome(bigtiff=bigtiff))
    assert found.verdict == "valid"
    assert found.facts["channels"] == ["DAPI"]
    assert found.facts["magnification"] == 40
    assert found.facts["levels"] == [[64, 64], [32, 32]]
    assert "thumbnail.png" in found.derived


@pytest.mark.parametrize("kind", ["uint8", "float", "many", ""])
def test_another_type_of_pixels_is_told(kind):
    found = inspected(ome((OME % "").replace('Type="uint16"', f'Type="{kind}"')))
    assert found.problems == ("page 1: its bits per sample are not those of the Type in the OME-XML",)
    assert inspected(ome((OME % "").replace('Type="uint16"', 'Type="int16"'))).verdict == "valid"


ATTACKS = {
    "entities": '<!DOCTYPE OME [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + (OME % "&b;").partition("?>")[2],
    "an external file": '<!DOCTYPE OME [<!ENTITY a SYSTEM "file:///etc/passwd">]><OME>&a;</OME>',
    "cut off": (OME % "")[:-8],
    "another size": (OME % "").replace('SizeX="64"', 'SizeX="65"'),
    "no size": (OME % "").replace('SizeX="64"', 'SizeX="many"'),
    "a giant": (OME % "").replace('SizeX="64"', 'SizeX="99999999999999999999"'),
    "no pixels": "<OME/>",
    "other XML": "<html/>",
    "deep": "<OME>" + "<a>" * 50_000 + "</a>" * 50_000 + "</OME>",
}


@pytest.mark.parametrize("case", ATTACKS)
def test_xml_that_lies_or_attacks_is_refused(case):
    found = inspected(ome(ATTACKS[case]))
    assert found.verdict == "invalid"
    assert "root:" not in str(found)


def test_missing_planes_are_a_warning():
    found = inspected(ome((OME % "").replace('SizeZ="1"', 'SizeZ="5"')))
    assert found.problems == ("the OME-XML describes 5 planes, the file holds 1",)


@pytest.mark.parametrize(
    "planted",
    [
        '<Experimenter ID="Experimenter:0" LastName="Doe" FirstName="Jane" Email="jane.doe@example.org"/>',
        '<MapAnnotation><Value><M K="PatientName">Doe^Jane</M></Value></MapAnnotation>',
        "<CommentAnnotation><Value>patient: Jane Doe, DOB 11/02/1957</Value></CommentAnnotation>",
    ],
)
def test_planted_people_are_told_without_their_names(planted):
    found = inspected(ome(OME % planted))
    assert found.verdict == "valid"
    assert found.identifying
    assert not any(word in repr(found) for word in ("Jane", "jane", "Doe", "1957"))


def test_flipped_bits_are_answered():
    draw = random.Random(5)
    raw = ome()
    for _ in range(80):
        flipped = bytearray(raw)
        flipped[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        assert inspected(bytes(flipped)).verdict in ("valid", "warnings", "invalid")
