"""`python -m omics_orchestrator.cli`: the command `omics` without an installed script."""

from omics_orchestrator.cli import main

main()
