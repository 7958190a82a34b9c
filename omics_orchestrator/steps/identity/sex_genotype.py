"""The sex of a genome by its calls on X and Y.

A woman has two X: many of the sites at which she differs from the reference are heterozygous. A man has one, so only
errors are. The measure is the share of heterozygous among alternate-bearing diploid calls on X outside the
pseudo-autosomal regions, which needs neither allele frequencies nor written reference calls.
"""

from __future__ import annotations

from omics_orchestrator.steps.identity.genomes import Genomes
from omics_orchestrator.steps.identity.outcome import Measured

# peddy (Pedersen and Quinlan, Am J Hum Genet 2017) parts the sexes at 0.6 heterozygous per homozygous call, which is
# a share of 0.375. What lies just below is left open here: unfiltered calls of men reach a share of 0.1 to 0.2.
FEMALE_FROM = 0.375
MALE_TO = 0.2
# With 50 calls, a woman whose true share is 0.5 comes down to 0.2 once in 80,000 (binomial), a man with 0.1 up to
# 0.375 once in a million.
X_NEEDED = 50
HAPLOID = 0.9  # share of calls on X with one allele, from which the caller was told: a man
Y_NEEDED = 10  # alternate calls on Y that speak for a man; in a woman a few come from reads of X
Y_PER_X = 0.03  # and so many per alternate call on X: men have about 0.1, women below 0.01
Y_SITES = 50  # sites on Y, of which a woman is called at hardly any
Y_CALLED_FEMALE, Y_CALLED_MALE = 0.1, 0.5

NO_BUILD = "the reference build is not recognised (GRCh37, GRCh38)"
TOO_FEW = f"fewer than {X_NEEDED} alternate calls on X"
BETWEEN = "heterozygosity on X lies between the sexes"
CONTRADICTION = "X and Y contradict each other"


def sex_of_genome(genomes: Genomes, sample: int) -> Measured:
    """Return the sex of one sample of a VCF (`sample` from 0).

    What cannot be told: another sex chromosome count than XX or XY shows as a contradiction or as the nearer of the
    two; contaminated genomes lie between; FILTER and depth are not regarded.
    """
    if not genomes.build:
        return Measured(None, NO_BUILD)
    het, alt = int(genomes.x_het[sample]), int(genomes.x_alt[sample])
    share = het / (het + alt) if het + alt else None
    by_x, reason = _by_x(genomes, sample)
    by_y = _by_y(genomes, sample)
    if by_x and by_y and by_x != by_y:
        return Measured(None, CONTRADICTION, share, het + alt)
    if by_x is None and by_y and reason == TOO_FEW:
        return Measured(by_y, "by calls on Y alone", share, het + alt)
    return Measured(by_x, reason, share, het + alt)


def _by_x(genomes: Genomes, sample: int) -> tuple[str | None, str]:
    haploid, diploid = int(genomes.x_haploid[sample]), int(genomes.x_diploid[sample])
    if haploid >= X_NEEDED and haploid >= HAPLOID * (haploid + diploid):
        return "male", "X was called with one allele: the sex that the caller was told"
    het, alt = int(genomes.x_het[sample]), int(genomes.x_alt[sample])
    if het + alt < X_NEEDED:
        return None, TOO_FEW
    share = het / (het + alt)
    if share <= MALE_TO:
        return "male", "hardly any heterozygous call on X"
    return ("female", "heterozygous calls on X") if share >= FEMALE_FROM else (None, BETWEEN)


def _by_y(genomes: Genomes, sample: int) -> str | None:
    """Return the sex for which Y speaks; a file without sites on Y, or with reference calls only, says nothing."""
    called, alt = int(genomes.y_called[sample]), int(genomes.y_alt[sample])
    on_x = int(genomes.x_het[sample]) + int(genomes.x_alt[sample])
    if alt >= max(Y_NEEDED, Y_PER_X * on_x) and called >= Y_CALLED_MALE * genomes.y_sites:
        return "male"
    if genomes.y_sites >= Y_SITES and called <= Y_CALLED_FEMALE * genomes.y_sites:
        return "female"
    return None
