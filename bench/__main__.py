"""`make bench`: every measurement in one table, each against its peer in the same run."""

from __future__ import annotations

from bench import code_location, extraction, fastq, harmonise, listing, postgres, registry, vcf
from bench.report import show

show(
    [
        row
        for module in (code_location, extraction, fastq, harmonise, listing, postgres, registry)
        for row in module.rows()
    ]
)
