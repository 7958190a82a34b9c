"""What is planted in the demo for a check to report. Everything else in it is meant to be clean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "truncated_fastq",
    "foreign_vcf_sample",
    "unknown_sample",
    "unknown_code",
    "out_of_bounds",
    "duplicate_id",
    "sex_swap_genotype",
    "sex_swap_expression",
    "genomes_of_two_people",
    "one_content_twice",
]


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes:
        kind: what is wrong.
        study: where.
        asset: key of the asset whose check must report it.
        subject: variable or file name concerned.
        count: values or files concerned.
    """

    kind: Kind
    study: str
    asset: str
    subject: str
    count: int = 1
