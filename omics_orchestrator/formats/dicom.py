"""DICOM: slides, CT, segmentations and the like, one file a set; header facts, patient entries told, a small picture.

Read by pydicom to DICOM PS3.10 and PS3.3. Which entries identify: dicom_people.py; pictures: dicom_picture.py.
"""

from __future__ import annotations

import math
import warnings as python_warnings
import zlib
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.dicom_people import told
from omics_orchestrator.formats.dicom_picture import thumbnail

PREAMBLE, MARK = 128, b"DICM"
DEFERRED = 1024 * 1024  # bytes; longer values stay on disk
LARGEST_INFLATED = 256 * 1024 * 1024  # bytes
DEFLATED = "1.2.840.10008.1.2.1.99"
PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe")
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")  # type 1 in every object
WORDS = {
    "modality": "Modality",
    "width": "Columns",
    "height": "Rows",
    "total_width": "TotalPixelMatrixColumns",
    "total_height": "TotalPixelMatrixRows",
    "samples_per_pixel": "SamplesPerPixel",
    "bits": "BitsAllocated",
    "colours": "PhotometricInterpretation",
    "manufacturer": "Manufacturer",
    "slice_thickness_mm": "SliceThickness",
}


class Dicom(Format):
    """Medical images (DICOM): header, dimensions, length of the pixels; entries about the patient are told by tag."""

    suffixes: ClassVar[tuple[str, ...]] = (".dcm", ".dicom")

    format: Literal["dicom"] = "dicom"
    """Medical images: slides, CT, segmentations."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the letters DICM behind 128 bytes (PS3.10, 7.1)."""
        del name
        return head[PREAMBLE : PREAMBLE + 4] == MARK

    def inspect(self, file: OpenFile) -> Inspection:
        """Read all elements but long ones, hold the pixels' length to the dimensions."""
        facts: dict[str, JsonValue] = {}
        identifying: tuple[str, ...] = ()
        warned: list[str] = []
        try:
            path = file.path()
            warned = _preamble(path)
            with python_warnings.catch_warnings():
                python_warnings.simplefilter("ignore")  # what they say may quote the file
                content = _read(path)
                facts = _facts(content)
                identifying = told(content)
                _check(content, path.stat().st_size)
                warned += _of_the_meta(content)
                picture = thumbnail(content)
        except FormatError as error:
            return Inspection("invalid", facts, (), (str(error),), identifying)
        except Exception:  # noqa: BLE001 - entries of the wrong kind; what is said of them may quote the file
            return Inspection("invalid", facts, (), ("entries hold what is not of their kind",), identifying)
        derived = {"thumbnail.png": picture} if picture else {}
        return Inspection.of(facts, (), warned, identifying=identifying, derived=derived)


def _preamble(path: Path) -> list[str]:
    """Hold the first bytes to the standard; what lies in the preamble is free, even a program."""
    with path.open("rb") as file:
        head = file.read(PREAMBLE + 4)
    if head[PREAMBLE:] != MARK:
        raise FormatError("no DICOM preamble: it is cut off, or something else")
    return ["the preamble begins like a program"] if head.startswith(PROGRAMS) else []


def _read(path: Path) -> Any:
    """Return the elements; every one is decoded once, so that none raises later.

    Raises:
        FormatError: the file is cut off or damaged.
    """
    from pydicom import config, dcmread
    from pydicom.filereader import read_file_meta_info

    try:
        with config.disable_value_validation():
            meta = read_file_meta_info(path)
            if meta.get("TransferSyntaxUID") == DEFLATED:
                _check_deflated(path, int(meta.FileMetaInformationGroupLength))
            content = dcmread(path, defer_size=DEFERRED)
            _decode(content, path.stat().st_size)
            return content
    except FormatError:
        raise
    except Exception:  # noqa: BLE001 - damaged bytes make pydicom raise anything; what it says may quote the file
        raise FormatError("the elements cannot be read: the file is cut off or damaged") from None


def _decode(content: Any, size: int) -> None:
    """Decode short elements at all depths; values that are left on disk must end within the file."""
    from pydicom.dataelem import RawDataElement

    for tag in list(content.keys()):
        raw = content.get_item(tag)
        if isinstance(raw, RawDataElement) and 0 < raw.length < 0xFFFFFFFF:
            if raw.value is None and raw.value_tell + raw.length > size:
                raise FormatError(f"element {tag} ends behind the file: it is cut off")
            if raw.value is not None and len(raw.value) != raw.length:
                raise FormatError(f"element {tag} is shorter than it says: the file is cut off")
            if raw.value is None:
                continue
        element = content[tag]
        if element.VR == "SQ":
            for item in element.value:
                _decode(item, size)


