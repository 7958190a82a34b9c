"""`make bench`: every measurement in one table, each against its peer in the same run."""

from __future__ import annotations

from bench import code_location, extraction, fastq, harmonise, listing, postgres, registry, vcf
from bench.report import show

MODULES = (code_location, extraction, fastq, harmonise, listing, postgres, registry, vcf)
show([row for module in MODULES for row in module.rows()])
