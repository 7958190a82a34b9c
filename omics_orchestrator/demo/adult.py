"""`demo_adult` in its own words: a classic REDCap project, codes from 0 or 1, two repeating forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from omics_orchestrator.demo.cohort import Person, Plan, Visit, score
from omics_orchestrator.demo.faults import Fault
from omics_orchestrator.demo.redcap import Field, Project, Row, fields

PLAN = Plan(
    study="demo_adult",
    groups={"cd": 46, "uc": 38, "ibdu": 6, "non_ibd": 12, "hc": 18},
    ages=(18, 78),
    visits=(1, 4),
    days_between=120,
    person="DA-{site}-{number:03d}",
    sample="DA{number:03d}{kind}{visit}",
)
GROUPS = {"cd": "1", "uc": "2", "ibdu": "3", "non_ibd": "4", "hc": "6"}
SMOKING = {"never_smoker": "0", "smoker": "1", "ex_smoker": "2"}
KINDS = {"stool": "1", "blood": "2", "biopsy": "3"}
YES_NO = "1, Yes | 2, No"
ONE_ZERO = "1, Yes | 0, No"
FIELDS = [
    Field("study_id", "enrolment"),
    Field("initials", "enrolment", identifier=True),
    Field("dob", "enrolment", identifier=True),
    Field("email", "enrolment", identifier=True),
    *fields(
        "enrolment",
        "age",
        study_group_name="1, CD | 2, UC | 3, IBDU | 4, Non-IBD | 5, Await Dx | 6, HC",
        sex="1, Male | 2, Female",
        smoking="0, Never | 1, Current | 2, Ex-smoker",
    ),
    Field("relative_with_ibd", "enrolment", "yesno"),
    *fields(
        "diagnosis",
        "date_of_diagnosis diagnosis_age",
        mont_cd_loc="0, L1 | 1, L2 | 2, L3",
        mont_cd_beh="0, B1 | 1, B2 | 2, B3",
        mont_perianal=YES_NO,
        mont_uc_extent="0, E1 | 1, E2 | 2, E3",
        ifx=YES_NO,
        ada=ONE_ZERO,
        vedo=ONE_ZERO,
        aza=YES_NO,
    ),
    Field("eims", "diagnosis", "checkbox", "1, Joint pain | 2, Erythema nodosum | 3, Uveitis"),
    *fields(
        "sampling",
        "sampling_date bmi_height bmi_weight",
        setting="1, Endoscopy | 2, Outpatient | 3, Inpatient",
    ),
    Field("bmi", "sampling", "calc", "round([bmi_weight]/(([bmi_height]/100)^2),1)"),
    *fields(
        "sampling",
        "hbi sccai hb plt_lab crp albumin calprotectin",
        steroids=YES_NO,
        ifx_now=ONE_ZERO,
        ada_now=ONE_ZERO,
        antibiotics=ONE_ZERO,
    ),
    Field("comment", "sampling", "notes"),
    *fields("samples", "sample_code sample_date taken_at", sample_type="1, Stool | 2, Blood | 3, Biopsy"),
]


def project(cohort: Sequence[Person]) -> Project:
    """Return the REDCap project of these people."""
    rows = [row for person in cohort for row in _rows(person)]
    return Project("Demo: adults with IBD", FIELDS, rows, frozenset({"sampling", "samples"}))


def plant(study: Project) -> list[Fault]:
    """Put a CRP of 4200 mg/L into the first sampling."""
    first = next(row for row in study.rows if row.form == "sampling")
    assert isinstance(first.values, dict)
    first.values["crp"] = "4200"
    return [Fault("out_of_bounds", PLAN.study, f"harmonised/{PLAN.study}/visit", "crp")]


def _rows(person: Person) -> Iterator[Row]:
    yield Row(person.id, _base(person))
    for visit in person.visits:
        yield Row(person.id, _sampling(person, visit), form="sampling", instance=visit.number)
    for number, sample in enumerate(person.samples, 1):
        values = {
            "sample_code": sample.id,
            "sample_type": KINDS[sample.kind],
            "sample_date": sample.day.isoformat(),
            "taken_at": f"sampling#{sample.visit}",
        }
        yield Row(person.id, values, form="samples", instance=number)


def _base(person: Person) -> dict[str, str]:
    base = {
        "initials": "ABCDEFGHKLMNPRST"[person.number % 16] + "X",
        "dob": f"{person.visits[0].day.year - int(person.age)}-07-01",
        "email": f"person{person.number}@example.org",
        "age": str(int(person.age)),
        "study_group_name": GROUPS[person.group],
        "sex": "1" if person.male else "2",
        "smoking": SMOKING[person.smoking],
        "relative_with_ibd": str(int(person.relative_ill)),
    }
    return base | _diagnosis(person) if person.diagnosed else base


def _diagnosis(person: Person) -> dict[str, str]:
    assert person.diagnosed is not None
    years = (person.visits[0].day - person.diagnosed).days / 365.25
    return {
        "date_of_diagnosis": _remembered(person.diagnosed, person.number),
        "diagnosis_age": str(int(person.age - years)),
        "mont_cd_loc": _code(person.location),
        "mont_cd_beh": _code(person.behaviour),
        "mont_perianal": "" if person.location is None else "1" if person.perianal else "2",
        "mont_uc_extent": _code(person.extent),
        "ifx": "1" if "ifx" in person.ever else "2",
        "ada": str(int("ada" in person.ever)),
        "vedo": str(int("vedo" in person.ever)),
        "aza": "1" if "aza" in person.ever else "2",
        "eims": " ".join(
            code for code, every in (("1", 5), ("2", 11), ("3", 17)) if person.number % every == 0
        ),
    }


def _sampling(person: Person, visit: Visit) -> dict[str, str]:
    return {
        "sampling_date": visit.day.isoformat(),
        "setting": "3" if visit.activity > 0.75 else "1" if visit.number == 1 else "2",
        "bmi_height": f"{visit.height:g}",
        "bmi_weight": f"{visit.weight:.1f}",
        "bmi": f"{visit.weight / (visit.height / 100) ** 2:.1f}",
        "hbi": score(visit, 16) if person.group == "cd" else "",
        "sccai": score(visit, 15) if person.group == "uc" else "",
        "hb": str(visit.haemoglobin),
        "plt_lab": str(visit.platelets),
        "crp": "<1" if visit.crp < 1 else f"{visit.crp:g}",
        "albumin": str(visit.albumin),
        "calprotectin": _calprotectin(visit, person.number),
        "steroids": "1" if "steroids" in visit.on else "2",
        "ifx_now": str(int("ifx" in visit.on)),
        "ada_now": str(int("ada" in visit.on)),
        "antibiotics": str(int("abx" in visit.on)),
        "comment": "Seen in clinic,\nno change" if (person.number + visit.number) % 9 == 0 else "",
    }


def _calprotectin(visit: Visit, number: int) -> str:
    if (number + visit.number) % 13 == 0:
        return "no sample"
    return (
        "<20"
        if visit.calprotectin < 20
        else ">1800"
        if visit.calprotectin > 1800
        else str(visit.calprotectin)
    )


def _remembered(day: date, number: int) -> str:
    """Return a date as precisely as it is remembered: mostly the day, else the month or the year."""
    return day.strftime({0: "%Y", 1: "%Y-%m"}.get(number % 7, "%Y-%m-%d"))


def _code(index: int | None) -> str:
    return "" if index is None else str(index)
