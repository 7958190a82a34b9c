"""Which reference genome a file was made on, guessed by the length of its chromosome 1."""

from __future__ import annotations

from collections.abc import Mapping

CHROMOSOME_1 = {
    247249719: "NCBI36",
    249250621: "GRCh37",
    248956422: "GRCh38",
    248387328: "T2T-CHM13",
    197195432: "NCBI37 (mouse)",
    195471971: "GRCm38",
    195154279: "GRCm39",
}
"""Length in bases → name of the assembly (NCBI Assembly; T2T-CHM13 version 1.1 and 2.0)."""
NAMES = (
    "1",
    "chr1",
    "Chr1",
    "CHR1",
    "NC_000001",
    "CM000663",
    "CP068277",
    "NC_060925",
    "NC_000067",
    "CM000994",
)


def build_of(lengths: Mapping[str, int]) -> str:
    """Return the assembly whose chromosome 1 has the length given; empty = none that is known."""
    for name, length in lengths.items():
        if name.partition(".")[0] in NAMES and length in CHROMOSOME_1:
            return CHROMOSOME_1[length]
    return ""
