"""`make bench`: every measurement in one table, each against its peer in the same run; or those that are named."""

from __future__ import annotations

import sys

from bench import (
    code_location,
    extraction,
    fastq,
    harmonise,
    listing,
    postgres,
    registry,
    searching,
    suggestion,
    vcf,
)
from bench.report import show

MODULES = (
    code_location,
    extraction,
    fastq,
    harmonise,
    listing,
    postgres,
    registry,
    searching,
    suggestion,
    vcf,
)
wanted = sys.argv[1:]
if unknown := set(wanted) - {module.__name__.removeprefix("bench.") for module in MODULES}:
    sys.exit(f"no measurement is called {', '.join(sorted(unknown))}")
show(
    [
        row
        for module in MODULES
        if not wanted or module.__name__.removeprefix("bench.") in wanted
        for row in module.rows()
    ]
)
