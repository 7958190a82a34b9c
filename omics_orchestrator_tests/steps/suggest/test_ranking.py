"""What comes first and why; what is never suggested: another dimension, dates, identifiers, rejected pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.dictionary.synonyms import Synonyms
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.fit import Fits, unit_in
from omics_orchestrator.steps.suggest.ranking import MEANT, Candidate, Ranking
from omics_orchestrator.steps.suggest.synonyms import Synonym
from omics_orchestrator.steps.suggest.word_vectors import WordVectors
from omics_orchestrator_tests.steps.suggest.vectors import written

CRP = Described("lab", "crp_res", "C-reactive protein (mg/dL)", "number")
SEX = Described("base", "gender", "Boy or girl?", "choice", {"m": "Male", "f": "Female"})


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load_dictionary(WORKING_COPY / "data_dictionary")


@pytest.fixture(scope="module")
def ranking(dictionary) -> Ranking:
    return Ranking(dictionary)


def column(about: Described, **rest: object) -> SourceColumn:
    return replace(SourceColumn("redcap", about), **rest)  # type: ignore[arg-type]


def best(ranking: Ranking, one: SourceColumn, top: int = 40) -> dict[str, Candidate]:
    return {found.variable: found for found in ranking.of([one], top)[0]}


def test_words_and_units_say_why(ranking, dictionary):
    found = best(ranking, column(CRP, unit=unit_in(CRP.label, dictionary.units)))
    first = next(iter(found.values()))
    assert first.variable == "crp"
    assert "unit mg/dL becomes mg/L" in first.why
    assert any(why.startswith("words ") and "protein" in why for why in first.why)


def test_another_dimension_is_a_veto(ranking):
    for unit, kept in (("mg/L", True), ("mmol/L", False), ("a", False)):
        assert ("crp" in best(ranking, column(CRP, unit=unit))) is kept


def test_a_date_is_only_a_date(ranking, dictionary):
    types = dictionary.variables
    about = Described("base", "date_of_diagnosis", "Date of diagnosis", "date")
    assert {types[name].type for name in best(ranking, column(about))} == {"date", "partial_date"}
    number = replace(about, kind="choice")
    assert not {types[name].type for name in best(ranking, column(number))} & {"date", "partial_date"}
    year = best(ranking, column(replace(about, kind="number")))
    assert "date_of_diagnosis" in year  # a year is a date known in part
    assert "date_of_diagnosis" in best(ranking, column(replace(about, kind="text")))


def test_direct_identifiers_are_never_suggested(ranking):
    assert ranking.of([column(CRP, identifying="name"), column(CRP)], 1)[0] == []


def test_codes_find_what_words_do_not(ranking):
    found = best(ranking, column(replace(SEX, name="zz", label="Zz")))
    first = next(iter(found.values()))
    assert (first.variable, dict(first.codes.map)) == ("sex", {"m": "male", "f": "female"})
    assert "2 of 2 codes by their labels" in first.why


def test_words_of_cells_count_and_are_not_told(ranking):
    one = column(Described("base", "zz", "", "choice"), words=frozenset({"Male", "Female"}))
    first = ranking.of([one], 1)[0][0]
    assert first.variable == "sex"
    assert "Male" not in repr(first)


def test_other_studies_are_synonyms(dictionary):
    one = column(Described("base", "befund_x", "Entzündungswert"))
    assert "crp" not in best(Ranking(dictionary), one, 3)
    taught = Ranking(dictionary, [Synonym("north", "crp", "befund_x", "Entzündungswert")])
    first = taught.of([one], 1)[0][0]
    assert first.variable == "crp"
    assert "so in north" in first.why


def test_terms_may_be_said_otherwise(dictionary):
    one = column(Described("base", "x", "Packed cell volume"))
    terms = [Synonyms(("haematocrit", "Hct", "packed cell volume"), ())]
    assert Ranking(dictionary, terms=terms).of([one], 1)[0][0].variable == "haematocrit"
    assert Ranking(dictionary).of([one], 1)[0][0].variable != "haematocrit"


def test_codes_that_many_variables_have_say_next_to_nothing(dictionary):
    fits, variables = Fits(dictionary), dictionary.variables
    asked = column(Described("base", "zz", "Zz", "yes_no", {"1": "Yes", "0": "No", "9": "Unknown"}))
    rare = fits.of(column(SEX), variables["sex"])
    common = fits.of(asked, variables["sampling_ifx"])
    assert rare is not None
    assert common is not None
    assert 0 < common.bonus < rare.bonus / 5
    assert common.codes.missing == {"9": "unknown"}


def test_rejected_pairs_are_not_proposed_again(ranking):
    one = column(CRP)
    assert ranking.of([one], 1)[0][0].variable == "crp"
    found = ranking.of([one], 40, {(one.reference, "crp")})[0]
    assert "crp" not in {candidate.variable for candidate in found}
    other = ranking.of([column(CRP, source="other")], 1, {(one.reference, "crp")})[0]
    assert other[0].variable == "crp"


def test_what_the_mapping_tells_changes_the_order(dictionary):
    one = column(Described("base", "height", "Height", "number"))
    taught = [Synonym("north", "baseline_height", "height", "Height")]
    plain = Ranking(dictionary, taught).of([one], 2)[0]
    assert plain[0].variable == "height"
    expected = Ranking(dictionary, taught, entities={"redcap.base": {"participant"}}).of([one], 2)[0]
    assert expected[0].variable == "baseline_height"
    made = Ranking(dictionary, taught, taken={"height"}).of([one], 1)[0][0]
    assert made.score < plain[0].score


def test_meanings_find_what_letters_do_not(dictionary, ranking, tmp_path):
    one = column(Described("base", "q7", "Pipe"))
    smoking = {"smoking_status", "is_smoker", "smoking_status_at_visit", "giq_smoking_status_at_diagnosis"}
    assert not smoking & set(best(ranking, one))
    taught = Ranking(dictionary, vectors=WordVectors(written(tmp_path / "vectors.txt")))
    found = best(taught, one, 5)
    first = next(iter(found.values()))
    assert first.variable in smoking
    assert first.why[0].startswith("means alike: pipe, smok")
    assert first.score <= MEANT
    letters, both = (next(iter(best(by, column(CRP)).values())) for by in (ranking, taught))
    assert letters == both  # where letters say more, they alone count


def test_meanings_break_no_veto(dictionary, tmp_path):
    vectors = WordVectors(written(tmp_path / "vectors.txt"))
    taught, about = Ranking(dictionary, vectors=vectors), Described("base", "q7", "Pipe", "date")
    types = dictionary.variables
    assert {types[name].type for name in best(taught, column(about))} <= {"date", "partial_date"}
    clotting = column(Described("base", "q7", "Clotting", "number"), unit="mg/L")
    assert "platelets" not in best(taught, clotting)
    assert "platelets" in best(taught, replace(clotting, unit="10^9/L"))
    assert taught.of([column(Described("base", "q7", "Pipe"), identifying="name")], 5) == [[]]
    rejected = column(Described("base", "q7", "Pipe"))
    name = taught.of([rejected], 1)[0][0].variable
    again = taught.of([rejected], 40, {(rejected.reference, name)})[0]
    assert name not in {one.variable for one in again}


def test_words_of_cells_are_never_compared_by_meaning(dictionary, tmp_path):
    taught = Ranking(dictionary, vectors=WordVectors(written(tmp_path / "vectors.txt")))
    one = column(Described("base", "q7", "", "choice"), words=frozenset({"pipe", "tobacco"}))
    assert "tobacco" not in repr(taught.of([one], 40))
    assert not any(why.startswith("means") for found in best(taught, one).values() for why in found.why)


def test_without_vectors_every_score_is_what_letters_say(dictionary, ranking):
    asked = [column(CRP), column(SEX), column(Described("base", "q7", "Pipe of the day"))]
    alike, meant = ranking._alike(asked), ranking._meant(asked)
    assert not meant.any()
    assert np.maximum(alike, meant).tobytes() == alike.tobytes()  # bit for bit
    for one, row in zip(asked, alike, strict=True):
        for found in ranking.of([one], 40)[0]:
            variable = dictionary.variables[found.variable]
            fit = Fits(dictionary).of(one, variable)
            assert fit is not None
            place = ranking.variables.index(variable)
            assert found.score == min(round(float(row[place]) * fit.factor + fit.bonus, 3), 1.0)
            assert not any(why.startswith("means") for why in found.why)


def test_nothing_like_it(ranking):
    assert ranking.of([column(Described("base", "zzz", "Qqq"))], 5) == [[]]
    assert ranking.of([], 5) == []


def test_ranges_apart_cost(dictionary):
    fits, age = Fits(dictionary), dictionary.variables["age"]
    assert age.max is not None
    near = fits.of(column(Described("base", "age", "Age", "number", lowest=18, highest=80)), age)
    far = fits.of(column(Described("base", "age", "Age", "number", lowest=age.max + 1)), age)
    assert near is not None
    assert far is not None
    assert far.factor < near.factor


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("CRP (mg/L)", "mg/L"),
        ("Platelets [10^9/L] at visit", "10^9/L"),
        ("Calprotectin ug/g", "ug/g"),
        ("Haematocrit (%)", "%"),
        ("and/or", ""),
        ("HBI (a)", ""),
        ("Weight", ""),
        ("Weight in kg", "kg"),
        ("Standing height in cm. Reported for participants aged 2 years or older.", "cm"),
        ("Body mass index (weight/height2 in kg/m2)", "kg/m2"),
        ("Number of days in a typical week", ""),
        ("Rooms in home", ""),
    ],
)
def test_units_in_labels(dictionary, label, unit):
    assert unit_in(label, dictionary.units) == unit


@pytest.mark.parametrize(
    ("name", "unit"),
    [("CRP [mg/dl]", "mg/dl"), ("Weight kg", "kg"), ("demog_height_cm", "cm"), ("crp_min", ""), ("kg", "")],
)
def test_units_in_names(dictionary, name, unit):
    assert unit_in(name, dictionary.units, named=True) == unit
