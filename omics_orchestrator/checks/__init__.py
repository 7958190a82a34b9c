"""The kinds of check that a mapping may declare: one module each, and the union that is their register."""

from __future__ import annotations

from typing import TypeAlias

from omics_orchestrator.checks.expect import Expect

AnyCheck: TypeAlias = Expect
CHECKS: dict[str, type[Expect]] = {"expect": Expect}

__all__ = ["CHECKS", "AnyCheck", "Expect"]
