"""What keeps an installation from working, found before it bites: one module per part of the machine."""

from omics_orchestrator.steps.doctor.examine import examine
from omics_orchestrator.steps.doctor.line import Line, State

__all__ = ["Line", "State", "examine"]
