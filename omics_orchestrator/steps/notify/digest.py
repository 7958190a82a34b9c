"""What a message says of failed runs: study, assets, kind of error, its safe text, attempts, how to see more.

Texts come in as our own errors wrote them; what a library or Dagster said is never handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omics_orchestrator.findings import counted

MOST = 20  # failures told one by one
LONGEST = 600  # characters of one error
FEW_ASSETS = 5


@dataclass(frozen=True)
class Failure:
    """What of one study failed for good in one run.

    Attributes:
        study: study, or `warehouse` for what belongs to all.
        assets: keys as `a/b/c`; empty for a job without assets.
        kind: class of the error, or a word of ours.
        text: what our own error said; empty where it was no error of ours.
        attempts: how often it was tried, runs and steps together.
        run_id: the last run.
        at: when it failed.
    """

    study: str
    assets: tuple[str, ...]
    kind: str
    text: str
    attempts: int
    run_id: str
    at: datetime

    def identity(self) -> str:
        """Return what makes two failures the same trouble."""
        return "\n".join((self.study, self.kind, *self.assets))


@dataclass(frozen=True)
class Digest:
    """One message about all that failed since the one before.

    Attributes:
        failures: the oldest first.
        machine: the installation's own name.
        ui: address of the Dagster UI; empty = not told.
    """

    failures: Sequence[Failure]
    machine: str
    ui: str = ""

    @property
    def subject(self) -> str:
        """One line: how many, and of which studies."""
        studies = sorted({failure.study for failure in self.failures})
        named = ", ".join(studies[:4]) + (" …" if len(studies) > 4 else "")
        return f"omics: {counted(len(self.failures), 'failure')} ({named})"

    @property
    def text(self) -> str:
        """The message for people."""
        first = min(failure.at for failure in self.failures)
        lines = [f"On {self.machine}, since {first:%Y-%m-%d %H:%M} UTC:", ""]
        study = None
        for failure in self._listed():
            if failure.study != study:
                study = failure.study
                lines += [study]
            lines += [*self._lines(failure), ""]
        if (more := len(self.failures) - MOST) > 0:
            lines += [f"… and {more} more.", ""]
        lines += ["To see all that fails now: omics status --failed", "To try again: omics materialize"]
        return "\n".join(lines) + "\n"

    @property
    def body(self) -> dict[str, Any]:
        """The message for programs; chat servers show `text`."""
        return {
            "subject": self.subject,
            "text": self.text,
            "failures": [
                {
                    "study": failure.study,
                    "assets": list(failure.assets),
                    "kind": failure.kind,
                    "text": _short(failure.text),
                    "attempts": failure.attempts,
                    "run_id": failure.run_id,
                    "run_url": self._address(failure),
                    "at": failure.at.isoformat(timespec="seconds"),
                }
                for failure in self._listed()
            ],
            "more": max(len(self.failures) - MOST, 0),
        }

    def _listed(self) -> list[Failure]:
        return sorted(self.failures, key=lambda one: (one.study, one.at))[:MOST]

    def _lines(self, failure: Failure) -> list[str]:
        shown, left = failure.assets[:FEW_ASSETS], len(failure.assets) - FEW_ASSETS
        named = ", ".join(shown) + (f" and {left} more" if left > 0 else "")
        said = f"{failure.kind}: {_short(failure.text)}" if failure.text else failure.kind
        tried = f"{counted(failure.attempts, 'attempt')}, the last failed at {failure.at:%Y-%m-%d %H:%M} UTC"
        address = self._address(failure)
        return [
            *([f"  {named}"] if named else []),
            f"    {said}",
            f"    {tried}",
            f"    {address or f'run {failure.run_id}'}",
        ]

    def _address(self, failure: Failure) -> str:
        return f"{self.ui}/runs/{failure.run_id}" if self.ui else ""


def _short(text: str) -> str:
    """Return a text on one line, cut where it is very long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
