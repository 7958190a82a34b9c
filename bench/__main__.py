"""`make bench`: every measurement in one table, each against its peer in the same run; or those that are named."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.report import show

NAMES = (
    *("code_location", "extraction", "fastq", "harmonise", "listing", "postgres", "registry", "searching"),
    *("suggestion", "vcf"),
)
wanted = sys.argv[1:] or NAMES
if unknown := set(wanted) - set(NAMES):
    sys.exit(f"no measurement is called {', '.join(sorted(unknown))}")
show([row for name in wanted for row in import_module(f"bench.{name}").rows()])
