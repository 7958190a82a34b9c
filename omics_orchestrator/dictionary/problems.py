"""Collecting every mistake of a declaration before raising, and the words for “what would be right”.

The error itself is `DeclarationError` (errors.py); pydantic's complaints are put into words in
validation.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from omics_orchestrator.errors import DeclarationError, Problem, nearest
from omics_orchestrator.settings import WORKING_COPY

SHOWN = 16  # names listed in one message; of a longer list only the nearest are worth reading


def suggest(asked: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'? (all, that, exist)` for a word that is not among `known`."""
    names = sorted(set(known))
    near = nearest(asked, names)
    listed = names if len(names) <= SHOWN else near[1:]
    hint = f"did you mean {near[0]!r}?" if near else ""
    rest = f"({', '.join(listed)})" if listed else ""
    return f"{hint} {rest}".strip() or (f"{len(names)} names are known" if names else "none is declared")


class Problems:
    """The mistakes found so far, in any number of files."""

    def __init__(self) -> None:
        self.found: dict[Problem, None] = {}

    def add(self, file: Path, line: int, path: str, message: str, allowed: str = "") -> None:
        """Note one mistake; the file is shown relative to the working copy where it lies inside it."""
        shown = file.relative_to(WORKING_COPY) if file.is_relative_to(WORKING_COPY) else file
        self.found[Problem(shown, line, path, message, allowed)] = None

    def raise_if_any(self) -> None:
        """Raise one error that names all mistakes.

        Raises:
            DeclarationError: when anything was added.
        """
        if self.found:
            raise DeclarationError(list(self.found))


def note_unreadable(place: Path, error: OSError, problems: Problems) -> None:
    """Note a file or folder that the system does not let us read, and for whom its rights should be mended."""
    denied = isinstance(error, PermissionError)
    mend = f"user {os.geteuid()}, who runs this, must be allowed to read it (chmod -R a+rX its folder)"
    problems.add(
        place, 1, "", f"cannot be read: {error.strerror or type(error).__name__}", mend if denied else ""
    )


def read_text(file: Path, problems: Problems) -> str | None:
    """Return the UTF-8 text of a declaration file (without byte order mark), or note why there is none."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        problems.add(file, 1, "", "the file is missing")
        return None
    except OSError as error:
        note_unreadable(file, error, problems)
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(file, line, "", f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return None
