"""Who took a drug: what counts as taken, what as never, and that no small count can be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.dictionary import Variable
from omics_orchestrator.dictionary.drugs import Drug
from omics_orchestrator.steps.catalogue.coarse import Coarse
from omics_orchestrator.steps.catalogue.distribution import draw
from omics_orchestrator.steps.catalogue.exposure import NEVER, TAKEN, UNKNOWN, Answers, evidence_of, sorted_by

IFX = Drug.model_validate(
    {
        "ingredient": "infliximab",
        "class": "anti-TNF",
        "ever_taken": "ifx",
        "variables": "ifx; now_*; level; other=ifx",
    }
)
EVIDENCE = {"ifx": (), "now_ifx": (), "other": ("ifx",)}


def variable(name: str, kind: str, sensitivity: str = "open") -> Variable:
    given = {"name": name, "entity": "visit", "domain": "d", "type": kind, "sensitivity": sensitivity}
    return Variable.model_validate(given)


def answers(values: list[Any], people: list[int]) -> Answers:
    return Answers(np.array(people, np.int64), pa.chunked_array([pa.array(values)]))


def told(given: dict[str, Answers], number: int) -> list[str]:
    evidence = {name: codes for name, codes in EVIDENCE.items() if name in given}
    found = sorted_by(IFX, evidence, given, number)
    return [found.labels[place] for place in found.places]


def test_yes_and_codes_are_evidence_levels_and_closed_variables_are_not():
    variables = {
        "ifx": variable("ifx", "boolean"),
        "now_ifx": variable("now_ifx", "boolean"),
        "now_closed": variable("now_closed", "boolean", "restricted"),
        "level": variable("level", "censored"),
        "other": variable("other", "code"),
        "crp": variable("crp", "boolean"),
    }
    assert evidence_of(IFX, variables) == EVIDENCE


def test_any_yes_is_taken_and_only_the_no_of_ever_taken_is_never():
    given = {
        "ifx": answers([True, False, False, None, None, None], [0, 1, 2, 3, 4, 5]),
        "now_ifx": answers([False, True, False, False, None], [0, 2, 1, 3, 4]),
        "other": answers(["ifx", "ada", None], [5, 3, 0]),
    }
    assert told(given, 6) == [TAKEN, NEVER, TAKEN, UNKNOWN, UNKNOWN, TAKEN]


def test_where_nobody_asked_whether_it_was_ever_taken_nobody_is_told_never():
    given = {"now_ifx": answers([True, False, False], [0, 1, 1])}
    found = sorted_by(IFX, {"now_ifx": ()}, given, 3)
    assert found.labels == [TAKEN, UNKNOWN]
    assert told(given, 3) == [TAKEN, UNKNOWN, UNKNOWN]


def test_rows_of_people_whom_the_study_does_not_list_count_for_nobody():
    assert told({"ifx": answers([True, True], [-1, 1])}, 3) == [UNKNOWN, TAKEN, UNKNOWN]


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=120))
def test_no_small_count_is_drawn(values):
    found = sorted_by(IFX, {"ifx": ()}, {"ifx": answers([*values], list(range(len(values))))}, len(values))
    counts = draw(found, np.arange(len(values)), Coarse(), Coarse(), entity="participant", single=True)
    real = dict(zip((TAKEN, NEVER, UNKNOWN), (values.count(one) for one in (True, False, None)), strict=True))
    for cell in counts.cells:
        assert cell.rows is None or (real[cell.label] >= 5 and cell.rows % 5 == 0)
    assert counts.cells or counts.why_not
