"""The invented people are plausible: one activity moves everything, and diseases keep to their fields."""

from __future__ import annotations

import numpy as np
import pytest

from omics_orchestrator.demo import adult, child, spreadsheet
from omics_orchestrator.demo.cohort import Person, people, score

PLANS = {plan.study: plan for plan in (adult.PLAN, child.PLAN, spreadsheet.PLAN)}


@pytest.fixture(params=sorted(PLANS))
def cohort(request) -> list[Person]:
    return people(PLANS[request.param], 1)


def test_ids_are_unique(cohort):
    assert len({person.id for person in cohort}) == len(cohort) == 120
    samples = [sample.id for person in cohort for sample in person.samples]
    assert len(set(samples)) == len(samples)


def test_activity_moves_blood_and_stool(cohort):
    visits = [visit for person in cohort for visit in person.visits]
    activity = [visit.activity for visit in visits]
    for name, sign in (
        ("crp", 1),
        ("calprotectin", 1),
        ("platelets", 1),
        ("haemoglobin", -1),
        ("albumin", -1),
    ):
        ranks = np.array(
            [np.argsort(np.argsort(values)) for values in (activity, [getattr(v, name) for v in visits])]
        )
        assert sign * np.corrcoef(ranks.astype(float))[0, 1] > 0.35, name


def test_a_disease_keeps_to_its_fields(cohort):
    for person in cohort:
        assert (person.location is None) == (person.behaviour is None) == (person.group != "cd")
        assert (person.extent is None) == (person.group != "uc")
        assert (person.diagnosed is None) == (person.group in {"non_ibd", "hc"})
        assert person.diagnosed is None or person.diagnosed <= person.visits[0].day


def test_visits_and_samples_are_in_order(cohort):
    for person in cohort:
        assert [visit.number for visit in person.visits] == list(range(1, len(person.visits) + 1))
        days = [visit.day for visit in person.visits]
        assert days == sorted(days)
        assert all(sample.day == days[sample.visit - 1] for sample in person.samples)


@pytest.mark.parametrize(
    ("most", "step", "written"), [(16, 1, "8"), (80, 2.5, "40"), (75, 5, "40"), (5, 2.5, "2.5")]
)
def test_scores_go_in_steps(cohort, most, step, written):
    visit = cohort[0].visits[0]
    assert score(type(visit)(**{**vars(visit), "activity": 0.5}), most, step) == written