def _check_deflated(path: Path, meta_length: int) -> None:
    """Refuse a deflated file that would fill the memory."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    given = 0
    with path.open("rb") as file:
        file.seek(PREAMBLE + 4 + 12 + meta_length)
        while piece := (inflater.unconsumed_tail or file.read(DEFERRED)):
            given += len(inflater.decompress(piece, DEFERRED))
            if given > LARGEST_INFLATED:
                raise FormatError(f"it inflates to more than {LARGEST_INFLATED >> 20} MiB: refused")
            if inflater.eof:
                return


def _facts(content: Any) -> dict[str, JsonValue]:
    """Return kind, dimensions and scales."""
    facts: dict[str, JsonValue] = {
        "kind": content.SOPClassUID.name if "SOPClassUID" in content else "",
        "transfer_syntax": content.file_meta.TransferSyntaxUID.name,
    }
    for name, keyword in WORDS.items():
        value = content.get(keyword)
        if isinstance(value, (int, float)) and math.isfinite(value):
            facts[name] = int(value) if int(value) == value else float(value)
        elif isinstance(value, str) and value:
            facts[name] = value[:60]
    facts["frames"] = int(content.get("NumberOfFrames") or 1) if "Rows" in content else 0
    kinds: list[JsonValue] = [str(one)[:16] for one in (content.get("ImageType") or [])]
    facts["image_type"] = kinds[:6]
    if spacing := _spacing(content):
        facts["pixel_spacing_mm"] = spacing
    for path in content.get("OpticalPathSequence") or []:
        if power := path.get("ObjectiveLensPower"):
            facts["magnification"] = float(power)
    return facts


def _of_the_meta(content: Any) -> list[str]:
    """Hold the file meta information to the object that follows it (PS3.10, table 7.1-1)."""
    pairs = {"MediaStorageSOPClassUID": "SOPClassUID", "MediaStorageSOPInstanceUID": "SOPInstanceUID"}
    return [
        f"{meta} is not the {keyword} of the object"
        for meta, keyword in pairs.items()
        if content.file_meta.get(meta) != content.get(keyword)
    ]


def _spacing(content: Any) -> list[JsonValue]:
    """Return row and column spacing in mm, of the image or shared by its frames (PS3.3, C.7.6.16.2.1)."""
    found = content.get("PixelSpacing")
    for shared in content.get("SharedFunctionalGroupsSequence") or []:
        for measures in shared.get("PixelMeasuresSequence") or []:
            found = found or measures.get("PixelSpacing")
    values = [float(one) for one in found or []]
    return [*values] if len(values) == 2 and all(math.isfinite(one) for one in values) else []


def _check(content: Any, size: int) -> None:
    """Hold what must be there, and the length of the pixels to the dimensions (PS3.5, 8.1 and annex A.4)."""
    for keyword in NEEDED:
        if not content.get(keyword):
            raise FormatError(f"{keyword} is missing: the file is cut off, or no DICOM object")
    is_image = (
        "Image Storage" in content.SOPClassUID.name or "Segmentation Storage" in content.SOPClassUID.name
    )
    held = [keyword for keyword in PIXELS if keyword in content]
    if not held:
        if is_image or "Rows" in content:
            raise FormatError("an image without pixels: the file is cut off")
        return
    wanted = [content.get(name) for name in ("Rows", "Columns", "BitsAllocated")]
    if not all(isinstance(one, int) and one > 0 for one in wanted):
        raise FormatError("pixels without Rows, Columns or BitsAllocated")
    raw = content.get_item(held[0])
    if content.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    frames, samples = int(content.get("NumberOfFrames") or 1), int(content.get("SamplesPerPixel") or 1)
    bits = wanted[0] * wanted[1] * wanted[2] * frames * samples
    if "422" in str(content.get("PhotometricInterpretation", "")):
        bits = bits * 2 // 3
    length = raw.length if hasattr(raw, "length") else len(raw.value)
    if length < -(-bits // 8):
        raise FormatError(f"the pixels take {length} bytes, {-(-bits // 8)} are needed: the file is cut off")
