"""The warehouse: one table per entity over all studies, its columns given by the dictionary and by nothing else."""

from omics_orchestrator.warehouse.union import Conformed, conform, unite_comparators

__all__ = ["Conformed", "conform", "unite_comparators"]
