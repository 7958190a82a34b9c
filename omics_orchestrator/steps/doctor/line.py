"""One line of the doctor: what was looked at, how it is, and what mends it. Never a value, a key or a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from omics_orchestrator.errors import OmicsError

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Line:
    """`warn` works but will not for ever, or is not set here; `fail` keeps something from working.

    Attributes:
        state: ok, warn or fail.
        subject: what was looked at, one or two words.
        told: how it is.
        mend: the command or action that mends it; empty where nothing must be done.
    """

    state: State
    subject: str
    told: str
    mend: str = ""


def guarded(subject: str, look: Callable[[], Iterator[Line]], mend: str = "") -> list[Line]:
    """Return the lines of one examination; what it raises is its last line, and hinders no other one."""
    lines = []
    try:
        for line in look():
            lines.append(line)
    except OmicsError as error:
        lines.append(Line("fail", subject, " ".join(str(error).split()), mend))
    except OSError as error:
        lines.append(Line("fail", subject, error.strerror or type(error).__name__, mend))
    return lines
