"""The sex of samples by XIST and genes of Y."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from omics_orchestrator.steps.identity import sex_expression
from omics_orchestrator.steps.identity.sex_expression import OF_X, OF_Y, genes_in, sexes_by_expression

GENES = [*OF_X, *OF_Y]
FEATURES = [(f"ENSG9{number:010d}", f"GENE{number}") for number in range(50)] + [(name,) for name in GENES]


def cohort(women: int, men: int, *, seed: int = 1) -> np.ndarray:
    """Return counts: women first."""
    dice = np.random.default_rng(seed)
    x = dice.poisson(500, (women + men, len(FEATURES))).astype(float)
    x[:women, 50] = dice.poisson(800, women)
    x[:women, 51:] = dice.poisson(1, (women, 4))
    x[women:, 50] = dice.poisson(1, men)
    x[women:, 51:] = dice.poisson(400, (men, 4))
    return x


def found(x, features=FEATURES):
    return [told.found for told in sexes_by_expression(x, features)]


def test_women_and_men_are_told_apart_in_counts_and_logarithms():
    x = cohort(6, 7)
    expected = ["female"] * 6 + ["male"] * 7
    assert found(x) == expected
    assert found(np.log2(1 + x)) == expected
    assert found(np.log2(1 + x) - 8) == expected
    assert found(x * np.linspace(0.2, 5, 13)[:, None]) == expected  # depth
    assert all(told.sites == 5 for told in sexes_by_expression(x, FEATURES))


def test_genes_are_known_by_symbol_and_by_id_with_a_version():
    names = {**OF_X, **OF_Y}
    for written in (
        lambda name: (names[name],),
        lambda name: (f"{names[name]}.12",),
        lambda name: (f"{names[name]}.1|{name}",),
        lambda name: (name.lower(), "7"),
    ):
        of_x, of_y = genes_in([("ENSG00000000003", "TSPAN6"), *(written(name) for name in GENES)])
        assert (of_x, of_y) == ([1], [[2], [3], [4], [5]])
    assert genes_in([("XISTAR",), ("RPS4Y2",), ("ENSG00000229807999",)]) == ([], [])


def test_what_is_in_between_is_left_open():
    x = cohort(8, 8)
    x[0, 51:] = 400  # both
    x[15, 51:] = 1  # neither
    x[7, 50] = 25  # between
    told = sexes_by_expression(x, FEATURES)
    assert [told[at].reason for at in (0, 15, 7)] == [
        sex_expression.BOTH,
        sex_expression.NEITHER,
        sex_expression.BETWEEN,
    ]
    assert [told[at].found for at in (0, 15, 7)] == [None] * 3
    assert {one.found for one in told[1:7]} == {"female"}
    assert {one.found for one in told[8:15]} == {"male"}


def test_a_cohort_of_one_sex_cannot_be_parted():
    for women, men in ((12, 0), (0, 12), (1, 0)):
        told = sexes_by_expression(cohort(women, men), FEATURES)
        assert {one.found for one in told} == {None}
    assert told[0].reason == sex_expression.FEW_SAMPLES
    assert sexes_by_expression(cohort(12, 0), FEATURES)[0].reason == sex_expression.ONE_GROUP


def test_missing_values_and_missing_genes():
    x = cohort(6, 6)
    x[2, 50] = np.nan
    told = sexes_by_expression(x, FEATURES)
    assert told[2].reason == sex_expression.NO_VALUE
    assert told[3].found == "female"
    assert {one.reason for one in sexes_by_expression(x[:, :51], FEATURES[:51])} == {sex_expression.NO_GENES}
    assert {one.reason for one in sexes_by_expression(x[:4], FEATURES)} <= {
        sex_expression.FEW_SAMPLES,
        sex_expression.NO_VALUE,
    }
    empty = np.full((10, len(FEATURES)), np.nan)
    assert {one.found for one in sexes_by_expression(empty, FEATURES)} == {None}
    assert {one.found for one in sexes_by_expression(np.zeros((10, len(FEATURES))), FEATURES)} == {None}


@pytest.mark.parametrize("seed", range(5))
def test_one_swapped_sample_is_the_only_one(seed):
    x = cohort(9, 6, seed=seed)
    x[[0, 14]] = x[[14, 0]]
    assert found(x) == ["male", *["female"] * 8, *["male"] * 5, "female"]


def test_real_counts_of_airway_cells(shared_data):
    """Himes et al. 2014 (GSE52778): four donors, two samples each; the last donor's have XIST and no gene of Y."""
    with (shared_data / "expression/airway/airway_rawcounts.csv").open() as file:
        _, *rows = csv.reader(file)
    x = np.array([[float(cell) for cell in row[1:]] for row in rows]).T
    told = sexes_by_expression(x, [(row[0],) for row in rows])
    assert [one.found for one in told] == ["male"] * 6 + ["female"] * 2
