"""The invented people of the demo: who they are, when they came, how ill they were, what was taken.

One latent number, the activity of the disease at a visit (0 = none, 1 = severe), moves scores, blood and
genes alike. How a study words all this is the business of adult.py, child.py and spreadsheet.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from typing import Literal

Group = Literal["cd", "uc", "ibdu", "non_ibd", "hc"]
DRUGS = ("ifx", "ada", "vedo", "aza", "steroids", "abx")
FIRST_DAY = date(2021, 1, 11)


@dataclass(frozen=True)
class Plan:
    """What a study is like.

    Attributes:
        study: its name.
        groups: participants per diagnosis.
        ages: youngest and oldest, in years.
        visits: fewest and most.
        days_between: days between two visits.
        person: template of a participant id, by `number` and `site`.
        sample: template of a sample id, by `number`, `kind` (S, B, T: stool, blood, tissue), `visit`.
    """

    study: str
    groups: dict[Group, int]
    ages: tuple[int, int]
    visits: tuple[int, int]
    days_between: int
    person: str
    sample: str


@dataclass(frozen=True)
class Visit:
    """One visit: height in cm, weight in kg, laboratory values in the units of the dictionary."""

    number: int
    day: date
    activity: float
    height: float
    weight: float
    crp: float
    esr: int
    calprotectin: int
    haemoglobin: int
    platelets: int
    albumin: int
    on: frozenset[str]


@dataclass(frozen=True)
class Sample:
    """One sample, its kind (stool, blood, biopsy), and the activity of the disease on that day."""

    id: str
    kind: str
    visit: int
    day: date
    activity: float


@dataclass(frozen=True)
class Person:
    """One participant; `location` … `extent` index the codes of a classification (None = other disease)."""

    id: str
    number: int
    group: Group
    male: bool
    age: float
    smoking: Literal["smoker", "ex_smoker", "never_smoker"]
    relative_ill: bool
    diagnosed: date | None
    location: int | None
    behaviour: int | None
    perianal: bool
    extent: int | None
    ever: frozenset[str]
    visits: tuple[Visit, ...]
    samples: tuple[Sample, ...]


def people(plan: Plan, seed: int) -> list[Person]:
    """Return the participants of a study, the same for the same seed."""
    chance = random.Random(f"{seed} {plan.study}")  # noqa: S311 - invented people need no secrecy
    groups = [group for group, size in plan.groups.items() for _ in range(size)]
    chance.shuffle(groups)
    return [_person(plan, number, group, chance) for number, group in enumerate(groups, 1)]


def _person(plan: Plan, number: int, group: Group, chance: random.Random) -> Person:
    ill = group in {"cd", "uc", "ibdu"}
    male, age = chance.random() < 0.5, round(chance.triangular(*plan.ages), 1)
    enrolled = FIRST_DAY + timedelta(days=chance.randrange(700))
    lasting = min(chance.expovariate(1 / 6), age - 2) if ill else 0.0  # years of disease before enrolment
    severity = chance.betavariate(2, 3) if ill else chance.uniform(0, 0.12)
    ever = frozenset(drug for drug in DRUGS[:4] if ill and chance.random() < 0.15 + 0.4 * severity)
    name = {"number": number, "site": chance.choice((11, 12, 17))}
    visits = tuple(_visits(plan, enrolled, severity, ever, _build(age, chance, male=male), chance))
    return Person(
        id=plan.person.format(**name),
        number=number,
        group=group,
        male=male,
        age=age,
        smoking=chance.choices(("smoker", "ex_smoker", "never_smoker"), (2, 3, 5))[0],
        relative_ill=chance.random() < (0.2 if ill else 0.05),
        diagnosed=enrolled - timedelta(days=int(lasting * 365.25)) if ill else None,
        location=chance.choices((0, 1, 2), (3, 3, 4))[0] if group == "cd" else None,
        behaviour=chance.choices((0, 1, 2), (6, 3, 1))[0] if group == "cd" else None,
        perianal=group == "cd" and chance.random() < 0.2,
        extent=chance.choices((0, 1, 2), (2, 4, 4))[0] if group == "uc" else None,
        ever=ever,
        visits=visits,
        samples=tuple(_samples(plan, number, visits, chance)),
    )


def _build(age: float, chance: random.Random, *, male: bool) -> tuple[float, float, float]:
    """Return height in cm, weight in kg and haemoglobin in g/L as they are without disease."""
    grown = min(age, 18) / 18
    height = (78 + 98 * grown if male else 78 + 86 * grown) + chance.gauss(0, 5)
    weight = (22.5 - 7 * (1 - grown)) * (height / 100) ** 2 * chance.uniform(0.85, 1.25)
    return height, weight, 148 if male else 134


def _visits(
    plan: Plan,
    enrolled: date,
    severity: float,
    ever: frozenset[str],
    build: tuple[float, float, float],
    chance: random.Random,
) -> Iterator[Visit]:
    height, weight, haemoglobin = build
    for number in range(1, chance.randint(*plan.visits) + 1):
        activity = min(1.0, max(0.0, chance.gauss(severity * 0.88 ** (number - 1), 0.08)))
        treated = {drug for drug in sorted(ever) if chance.random() < 0.7}
        treated |= {
            drug for drug, risk in (("steroids", 0.5), ("abx", 0.15)) if chance.random() < risk * activity
        }
        yield Visit(
            number=number,
            day=enrolled + timedelta(days=(number - 1) * plan.days_between + chance.randint(-5, 5)),
            activity=activity,
            height=round(height),
            weight=round(weight * (1 - 0.08 * activity) + chance.gauss(0, 0.6), 1),
            crp=round(exp(chance.gauss(0.2 + 3.2 * activity, 0.6)), 1),
            esr=round(4 + 40 * activity + abs(chance.gauss(0, 5))),
            calprotectin=round(exp(chance.gauss(3.4 + 4.2 * activity, 0.6))),
            haemoglobin=round(haemoglobin - 22 * activity + chance.gauss(0, 7)),
            platelets=round(250 + 160 * activity + chance.gauss(0, 35)),
            albumin=round(43 - 11 * activity + chance.gauss(0, 2)),
            on=frozenset(treated),
        )


def _samples(plan: Plan, number: int, visits: tuple[Visit, ...], chance: random.Random) -> Iterator[Sample]:
    """Yield stool at most visits, blood at the first, a biopsy from every third participant."""
    for visit in visits:
        first = visit.number == 1
        for kind, taken in (
            ("stool", chance.random() < 0.8),
            ("blood", first),
            ("biopsy", first and number % 3 == 0),
        ):
            if taken:
                letter = {"stool": "S", "blood": "B", "biopsy": "T"}[kind]
                name = plan.sample.format(number=number, kind=letter, visit=visit.number)
                yield Sample(name, kind, visit.number, visit.day, visit.activity)


def score(visit: Visit, most: float, step: float = 1) -> str:
    """Return an activity index that goes up to `most` in steps of `step`, as it would be typed."""
    return f"{round(visit.activity * most / step) * step:g}"
