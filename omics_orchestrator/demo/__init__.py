"""The demo cohort: three invented studies, generated from a seed, with faults that the checks must report."""

from omics_orchestrator.demo.faults import Fault
from omics_orchestrator.demo.generate import DemoReport, generate

__all__ = ["DemoReport", "Fault", "generate"]
