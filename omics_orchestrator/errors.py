"""The error tree. Every error says where, what, and what would be right; `retry`: whether trying again makes sense.

    OmicsError
    ├── DeclarationError   a YAML or CSV of the data dictionary is unusable (all problems at once)
    ├── NotConfigured      a store, secret or program that this machine does not have
    ├── DeliveryError      a source delivered something that cannot be used
    ├── FormatError        an omics file breaks its format
    ├── StorageError       Postgres or an object store failed
    │   ├── ObjectExists   a create-only put met an existing object
    │   ├── ObjectGone     there is no object under that key
    │   ├── ObjectChanged  the object is not the one that was listed, or changed while it was read
    │   └── AccessDenied   the store refuses
    ├── NotSent            a notification that its server did not take
    └── UnknownKey         nothing bears that name (the nearest names are listed)

Wrong *data* is not an error but a `Finding` (findings.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

FEW = 12  # so many names are listed where none comes near


class OmicsError(Exception):
    """Base of all errors raised on purpose by this package."""

    retry: bool = False


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a declaration: `file:line: path: what is wrong`, then what is allowed."""

    file: Path
    line: int
    path: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        text = f"{self.file}:{self.line}: {where}{self.message}"
        return f"{text}\n    {self.allowed}" if self.allowed else text


class DeclarationError(OmicsError):
    """Declarations that cannot be used; carries every problem found, sorted by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[DeclarationError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class NotConfigured(OmicsError):
    """Something that the environment must name and does not (a store, a secret, a program)."""


class DeliveryError(OmicsError):
    """A delivery of a source that cannot be used."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class FormatError(OmicsError):
    """A file that breaks its format at `record` (counted from 1; 0 = not tied to a record)."""

    def __init__(self, message: str, *, record: int = 0) -> None:
        super().__init__(f"record {record}: {message}" if record else message)
        self.record = record


class StorageError(OmicsError):
    """Postgres or an object store failed."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class ObjectExists(StorageError):
    """A create-only put found an object under that key."""


class ObjectGone(StorageError):
    """There is no object under that key."""


class ObjectChanged(StorageError):
    """The object is not the one that was listed, or changed while it was read."""


class AccessDenied(StorageError):
    """The store refuses what was asked."""


class NotSent(OmicsError):
    """A notification that its server did not take; it is sent again later."""

    retry = True


class UnknownKey(OmicsError):
    """Nothing bears that name; the message lists the nearest names."""

    def __init__(self, what: str, asked: str, known: Iterable[str], *, below: bool = False) -> None:
        listed = list(known)
        names = listed if below else nearest(asked, listed)
        word = "below it" if below else "nearest"
        if not names and len(listed) <= FEW:
            names, word = listed, "there are"
        hint = f"; {word}: " + ", ".join(f'"{name}"' for name in names) if names else ""
        super().__init__(f'no {what} "{asked}"{hint}')


def nearest(asked: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return up to `limit` known names that look like `asked`, best first."""
    return difflib.get_close_matches(asked, list(known), n=limit, cutoff=0.6)
