"""Units as they are printed."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.unit_print import in_print


@pytest.mark.parametrize(
    ("unit", "printed"),
    [
        ("ug/g", "µg/g"),
        ("10*9/L", "10⁹/L"),
        ("kg/m2", "kg/m²"),
        ("{score}", "score"),
        ("a", "years"),
        ("", ""),
    ]
    + [("umol/L", "µmol/L"), ("mmol/L", "mmol/L"), ("10*-3", "10⁻³"), ("[IU]/L", "IU/L"), ("%", "%")],
)
def test_units_in_print(unit, printed):
    assert in_print(unit) == printed


def test_no_unit_of_the_dictionary_keeps_the_signs_of_ucum():
    units = {one.unit for one in load_dictionary(WORKING_COPY / "data_dictionary").variables.values()}
    assert len(units) > 10
    assert [unit for unit in units if set("*{}[]") & set(in_print(unit))] == []
