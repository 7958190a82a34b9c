"""Why a value is missing: the one enumeration. How a rule finds the reason is the verbs' business."""

from __future__ import annotations

from typing import Literal, get_args

MissingReason = Literal[
    "not_asked",
    "not_collected",
    "refused",
    "unknown",
    "not_done",
    "below_limit",
    "above_limit",
    "restricted",
    "invalid",
    "withheld",
    "pending",
]
MISSING_REASONS: tuple[MissingReason, ...] = get_args(MissingReason)
