"""The sex of samples by their expression: XIST, which a silenced second X writes, against genes of the Y chromosome.

Cut-offs are drawn from the cohort itself, since level and unit differ from one measurement to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omics_orchestrator.steps.identity.outcome import Measured

if TYPE_CHECKING:
    import numpy as np

    Numbers = np.ndarray[Any, Any]

# Genes and method as in massiR (Buckberry et al., Bioinformatics 2014) and Staedtler et al. (Biomark Insights 2013),
# who part the sexes by XIST and RPS4Y1, DDX3Y, KDM5D, EIF1AY. Ensembl gene ids: GRCh38, release 110.
OF_X = {"XIST": "ENSG00000229807"}
OF_Y = {
    "RPS4Y1": "ENSG00000129824",
    "DDX3Y": "ENSG00000067048",
    "KDM5D": "ENSG00000012817",
    "EIF1AY": "ENSG00000198692",
}
FEWEST_SAMPLES = 8
FEWEST_OF_A_SEX = 2
APART = 2.0  # log2 between the medians of the two groups: fourfold; XIST and RPS4Y1 mostly differ 30-fold and more
ZONE = 1 / 3  # of the way between the two medians, on either side, in which a sample counts to its group
PRIOR = 2.0  # added to counts before the logarithm, as edgeR's cpm does: single reads are no expression
LARGEST_LOGARITHM = (
    40.0  # a table without a value above this, or with one below zero, holds logarithms already
)

NO_GENES = "the matrix holds no XIST, or none of " + ", ".join(OF_Y)
FEW_SAMPLES = f"fewer than {FEWEST_SAMPLES} samples with these genes"
ONE_GROUP = (
    "the samples do not fall into two groups by these genes: one sex only, or none of them is expressed"
)
NO_VALUE = "a value of these genes is missing"
BOTH = "XIST and genes of Y are both high"
NEITHER = "XIST and genes of Y are both low"
BETWEEN = "the expression lies between the two groups"


def genes_in(features: Sequence[Sequence[str]]) -> tuple[list[int], list[list[int]]]:
    """Return the rows of XIST, and the rows of each gene of Y that is there.

    Args:
        features: for each feature the names it goes by (id, symbol …); case and the version of an id do not matter.
    """
    rows: dict[str, list[int]] = {}
    wanted = {word.casefold(): name for name, id_ in {**OF_X, **OF_Y}.items() for word in (name, id_)}
    for row, names in enumerate(features):
        parts = {
            part.partition(".")[0].casefold() for name in names for part in name.replace("|", " ").split()
        }
        for name in {wanted[part] for part in parts & wanted.keys()}:
            rows.setdefault(name, []).append(row)
    return rows.get("XIST", []), [rows[name] for name in OF_Y if name in rows]


def sexes_by_expression(x: Numbers, features: Sequence[Sequence[str]]) -> list[Measured]:
    """Return the sex of every sample.

    Args:
        x: (samples, features), counts or another linear measure, or logarithms; NaN = no value.
        features: for each feature the names it goes by.

    Returns:
        One `Measured` per sample; its measure is log2 of the genes of Y over XIST, `sites` the number of genes.
    """
    import numpy as np

    of_x, of_y = genes_in(features)
    if not of_x or not of_y:
        return [Measured(None, NO_GENES)] * len(x)
    levels = _levels(x, [of_x, *of_y])
    xist, y = levels[:, 0], levels[:, 1:].mean(axis=1)
    known = np.isfinite(xist) & np.isfinite(y)
    genes = 1 + len(of_y)
    if known.sum() < FEWEST_SAMPLES:
        return [Measured(None, FEW_SAMPLES if here else NO_VALUE, sites=genes) for here in known]
    groups = [_groups(values[known]) for values in (xist, y)]
    found = []
    for here, on_x, on_y in zip(known, xist, y, strict=True):
        if not here:
            found.append(Measured(None, NO_VALUE, sites=genes))
            continue
        sex, reason = (None, ONE_GROUP)
        if groups[0] and groups[1]:
            sex, reason = _decided(_place(on_x, *groups[0]), _place(on_y, *groups[1]))
        found.append(Measured(sex, reason, float(on_y - on_x), genes))
    return found


def _levels(x: Numbers, genes: Sequence[Sequence[int]]) -> Numbers:
    """Return (samples, genes) in log2; rows of one gene are added up, linear values scaled to a million per sample."""
    import numpy as np

    total = np.nansum(x, axis=1)
    picked = np.stack([x[:, rows].astype(float).sum(axis=1) for rows in genes], axis=1)
    with np.errstate(invalid="ignore"):
        if np.nanmin(x, initial=0) < 0 or np.nanmax(x, initial=0) <= LARGEST_LOGARITHM:
            return picked
        scaled: Numbers = np.log2(1e6 * (picked + PRIOR) / np.where(total > 0, total, np.nan)[:, None])
    return scaled


def _groups(values: Numbers) -> tuple[float, float] | None:
    """Return the medians of the two groups into which the values fall best (least squares); None = into one."""
    import numpy as np

    ordered = np.sort(values)
    count = len(ordered)
    sums, squares = np.cumsum(ordered), np.cumsum(ordered**2)
    low = np.arange(FEWEST_OF_A_SEX, count - FEWEST_OF_A_SEX + 1)
    left = squares[low - 1] - sums[low - 1] ** 2 / low
    right = squares[-1] - squares[low - 1] - (sums[-1] - sums[low - 1]) ** 2 / (count - low)
    cut = int(low[np.argmin(left + right)])
    lower, upper = float(np.median(ordered[:cut])), float(np.median(ordered[cut:]))
    return (lower, upper) if upper - lower >= APART else None


def _place(value: float, lower: float, upper: float) -> str:
    along = (value - lower) / (upper - lower)
    return "low" if along <= ZONE else "high" if along >= 1 - ZONE else "between"


def _decided(xist: str, y: str) -> tuple[str | None, str]:
    outcomes: Mapping[tuple[str, str], tuple[str | None, str]] = {
        ("high", "low"): ("female", "XIST high, genes of Y low"),
        ("low", "high"): ("male", "XIST low, genes of Y high"),
        ("high", "high"): (None, BOTH),
        ("low", "low"): (None, NEITHER),
    }
    return outcomes.get((xist, y), (None, BETWEEN))
