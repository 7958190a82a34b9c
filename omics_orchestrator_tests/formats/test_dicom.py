"""DICOM: real slides and CT, patients planted in every place, files cut off, pictures that may be made."""

from __future__ import annotations

import io
import random
from functools import cache

import pytest

from omics_orchestrator.formats.dicom import Dicom
from omics_orchestrator.formats.recognise import recognise

FOLDER = "imaging/dicom"


@cache
def small(**changes: object) -> bytes:
    """Return a slide of 4 × 4 tiles of 16 × 16 pixels; `changes` set elements by keyword."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.SOPClassUID, content.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.77.1.6"), UID("1.2.3.4")
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID
    content.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content.StudyInstanceUID, content.SeriesInstanceUID, content.Modality = "1.2.3", "1.2.3.1", "SM"
    content.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    content.Rows = content.Columns = 16
    content.TotalPixelMatrixRows = content.TotalPixelMatrixColumns = 64
    content.NumberOfFrames, content.SamplesPerPixel, content.PlanarConfiguration = 16, 3, 0
    content.BitsAllocated = content.BitsStored = 8
    content.HighBit, content.PixelRepresentation, content.PhotometricInterpretation = 7, 0, "RGB"
    content.PixelData = np.arange(16 * 16 * 16 * 3, dtype=np.uint8).tobytes()
    for keyword, value in changes.items():
        setattr(content, keyword, value)
    out = io.BytesIO()
    content.save_as(out, enforce_file_format=True)
    return out.getvalue()


def tiny():
    return Dicom(), "slide.dcm", small()


def told(raw: bytes) -> tuple[str, ...]:
    return Dicom().inspect_bytes("a.dcm", raw).identifying


def test_public_files_are_valid_with_their_dimensions(shared_data):
    found = {
        path.name: Dicom().inspect_bytes(path.name, path.read_bytes())
        for path in sorted((shared_data / FOLDER).iterdir())
    }
    assert len(found) == 5
    assert {name for name, one in found.items() if one.verdict != "valid"} == {"sm_image_numbers.dcm"}
    assert found["sm_image_numbers.dcm"].problems == (  # so it is: its maker changed the object only
        "MediaStorageSOPInstanceUID is not the SOPInstanceUID of the object",
    )
    assert found["sm_image.dcm"].facts["total_width"] == 50
    assert found["sm_image.dcm"].facts["frames"] == 25
    assert found["ct_image.dcm"].facts["pixel_spacing_mm"] == [0.661468, 0.661468]
    assert "thumbnail.png" in found["ct_image.dcm"].derived
    assert "(0010,0010) PatientName: names of people" in found["ct_image.dcm"].identifying
    assert not any("PatientName" in one for one in found["sm_image.dcm"].identifying)  # Test^Patient


def test_meta_information_of_another_object_is_told():
    raw = small().replace(b"1.2.3.4\0", b"1.2.3.5\0", 1)  # comes first in the meta information
    found = Dicom().inspect_bytes("a.dcm", raw)
    assert (found.verdict, found.problems) == (
        "warnings",
        ("MediaStorageSOPInstanceUID is not the SOPInstanceUID of the object",),
    )


def test_a_small_slide_is_put_together():
    from PIL import Image

    found = Dicom().inspect_bytes("a.dcm", small())
    assert found.identifying == ()
    assert Image.open(io.BytesIO(found.derived["thumbnail.png"])).size == (64, 64)


PLANTED = {
    "PatientName": ("Doe^Jane", "(0010,0010) PatientName: names of people"),
    "PatientID": ("X123456", "(0010,0020) PatientID: numbers of a person"),
    "PatientBirthDate": ("19570211", "(0010,0030) PatientBirthDate: dates of birth"),
    "OtherPatientIDs": ("9434765919", "(0010,1000) OtherPatientIDs: numbers of a person"),
    "AccessionNumber": ("S19-77", "(0008,0050) AccessionNumber: numbers of a person"),
    "InstitutionName": ("Western General", "(0008,0080) InstitutionName: name of the institution"),
    "ReferringPhysicianName": ("Roe^Richard", "(0008,0090) ReferringPhysicianName: names of people"),
    "BurnedInAnnotation": ("YES", "(0028,0301) BurnedInAnnotation: text burned into the picture"),
    "StudyDescription": ("patient: Jane Doe", "(0008,1030) StudyDescription: names of people"),
}


@pytest.mark.parametrize("keyword", PLANTED)
def test_a_planted_person_is_told_by_tag_only(keyword):
    text, place = PLANTED[keyword]
    found = Dicom().inspect_bytes("a.dcm", small(**{keyword: text}))
    assert place in found.identifying
    assert text == "YES" or text not in repr(found)
    assert found.verdict == "valid"


def test_people_within_sequences_and_private_elements_are_told():
    from pydicom import dcmread

    content = dcmread(io.BytesIO(small()))
    item = dcmread(io.BytesIO(small()))
    for element in list(item):
        del item[element.tag]
    item.PatientName = "Doe^Jane"
    content.ReferencedPatientSequence = [item]
    content.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", "Jane Doe")
    out = io.BytesIO()
    content.save_as(out)
    found = told(out.getvalue())
    assert "(0010,0010) PatientName: names of people" in found
    assert "private elements: 1 filled, whose meaning is not known" in found
    assert "Doe" not in str(found)


@pytest.mark.parametrize("flavour", ["LABEL", "OVERVIEW"])
def test_a_label_is_told_and_not_copied(flavour):
    found = Dicom().inspect_bytes("a.dcm", small(ImageType=f"ORIGINAL\\PRIMARY\\{flavour}\\NONE"))
    assert any(one.startswith("(0008,0008) ImageType") for one in found.identifying)
    assert found.derived == {}
    assert Dicom().inspect_bytes("a.dcm", small(BurnedInAnnotation="YES")).derived == {}


def test_public_files_cut_off_or_flipped_are_answered(shared_data):
    draw = random.Random(7)
    raw = (shared_data / FOLDER / "sm_image.dcm").read_bytes()
    for cut in (0, 100, 131, 400, len(raw) // 2, len(raw) - 1):
        assert Dicom().inspect_bytes("a.dcm", raw[:cut]).verdict == "invalid"
    for _ in range(60):
        flipped = bytearray(raw)
        flipped[draw.randrange(132, 6000)] ^= 1 << draw.randrange(8)
        assert Dicom().inspect_bytes("a.dcm", bytes(flipped)).verdict in ("valid", "invalid", "warnings")


def test_a_deflated_bomb_is_refused():
    import zlib

    from pydicom import dcmread
    from pydicom.uid import UID

    content = dcmread(io.BytesIO(small()))
    content.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
    out = io.BytesIO()
    content.save_as(out, enforce_file_format=True)
    assert Dicom().inspect_bytes("a.dcm", out.getvalue()).verdict == "valid"
    head = out.getvalue()[: 144 + int.from_bytes(out.getvalue()[140:144], "little")]
    packer = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    (problem,) = Dicom().inspect_bytes("a.dcm", head + bomb).problems
    assert "inflates to more than" in problem


def test_a_program_in_the_preamble_is_told():
    found = Dicom().inspect_bytes("a.dcm", b"MZ" + small()[2:])
    assert found.problems == ("the preamble begins like a program",)
    assert recognise("notes.txt", small()[: 64 * 1024]).format == "dicom"
