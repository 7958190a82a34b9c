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


def said(error: Exception) -> str:
    """Return what an error tells that holds no key and no value: our own text, or its kind."""
    if isinstance(error, OmicsError):
        return " ".join(str(error).split())
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def guarded(subject: str, look: Callable[[], Iterator[Line]], mend: str = "") -> list[Line]:
    """Return the lines of one examination; what it raises is its last line, and hinders no other one."""
    lines = []
    try:
        for line in look():
            lines.append(line)
    except Exception as error:  # noqa: BLE001 - a doctor that falls over names no fault; messages may hold keys
        lines.append(Line("fail", subject, said(error), mend))
    return lines
