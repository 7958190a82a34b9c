"""Looks for direct identifiers in what file headers say: names, dates of birth, e-mail, national numbers.

Detectors: ../identifiers.py; here, what headers say in forms that no clinical column has (`Doe^Jane`, entries of
DICOM by name). Which entries a header has is known by the formats beside this module. Names of files: file_names.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from omics_orchestrator.formats.file_names import file_name_scan, within_text

__all__ = ["MOST", "file_name_scan", "suspicious"]

MOST = 20  # places that are named
LONGEST = 4096  # characters of one entry that are looked at
PEOPLE, NUMBERS, BIRTH, WHERE = (
    "names of people",
    "numbers of a person",
    "dates of birth",
    "where a person lives or is reached",
)
OF_PEOPLE = (
    "PatientName OtherPatientNames PatientBirthName PatientMotherBirthName ResponsiblePerson "
    "ReferringPhysicianName PerformingPhysicianName OperatorsName PhysiciansOfRecord NameOfPhysiciansReadingStudy "
    "RequestingPhysician ConsultingPhysicianName PersonName VerifyingObserverName ContentCreatorName "
    "ScheduledPerformingPhysicianName author creator lastModifiedBy manager LastAuthor Artist"
)
OF_BIRTH = "PatientBirthDate PatientBirthDateInAlternativeCalendar"
OF_PLACES = (
    "PatientAddress PatientTelephoneNumbers PatientTelecomInformation CountryOfResidence RegionOfResidence "
    "ReferringPhysicianAddress ReferringPhysicianTelephoneNumbers CurrentPatientLocation"
)
OF_NUMBERS = (
    "PatientID OtherPatientIDs AccessionNumber AdmissionID MedicalRecordLocator InsurancePlanIdentification"
)
TELLING: dict[str, str] = {
    **dict.fromkeys(OF_PEOPLE.split(), PEOPLE),
    **dict.fromkeys(OF_BIRTH.split(), BIRTH),
    **dict.fromkeys(OF_PLACES.split(), WHERE),
}
NUMBERED = dict.fromkeys(
    OF_NUMBERS.split(), NUMBERS
)  # elsewhere than at a DICOM tag, codes are called so too
TAG = re.compile(r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)")
DUMMY = re.compile(
    r"(?i)(?:anon(?:ymous|ymi[sz]ed|ymi[sz]e)?|de-?identified|removed|redacted|masked|unknown|unspecified|none|null|nil|n"
    r"|na|n/a|a|test|testing|dummy|phantom|example|patient|participant|subject|physician|doctor|person|operator|name|"
    r"id|no|not|available|given|user|admin|administrator|office|microsoft|windows|openpyxl|xlsxwriter|python-docx|"
    r"apache|poi|libreoffice|google|sheets|docs|excel|word|r|x+|0+|[^\w]+|1[78]\d\d-?\d\d-?\d\d|1900-?01-?01)"
)


def suspicious(entries: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return the places whose entry seems to hold a direct identifier, at most 20, and how many more.

    Entries that a file format reserves for people (`PatientName`, `lastModifiedBy`) count when they are filled with
    anything but a known dummy; the numbers of a person (`PatientID`) only where the place bears a DICOM tag.

    Args:
        entries: (place, what the entry is called there, its text): (`DICOM (0010,0010)`, `PatientName`, …).
            The name counts as a column's name does: `PatientBirthDate` with a date is a date of birth.
    """
    from omics_orchestrator.identifiers import hints

    found = []
    for place, called, text in entries:
        text = text[:LONGEST].strip(" \t\r\n\0")
        if not text:
            continue
        says = TELLING.get(called) or (NUMBERED.get(called) if TAG.search(place) else None)
        if says:
            found += [] if is_dummy(text) else [f"{place}: {says}"]
            continue
        told = _as_cell(called, text.replace("^", " ").strip()) if called and hints(called) else []
        found += [f"{place}: {says}" for says in told or within_text(text)]
    more = (f"{len(found) - MOST} more",) if len(found) > MOST else ()
    return (*found[:MOST], *more)


def _as_cell(called: str, text: str) -> list[str]:
    """Return what a column of that name with this one cell would hold of a person."""
    import pyarrow as pa

    from omics_orchestrator.identifiers import detect

    cell = pa.table({called: pa.array([text], pa.string())})
    return [one.reason.partition(":")[0] for one in detect(cell)]


def is_dummy(text: str) -> bool:
    """Tell whether a text is what programs and de-identification put where a person would stand (`Anon^Patient`)."""
    return all(DUMMY.fullmatch(word) for word in re.split(r"[\s^=,;_\\]+", text.strip()) if word)
