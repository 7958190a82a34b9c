"""`demo_child` in its own words: a longitudinal REDCap project, letters for codes, metres, g/dL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omics_orchestrator.demo.cohort import Person, Plan, Visit, score
from omics_orchestrator.demo.faults import Fault
from omics_orchestrator.demo.redcap import Field, Project, Row, fields

PLAN = Plan(
    study="demo_child",
    groups={"cd": 54, "uc": 34, "ibdu": 8, "non_ibd": 24},
    ages=(5, 17),
    visits=(2, 4),
    days_between=91,
    person="DC{number:03d}",
    sample="DC{number:03d}-{kind}-{visit}",
)
EVENTS = ("baseline_arm_1", "month_3_arm_1", "month_6_arm_1", "month_9_arm_1")
GROUPS = {"cd": "CD", "uc": "UC", "ibdu": "IBDU", "non_ibd": "SYMP"}
KINDS = {"stool": "ST", "blood": "BL", "biopsy": "BX"}
Y_N = "y, Yes | n, No"
DAY = "%d/%m/%Y"
EVERY_TIME = ("clinic", "laboratory", "specimens")
FIELDS = [
    Field("child_id", "child_details"),
    Field("initials", "child_details", identifier=True),
    Field("birth_month", "child_details", identifier=True),
    *fields(
        "child_details",
        "age_years",
        gender="m, Boy | f, Girl",
        dx="CD, CD | UC, UC | IBDU, IBDU | SYMP, No IBD",
    ),
    *fields(
        "phenotype",
        "dx_date dx_age",
        paris_loc="1, L1 | 2, L2 | 3, L3 | 4, L4",
        paris_beh="1, B1 | 2, B2 | 3, B3 | 4, B2B3",
        paris_growth="0, G0 | 1, G1",
        paris_ext="1, E1 | 2, E2 | 3, E3 | 4, E4",
        perianal=Y_N,
    ),
    *fields(
        "clinic",
        "visit_date height_m weight_kg pcdai pucai",
        prednisolone=Y_N,
        infliximab=Y_N,
        antibiotics=Y_N,
    ),
    *fields("laboratory", "hb_gdl platelets crp_mgdl esr albumin_gdl calpro"),
    *fields("specimens", "specimen_id taken_on", material="ST, Stool | BL, Blood | BX, Biopsy"),
]


def project(cohort: Sequence[Person]) -> Project:
    """Return the REDCap project of these people."""
    once = ("child_details", "phenotype")
    events = {event: ((*once, *EVERY_TIME) if event == EVENTS[0] else EVERY_TIME) for event in EVENTS}
    rows = [row for person in cohort for row in _rows(person)]
    return Project("Demo: children with IBD", FIELDS, rows, frozenset({"specimens"}), events)


def plant(study: Project) -> list[Fault]:
    """Put a behaviour code that no list knows into the first child with Crohn's disease."""
    first = next(row for row in study.rows if row.values.get("paris_beh"))
    assert isinstance(first.values, dict)
    first.values["paris_beh"] = "9"
    return [Fault("unknown_code", PLAN.study, f"harmonised/{PLAN.study}/participant", "paris_cd_behaviour")]


def _rows(person: Person) -> Iterator[Row]:
    for visit in person.visits:
        event = EVENTS[visit.number - 1]
        once = _once(person) if visit.number == 1 else {}
        yield Row(person.id, once | _clinic(person, visit) | _laboratory(person, visit), event)
        samples = [sample for sample in person.samples if sample.visit == visit.number]
        for number, sample in enumerate(samples, 1):
            values = {
                "specimen_id": sample.id,
                "taken_on": sample.day.strftime(DAY),
                "material": KINDS[sample.kind],
            }
            yield Row(person.id, values, event, "specimens", number)


def _once(person: Person) -> dict[str, str]:
    details = {
        "initials": "ABCDEFGHKLMNPRST"[person.number % 16] + "Y",
        "birth_month": f"{person.visits[0].day.year - int(person.age)}-05",
        "age_years": f"{person.age:g}",
        "gender": "m" if person.male else "f",
        "dx": GROUPS[person.group],
    }
    if person.diagnosed is None:
        return details
    years = (person.visits[0].day - person.diagnosed).days / 365.25
    return details | {
        "dx_date": person.diagnosed.strftime(DAY),
        "dx_age": f"{person.age - years:.1f}",
        "paris_loc": _from_one(person.location),
        "paris_beh": _from_one(person.behaviour),
        "paris_growth": str(int(person.number % 6 == 0)) if person.location is not None else "",
        "paris_ext": _from_one(person.extent),
        "perianal": "" if person.location is None else _word(person.perianal),
    }


def _clinic(person: Person, visit: Visit) -> dict[str, str]:
    return {
        "visit_date": visit.day.strftime(DAY),
        "height_m": f"{visit.height / 100:.2f}",
        "weight_kg": f"{visit.weight:.1f}",
        "pcdai": score(visit, 80, 2.5) if person.group == "cd" else "",
        "pucai": score(visit, 75, 5) if person.group == "uc" else "",
        "prednisolone": _word("steroids" in visit.on),
        "infliximab": _word("ifx" in visit.on),
        "antibiotics": _word("abx" in visit.on),
    }


def _laboratory(person: Person, visit: Visit) -> dict[str, str]:
    if (person.number + visit.number) % 11 == 0:  # blood was not taken: the form was never opened
        return {}
    return {
        "hb_gdl": f"{visit.haemoglobin / 10:.1f}",
        "platelets": str(visit.platelets),
        "crp_mgdl": "<0.1" if visit.crp < 1 else f"{visit.crp / 10:.2f}",
        "esr": str(visit.esr),
        "albumin_gdl": f"{visit.albumin / 10:.1f}",
        "calpro": "not done" if (person.number + visit.number) % 7 == 0 else str(visit.calprotectin),
    }


def _from_one(index: int | None) -> str:
    return "" if index is None else str(index + 1)


def _word(yes: bool) -> str:  # noqa: FBT001 - its only argument
    return "y" if yes else "n"
