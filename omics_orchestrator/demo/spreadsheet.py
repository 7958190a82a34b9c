"""`demo_registry` in its own words: a German workbook and yearly CSV files in Latin-1 with decimal commas."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence

from omics_orchestrator.demo.cohort import FIRST_DAY, Person, Plan, Visit, score
from omics_orchestrator.demo.faults import Fault

PLAN = Plan(
    study="demo_registry",
    groups={"cd": 44, "uc": 44, "ibdu": 4, "hc": 28},
    ages=(18, 80),
    visits=(1, 3),
    days_between=180,
    person="R/2021/{number:04d}",
    sample="R{number:04d}{kind}{visit}",
)
GROUPS = {"cd": "Morbus Crohn", "uc": "Colitis ulcerosa", "ibdu": "unklassifiziert", "hc": "gesund"}
SMOKING = {"smoker": "raucht", "ex_smoker": "früher", "never_smoker": "nie"}
KINDS = {"stool": "Stuhl", "blood": "Blut", "biopsy": "Biopsie"}
LOCATION = ("Ileum", "Kolon", "Ileokolon")
BEHAVIOUR = ("entzündlich", "Stenose", "Fistel")
EXTENT = ("Proktitis", "linksseitig", "ausgedehnt")
DAY = "%d.%m.%Y"
PATIENT = (
    "PatNr", "Name", "Geschlecht", "Alter", "Diagnose", "Diagnosejahr", "Rauchen", "Befall", "Verhalten",
    "Perianal", "Ausdehnung",
)  # fmt: skip
VISIT = ("PatNr", "Besuch", "Datum", "Größe (cm)", "Gewicht (kg)", "HBI", "SCCAI", "Kortison", "Infliximab")
LABORATORY = ("PatNr", "Besuch", "Hämoglobin", "Thrombozyten", "CRP", "Albumin", "Calprotectin")
SAMPLE = ("PatNr", "ProbenNr", "Besuch", "Material", "Entnahme")
WRITTEN = (FIRST_DAY.year, 1, 1, 0, 0, 0)  # of every part of a workbook: the same bytes for the same people

Table = list[Sequence[object]]


def files(cohort: Sequence[Person]) -> tuple[dict[str, bytes], list[Fault]]:
    """Return file name → content, and the fault: one patient is entered twice, once as of the other sex."""
    patients: Table = [_patient(person) for person in cohort]
    twice = list(patients[5])
    twice[2] = "w" if twice[2] == "m" else "m"
    patients.append(twice)
    visits: Table = [_visit(person, visit) for person in cohort for visit in person.visits]
    content = {"registry.xlsx": _workbook({"Patienten": [PATIENT, *patients], "Besuche": [VISIT, *visits]})}
    years: dict[int, Table] = {}
    for person in cohort:
        for visit in person.visits:
            years.setdefault(visit.day.year, [LABORATORY]).append(_laboratory(person, visit))
    content |= {f"labor_{year}.csv": _csv(rows) for year, rows in sorted(years.items())}
    samples = [(p.id, s.id, s.visit, KINDS[s.kind], s.day.strftime(DAY)) for p in cohort for s in p.samples]
    content["proben.csv"] = _csv([SAMPLE, *samples])
    return content, [Fault("duplicate_id", PLAN.study, f"harmonised/{PLAN.study}/participant", "sex")]


def _patient(person: Person) -> Sequence[object]:
    crohn = person.location is not None
    return (
        person.id,
        f"Patient {person.number}",
        "m" if person.male else "w",
        int(person.age),
        GROUPS[person.group],
        person.diagnosed.year if person.diagnosed else "",
        SMOKING[person.smoking],
        _word(LOCATION, person.location),
        _word(BEHAVIOUR, person.behaviour),
        ("ja" if person.perianal else "nein") if crohn else "",
        _word(EXTENT, person.extent),
    )


def _visit(person: Person, visit: Visit) -> Sequence[object]:
    return (
        person.id,
        visit.number,
        visit.day,
        visit.height,
        visit.weight,
        int(score(visit, 16)) if person.group == "cd" else "",
        int(score(visit, 15)) if person.group == "uc" else "",
        "ja" if "steroids" in visit.on else "nein",
        "ja" if "ifx" in visit.on else "nein",
    )


def _laboratory(person: Person, visit: Visit) -> Sequence[object]:
    calprotectin = "n.b." if (person.number + visit.number) % 8 == 0 else visit.calprotectin
    values = (
        f"{visit.haemoglobin / 10:.1f}",
        visit.platelets,
        f"{visit.crp:.1f}",
        f"{visit.albumin:.1f}",
        calprotectin,
    )
    return (
        person.id,
        visit.number,
        *(str(value).replace(".", ",") if value != "n.b." else value for value in values),
    )


def _word(words: Sequence[str], index: int | None) -> str:
    return "" if index is None else words[index]


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("latin-1")


def _workbook(sheets: dict[str, Table]) -> bytes:
    """Return an .xlsx with a title above each table; openpyxl's time stamps are replaced by `WRITTEN`."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append([f"Demo-Register: {name}"])
        sheet.append([])
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row])
    written, stable = io.BytesIO(), io.BytesIO()
    book.save(written)
    stamp = rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>"
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(stable, "w") as new:
        for part in old.namelist():
            entry = zipfile.ZipInfo(part, WRITTEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, re.sub(stamp, b"", old.read(part)))
    return stable.getvalue()
