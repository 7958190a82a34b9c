"""Which entries of a DICOM file identify a person: told by tag and keyword, never by content.

The list is a choice from PS3.15, table E.1-1 (basic confidentiality profile): what is dropped there because it names
or reaches a person. Dates of the examination, UIDs and device numbers are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omics_orchestrator.formats import header_words
from omics_orchestrator.formats.header_scan import NUMBERED, TELLING, is_dummy, suspicious

DEEPEST = 8
MOST_ENTRIES = 2000
SKIPPED = "PerFrameFunctionalGroupsSequence"  # positions of frames, many thousand times
FILLED = {
    "InstitutionName": "name of the institution",
    "InstitutionAddress": "address of the institution",
    "PatientComments": "free text about the patient",
    "AdditionalPatientHistory": "free text about the patient",
    "EncapsulatedDocument": "a document within, which may name the patient",
    "IssuerOfPatientID": "who numbered the patient",
}
TEXTS = ("LO", "LT", "SH", "ST", "UT", "UC")
PEOPLE = "PN"
FLAGS = {
    ("BurnedInAnnotation", "YES"): "text burned into the picture",
    ("RecognizableVisualFeatures", "YES"): "a recognisable face",
    ("SpecimenLabelInImage", "YES"): "label image",
}
FLAVOURS = {"LABEL": "label image", "OVERVIEW": "overview image, on which the label may be read"}
MOST = 40  # places


def told(content: Any) -> tuple[str, ...]:
    """Return the entries that identify a person, at all depths, at most 40: `(0010,0010) PatientName: …`."""
    flagged = [
        f"{_place(content[keyword])}: {says}"
        for (keyword, value), says in FLAGS.items()
        if str(content.get(keyword, "")).strip().upper() == value
    ]
    kinds = [str(one).strip().upper() for one in content.get("ImageType") or []]
    flagged += [f"(0008,0008) ImageType: {says}" for kind, says in FLAVOURS.items() if kind in kinds]
    found: list[str] = []
    spoken: list[tuple[str, str, str]] = []
    private = 0
    for number, element in enumerate(_elements(content)):
        if number >= MOST_ENTRIES:
            break
        if element.tag.is_private:
            private += not element.tag.is_private_creator and bool(_text(element).strip())
            continue
        found += _of_element(element)
        if element.VR in TEXTS and not found_by_keyword(element.keyword):
            spoken += header_words.entries(_place(element), _text(element))
    if private:
        found.append(f"private elements: {private} filled, whose meaning is not known")
    return tuple(dict.fromkeys([*flagged, *found, *suspicious(spoken)]))[:MOST]


def found_by_keyword(keyword: str) -> bool:
    """Tell whether the keyword alone says that an entry identifies."""
    return keyword in TELLING or keyword in NUMBERED or keyword in FILLED


def _elements(content: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the elements at all depths; sequences themselves are not yielded."""
    for element in content:
        if element.VR != "SQ":
            yield element
        elif element.keyword != SKIPPED and depth < DEEPEST:
            for item in element.value:
                yield from _elements(item, depth + 1)


def _of_element(element: Any) -> list[str]:
    """Return what an entry is told for: by its keyword, or as a name of a person that stands elsewhere."""
    keyword, text = element.keyword, _text(element)
    if not text.strip():
        return []
    if says := FILLED.get(keyword):
        return [] if is_dummy(text) else [f"{_place(element)}: {says}"]
    if element.VR == PEOPLE and keyword not in TELLING:
        keyword = "PersonName"
    return list(suspicious([(_place(element), keyword, text)])) if found_by_keyword(keyword) else []


def _text(element: Any) -> str:
    """Return the value as text; of bytes only whether there are any."""
    value = element.value
    if isinstance(value, bytes):
        return "bytes" if value.strip(b"\0 ") else ""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _place(element: Any) -> str:
    return f"({element.tag.group:04X},{element.tag.element:04X}) {element.keyword}".rstrip()
