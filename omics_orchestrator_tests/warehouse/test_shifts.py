"""A study whose numbers are in another unit than it says is told, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.findings import Finding
from omics_orchestrator.warehouse import conform

CRP = Variable(
    name="crp", entity="visit", domain="laboratory", type="censored", unit="mg/L", label="CRP",
    sensitivity="open",
)  # fmt: skip
SCORE = CRP.model_copy(update={"name": "hbi_total", "type": "integer", "unit": "{score}"})
NUMBER = CRP.model_copy(update={"name": "visit_number", "type": "integer", "unit": ""})
DICTIONARY = Dictionary({one.name: one for one in (CRP, SCORE, NUMBER)})


def visits(values: Sequence[float | None], name: str = "crp") -> pa.Table:
    kind = pa.float64() if name == "crp" else pa.int64()
    ids = [str(n) for n in range(len(values))]
    return pa.table({"participant_id": ids, "visit_id": ids, name: pa.array(values, kind)})


def found(**studies: pa.Table) -> list[Finding]:
    return [one for one in conform(DICTIONARY, "visit", studies).findings if one.check == "units"]


MG_L = [float(n) for n in range(1, 21)]


def test_a_study_in_another_unit_is_told_with_its_ratio_and_no_value() -> None:
    (finding,) = found(
        good=visits(MG_L), fine=visits([2.3 * one for one in MG_L]), bad=visits([one / 100 for one in MG_L])
    )
    assert (finding.subject, finding.severity, finding.count) == ("crp", "warning", 20)
    assert finding.message == (
        "bad: the median of crp is about 0.01 times that of the other studies; "
        "is the unit in its mapping right? (the dictionary's is mg/L)"
    )


@pytest.mark.parametrize(("factor", "told"), [(0.1, 1), (0.21, 0), (1, 0), (4.9, 0), (5.1, 1), (1000, 1)])
def test_only_a_ratio_beyond_five_is_told(factor: float, told: int) -> None:
    numbers = found(a=visits(MG_L), b=visits(MG_L), c=visits([one * factor for one in MG_L]))
    assert len(numbers) == told


def test_with_two_studies_both_are_named_because_neither_is_the_judge() -> None:
    first, second = found(a=visits(MG_L), b=visits([one * 10 for one in MG_L]))
    assert first.message.startswith("a: the median of crp is about 0.1 times")
    assert second.message.startswith("b: the median of crp is about 10 times")


def test_few_values_one_study_zeros_and_gaps_say_nothing() -> None:
    few = [one * 100 for one in MG_L[:9]]
    assert found(a=visits(MG_L), b=visits([*few, *[None] * 30])) == []
    assert found(a=visits(MG_L)) == []
    assert found(a=visits(MG_L), b=visits([0.0] * 20)) == []
    assert found(a=visits(MG_L), b=visits([None] * 20)) == []


def test_scores_and_plain_numbers_have_no_unit_to_be_wrong() -> None:
    few, many = [1.0] * 20, [100.0] * 20
    assert found(a=visits(few, "hbi_total"), b=visits(many, "hbi_total")) == []
    assert found(a=visits(few, "visit_number"), b=visits(many, "visit_number")) == []
