"""Whose a named sample is, by the harmonised samples and participants. Where names come from: links.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from omics_orchestrator.registry.sets import Link

if TYPE_CHECKING:
    import pyarrow as pa

Reason = Literal[
    "invalid",
    "unreadable",
    "manifest_differs",
    "no_rule",
    "no_match",
    "not_in_sheet",
    "no_samples_inside",
    "ambiguous",
    "sample_unknown",
    "participant_unknown",
    "participant_differs",
]
REASONS: dict[str, str] = {
    "invalid": "a file of the set breaks its format: have it sent again",
    "barred": "listed, and out of reach: mend what `state` says, the next run registers it",
    "unreadable": "a file could not be read: `state` says whether it is denied, gone or changed meanwhile",
    "manifest_differs": "a file has another digest than its manifest gives: have it sent again",
    "no_rule": "the assay has no `link:` rule and the format holds no sample names",
    "no_match": "the name does not match the pattern of `link:`",
    "not_in_sheet": "the sample sheet does not name the file",
    "no_samples_inside": "the file names no sample",
    "ambiguous": "the names point to several samples",
    "sample_unknown": "the sample is no harmonised sample of the study",
    "participant_unknown": "the participant is none of the study",
    "participant_differs": "the sample belongs to another participant than the name says",
}


class Whose:
    """The known samples and participants of one study.

    A study without a table of samples is asked for participants only; without either, any name will do.

    Args:
        samples: harmonised samples (participant_id, sample_id).
        participants: harmonised participants (participant_id).
        grammar: reads a participant id as the study writes it; None = it is no id of the study.
        sample_name: turns a sample's name as files write it into the one that the study's tables hold.
    """

    def __init__(
        self,
        samples: pa.Table | None,
        participants: pa.Table | None,
        grammar: Callable[[str], str | None] | None,
        sample_name: Callable[[str], str] | None = None,
    ) -> None:
        self._owners: dict[str, set[str]] | None = None
        self._participants: set[str] | None = None
        self._grammar = grammar
        self._sample_name = sample_name
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
        if sample is not None and self._sample_name is not None:
            sample = self._sample_name(sample)
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

    def nearest(self, sample: str | None) -> str | None:
        """Return the one known sample whose name differs in case, separators or leading zeros only."""
        if sample is None or self._owners is None:
            return None
        if self._sample_name is not None:
            sample = self._sample_name(sample)
        found = self._by_bare_name.get(bare_name(sample), ())
        return found[0] if len(found) == 1 and found[0] != sample else None

    @cached_property
    def _by_bare_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for sample in self._owners or ():
            names.setdefault(bare_name(sample), []).append(sample)
        return names


def bare_name(name: str) -> str:
    """Return a name without case, separators and leading zeros: `S-007 a` and `s7A` are one.

    >>> bare_name("S-007_a") == bare_name("s7A")
    True
    """
    parts = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    return "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)
