"""Whose a named sample is, by the harmonised samples and participants. Where names come from: links.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from omics_orchestrator.registry.state import Link

if TYPE_CHECKING:
    import pyarrow as pa

Reason = Literal[
    "invalid",
    "unreadable",
    "no_rule",
    "no_match",
    "not_in_sheet",
    "no_samples_inside",
    "ambiguous",
    "sample_unknown",
    "participant_unknown",
    "participant_differs",
]


class Whose:
    """The known samples and participants of one study.

    A study without a table of samples is asked for participants only; without either, any name will do.
    """

    def __init__(
        self,
        samples: pa.Table | None,
        participants: pa.Table | None,
        grammar: Callable[[str], str | None] | None,
    ) -> None:
        self._owners: dict[str, set[str]] | None = None
        self._participants: set[str] | None = None
        self._grammar = grammar
        if samples is not None:
            self._owners = {}
            pairs = zip(samples["sample_id"].to_pylist(), samples["participant_id"].to_pylist(), strict=True)
            for sample, participant in pairs:
                self._owners.setdefault(sample, set()).add(participant)
            self._participants = set().union(*self._owners.values())
        if participants is not None:
            self._participants = (self._participants or set()) | set(
                participants["participant_id"].to_pylist()
            )

    def link(self, participant: str | None, sample: str | None, rule: str) -> Link | Reason:
        """Return the link for the names as the study wrote them, or why there is none."""
        if participant is not None and self._grammar is not None:
            participant = self._grammar(participant)
            if participant is None:
                return "participant_unknown"
        if sample is None or self._owners is None:
            return self._of_participant(participant, sample, rule)
        owners = self._owners.get(sample)
        if not owners:
            return "sample_unknown"
        if participant is None:
            return Link(min(owners), sample, rule) if len(owners) == 1 else "ambiguous"
        return Link(participant, sample, rule) if participant in owners else "participant_differs"

    def _of_participant(self, participant: str | None, sample: str | None, rule: str) -> Link | Reason:
        if participant is None and sample is None:
            return "no_match"
        if (
            participant is not None
            and self._participants is not None
            and participant not in self._participants
        ):
            return "participant_unknown"
        return Link(participant, sample, rule)
