"""Units: spellings, conversions with published anchors, and everything that must be refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.dictionary import Units, load_dictionary
from omics_orchestrator.dictionary.ucum import Refused, resolve
from omics_orchestrator.dictionary.units import folded
from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.studies.example import write


@pytest.fixture(scope="module")
def units() -> Units:
    return load_dictionary(WORKING_COPY / "data_dictionary").units


# As laboratories and exports write it → UCUM. Plain UCUM parsers refuse most of these, or read another unit.
SPELLINGS = {
    "x10^9/L": "10*9/L", "10E9/L": "10*9/L", "Giga/L": "10*9/L", "10^9/L": "10*9/L", "G/L": "10*9/L",
    "K/uL": "10*3/uL", "thou/mm3": "10*3/uL", "x10^3/uL": "10*3/uL", "10^3/µL": "10*3/uL", "cells/uL": "/uL",
    "x10^12/L": "10*12/L", "Tera/L": "10*12/L",
    "mcg/g": "ug/g", "µg/g": "ug/g", "μg/g": "ug/g", "MCG/G": "ug/g", "UG/GRAM": "ug/g",
    "UG/GRAM OF STOOL": "ug/g", "MCG/GM": "ug/g", "MCG.GM": "ug/g", "MG/KG": "mg/kg",
    "mmHg": "mm[Hg]", "IU/mL": "[IU]/mL", "mm/hr": "mm/h", "mEq/L": "meq/L", "years": "a", "kg/m^2": "kg/m2",
    "kg/m²": "kg/m2", "lbs": "[lb_av]", "°C": "Cel", "ug FEU/mL": "ug{FEU}/mL",
    "mg/mmol creat": "mg/mmol{creat}", "mL/min/1.73m2": "mL/min/{1.73_m2}", "mL/min/1.73 m²": "mL/min/{1.73_m2}",
}  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_spellings_of_laboratories_are_read(units: Units, text: str) -> None:
    assert units.ucum(text) == SPELLINGS[text]
    assert units.conversion(text, SPELLINGS[text]).factor == 1


def test_calprotectin_means_one_thing_in_all_its_spellings(units: Units) -> None:
    for text in ("MCG/G", "UG/GRAM", "UG/GRAM OF STOOL", "MCG/GM", "MCG.GM", "MG/KG", "ug/g", "mg/kg"):
        assert units.conversion(text, "ug/g") == units.conversion("ug/g", "ug/g"), text


# value, unit, unit of the dictionary, substance, value there: published pairs
ANCHORS = [
    (1.0, "mg/dL", "umol/L", "creatinine", 88.4),
    (88.4, "umol/L", "mg/dL", "creatinine", 1.0),
    (17.1, "umol/L", "mg/dL", "bilirubin", 1.0),
    (5.55, "mmol/L", "mg/dL", "glucose", 100.0),
    (5.2, "mmol/L", "mg/dL", "cholesterol", 201.06),
    (50.0, "nmol/L", "ng/mL", "vitamin_d_25oh", 20.03),
    (8.7, "mmol/L", "g/dL", "haemoglobin", 14.02),
    (7.0, "%", "mmol/mol", "hba1c", 53.0),
    (48.0, "mmol/mol", "%", "hba1c", 6.542),
    (140.0, "mEq/L", "mmol/L", "sodium", 140.0),
    (1.0, "ug FEU/mL", "ug{DDU}/mL", "d_dimer", 0.5),
    (0.56, "mg/dL", "mg/L", "crp", 5.6),
    (13.5, "g/dL", "g/L", "haemoglobin", 135.0),
    (250.0, "K/uL", "10*9/L", "platelets", 250.0),
    (42.0, "%", "L/L", "haematocrit", 0.42),
    (50.0, "U/L", "nkat/L", "", 833.3),
    (98.6, "[degF]", "Cel", "", 37.0),
    (310.15, "K", "Cel", "", 37.0),
    (18.0, "mo", "a", "", 1.5),
    (2.0, "[IU]/mL", "[IU]/L", "", 2000.0),
    (5.0, "m[IU]/L", "[IU]/mL", "", 5e-6),
    (60.0, "mmHg", "kPa", "", 8.0),
]


@pytest.mark.parametrize(("value", "given_in", "unit", "substance", "expected"), ANCHORS)
def test_published_pairs(
    units: Units, value: float, given_in: str, unit: str, substance: str, expected: float
) -> None:
    conversion = units.conversion(given_in, unit, substance)
    assert value * conversion.factor + conversion.offset == pytest.approx(expected, rel=1e-3)


REFUSED = [
    ("[IU]/mL", "/uL", "", "[iU] is an arbitrary unit and converts only to itself"),
    ("[IU]/L", "[CFU]/L", "", "arbitrary unit"),
    ("[IU]/L", "{CFU}/L", "", "{CFU}"),
    ("[IU]/mL", "[arb'U]/mL", "", "arbitrary unit"),
    ("[IU]/mL", "mg/L", "crp", "arbitrary unit"),
    ("/[HPF]", "1", "", "[HPF] is an arbitrary unit"),
    ("mL/min", "mL/min/{1.73_m2}", "egfr", "only one of them says {1.73_m2}"),
    ("ug/g{wet}", "ug/g{dry}", "", "{dry}, {wet}"),
    ("mg/mmol creat", "mg/mmol", "", "{creat}"),
    ("ug FEU/mL", "ug{DDU}/mL", "", "{DDU}, {FEU}"),
    ("K/L", "10*9/L", "platelets", "they measure different things"),
    ("%", "mmol/mol", "", "a fraction of amounts"),
    ("%", "ug/g", "calprotectin", "a fraction of amounts"),
    ("mL/L", "mmol/mol", "", "a fraction of amounts"),
    ("%", "{score}", "", "{score}"),
    ("a", "d", "", "years and months have no fixed number of days"),
    ("d", "a", "age", "years and months have no fixed number of days"),
    ("mo", "wk", "", "years and months have no fixed number of days"),
    ("mEq/L", "mmol/L", "calcium", "equivalents depend on the charge"),
    ("mmol/L", "mg/L", "crp", "does not stand in molar_masses.csv"),
    ("ng/mL", "ug/g", "calprotectin", "they measure different things"),
    ("g/L", "10*9/L", "", "they measure different things"),
    ("B[W]", "W", "", "a logarithm"),
]


@pytest.mark.parametrize(("given_in", "unit", "substance", "reason"), REFUSED)
def test_what_must_not_convert(units: Units, given_in: str, unit: str, substance: str, reason: str) -> None:
    with pytest.raises(ValueError, match="cannot convert") as raised:
        units.conversion(given_in, unit, substance)
    what, _, allowed = str(raised.value).partition("; ")
    assert reason in what
    assert allowed.startswith(f"it may be given in {unit}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mg/dll", "'dll' is not a unit"),
        ("mg/dll", "did you mean 'mg/dl'?"),
        ("mg//L", "'mg//L' is not a unit"),
        ("(mg)/L", "did you mean 'mg/L'?"),
        ("", "'' is not a unit"),
        ("[pH]", "is not a unit"),
        ("mg L", "is not a unit"),
        ("{", "is not a unit"),
        ("mg/L/", "is not a unit"),
        ("100.mg/L", "is not a unit"),
        ("mg/1.73.L", "is not a unit"),
    ],
)
def test_an_unknown_unit_is_told_with_a_suggestion(units: Units, text: str, says: str) -> None:
    with pytest.raises(ValueError, match="cannot convert") as raised:
        units.conversion(text, "mg/L")
    assert says in str(raised.value)


@pytest.mark.parametrize("text", ["10*400", "10*-400"])
def test_a_unit_beyond_all_numbers_is_refused_in_words(units: Units, text: str) -> None:
    with pytest.raises(
        ValueError, match="no number of the one can be written in the other; it may be given in 1"
    ):
        units.conversion(text, "1")


@pytest.mark.parametrize("text", ["", "kg^99999999", "\N{SNOWMAN}", "(((("])
def test_a_unit_like_no_other_is_told_what_is_allowed(units: Units, text: str) -> None:
    with pytest.raises(ValueError, match="is not a unit that is known; it may be given in mg/L, "):
        units.conversion(text, "mg/L")


def test_a_variable_without_a_unit_takes_none(units: Units) -> None:
    with pytest.raises(ValueError, match="the variable has no unit; leave `unit` out"):
        units.conversion("mg/L", "")


CONVERTIBLE = [
    ("mg/dL", "umol/L", "creatinine"), ("mmol/L", "mg/dL", "glucose"), ("%", "mmol/mol", "hba1c"),
    ("mg/dL", "g/L", ""), ("[degF]", "Cel", ""), ("10*3/uL", "/L", ""), ("[lb_av]", "kg", ""), ("d", "wk", ""),
    ("mo", "a", ""), ("U/L", "nkat/L", ""), ("ug/g", "mg/g", ""), ("[IU]/mL", "m[IU]/L", ""), ("h", "wk", ""),
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CONVERTIBLE), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same_number(units: Units, pair: tuple[str, str, str], value: float) -> None:
    left, right, substance = pair
    there, back = units.conversion(left, right, substance), units.conversion(right, left, substance)
    found = (value * there.factor + there.offset) * back.factor + back.offset
    assert found == pytest.approx(value, rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["g", "mol", "L", "m", "U"]),
    st.sampled_from(["n", "u", "m", "d", "c", "k"]),
    st.integers(-3, 3),
)
def test_prefixes_are_powers_of_ten_without_noise(unit: str, prefix: str, power: int) -> None:
    exponent = {"n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3}[prefix]
    given_in = f"10*{power}.{prefix}{unit}" if power else f"{prefix}{unit}"
    assert resolve(given_in, unit).factor == float(f"1e{exponent + power}")


def test_every_conversion_of_the_table_agrees_with_ucum(units: Units) -> None:
    """What is fixed by hand for speed is no other truth; the rest of the table is what UCUM cannot know."""
    by_hand = set()
    for (given_in, unit, substance), conversion in units.fixed.items():
        try:
            found = resolve(given_in, unit)
        except Refused:
            by_hand.add((given_in, unit, substance))
        else:
            assert found.factor == pytest.approx(conversion.factor, rel=1e-15), (given_in, unit)
            assert found.offset == conversion.offset == 0
    assert by_hand == {
        ("1", "{score}", ""),
        ("1", "{count}", ""),
        ("/d", "{count}/d", ""),
        ("%", "L/L", ""),  # haematocrit: a percentage is one of volumes there
        ("meq/L", "mmol/L", "sodium"),
        ("meq/L", "mmol/L", "potassium"),
        ("%", "mmol/mol", "hba1c"),
        ("ug{FEU}/mL", "ug{DDU}/mL", "d_dimer"),
    }


def test_every_unit_and_spelling_of_the_table_is_ucum(units: Units) -> None:
    for unit in {*units.canonical, *units.aliases.values()}:
        if unit not in {"{score}", "{count}"}:
            assert resolve(unit, unit).factor == 1, unit
    assert units.ucum("K/uL") == "10*3/uL"  # and never kelvin


WEIGHTS = {"C": 12.011, "H": 1.008, "N": 14.007, "O": 15.999}


@pytest.mark.parametrize(
    ("substance", "formula"),
    [
        ("creatinine", {"C": 4, "H": 7, "N": 3, "O": 1}),
        ("bilirubin", {"C": 33, "H": 36, "N": 4, "O": 6}),
        ("glucose", {"C": 6, "H": 12, "O": 6}),
        ("cholesterol", {"C": 27, "H": 46, "O": 1}),
        ("vitamin_d_25oh", {"C": 27, "H": 44, "O": 2}),
    ],
)
def test_molar_masses_follow_from_their_formulas(
    units: Units, substance: str, formula: dict[str, int]
) -> None:
    assert units.masses[substance] == pytest.approx(sum(WEIGHTS[e] * n for e, n in formula.items()), abs=0.02)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10^9/L", "10*9/L"),
        (" x10**3/µL", "10*3/uL"),
        ("×10⁹/L", "10*9/L"),
        ("kg/m²", "kg/m2"),
        ("mg/L", "mg/L"),
    ],
)
def test_folding_changes_only_how_a_unit_is_written(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_an_alias_of_an_alias_and_the_way_back(tmp_path: Path) -> None:
    units = load_dictionary(write(tmp_path)).units
    assert units.conversion("mg/dl", "mg/L").factor == 10
    assert units.conversion("mg/L", "mg/dl").factor == 0.1
    assert units.spellings("mg/L") == ["mg/L", "mg/dL", "mg/dl", "mg/l"]
    assert units.conversion("mg/dL", "mg/L").rule == "units.csv: mg/dL × 10 = mg/L"
    assert units.conversion("umol/L", "mg/L", "creatinine").rule == "UCUM, 113.12 g/mol"


def test_mistakes_of_molar_masses_are_told(tmp_path: Path) -> None:
    for old, new, says in [
        ("113.12", "-1", "g_per_mol must be a number above 0"),
        ("113.12", "much", "g_per_mol must be a number above 0"),
        ("C4H7N3O", "C4H7N3O\ncreatinine,1,x", "the substance is given twice"),
        ("C4H7N3O", "", "the cell 'source' is empty"),
    ]:
        with pytest.raises(DeclarationError, match=says):
            load_dictionary(write(tmp_path / says[:9] / new[:2], molar_masses=(old, new)))


def test_a_dictionary_is_read_without_loading_pint() -> None:
    code = (
        "import sys, pathlib; from omics_orchestrator.dictionary import load_dictionary; "
        "units = load_dictionary(pathlib.Path('data_dictionary')).units; "
        "units.conversion('mg/dL', 'mg/L'); units.conversion('K/uL', '10*9/L'); "
        "raise SystemExit('pint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=WORKING_COPY, check=False).returncode == 0
