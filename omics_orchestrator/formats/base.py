"""What a file format is: its declaration, and what a look into a file or a set of files answers.

One module per format beside this one; how bytes become lines: text.py. Linking files to samples and storing
what was found live in registry/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal, Protocol

from pydantic import JsonValue

from omics_orchestrator.declared import Declared
from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.temporary import no_room, said

Verdict = Literal["valid", "warnings", "invalid"]
Reach = Callable[
    [int, int], bytes
]  # (start, length) → bytes of a file from anywhere; fewer where the file ends


class OpenFile(Protocol):
    """A file wherever it lies: read through `blocks`, or through `path` where a library needs a name."""

    @property
    def name(self) -> str:
        """The last part of the key."""

    @property
    def size(self) -> int:
        """Size in bytes."""

    def blocks(self) -> Iterator[bytes]:
        """Yield the content; every block but the last holds at least 64 KiB."""

    def path(self) -> Path:
        """Return a local file with the content, valid as long as this object."""


@dataclass(frozen=True)
class MemoryFile:
    """An `OpenFile` whose bytes are at hand."""

    name: str
    raw: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.raw)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.raw

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(prefix="omics-")

    def path(self) -> Path:
        """Return a temporary file that goes with this object.

        Raises:
            StorageError: there is no room for it.
        """
        try:
            file = Path(self._folder.name, "content")
            file.write_bytes(self.raw)
        except OSError as error:
            raise no_room(said(error), self.size) from None
        return file


@dataclass(frozen=True)
class Inspection:
    """What a look into a file, or at a set of files as a whole, answers.

    Attributes:
        verdict: `invalid` files are never linked or built into a matrix; what breaks the specification but every
            tool reads is `warnings`.
        facts: counts and header entries, as JSON.
        samples: names of samples found inside, in order; empty where the format holds none.
        problems: one sentence each, with the number of the first record or line; never content of the file.
        identifying: places of the header that seem to hold a direct identifier (`@RG line 2, SM: dates of birth`);
            never what stands there. Made by `header_scan.suspicious`.
        derived: small objects made in the same pass, by name (`thumbnail.png`): at most 256 KiB each.
    """

    verdict: Verdict
    facts: dict[str, JsonValue]
    samples: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()
    derived: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        facts: dict[str, JsonValue],
        samples: tuple[str, ...] = (),
        warnings: Iterable[str] = (),
        *,
        identifying: tuple[str, ...] = (),
        derived: Mapping[str, bytes] | None = None,
    ) -> Inspection:
        """Return the verdict on a file that can be used: `valid`, or `warnings` where there are any."""
        problems = tuple(warnings)
        verdict: Verdict = "warnings" if problems else "valid"
        return cls(verdict, facts, samples, problems, identifying, derived or {})

    @classmethod
    def refused(cls, error: FormatError, facts: dict[str, JsonValue]) -> Inspection:
        """Return the verdict `invalid` for what `error` says."""
        return cls("invalid", facts, (), (str(error),))


class Format(Declared, ABC):
    """A file format of an assay: how to recognise a file, what is in it, which files belong together.

    `suffixes` end the names of its files, in lower case; `companions` those of files that are registered with
    their set but not inspected (indexes); `holds_samples`: sample names stand inside the files; `opaque`: nothing
    is checked, any content will do; `indexable`: an index can be made (indexing.py); `matrix`: a matrix is built
    from its files, with rows of samples or of cells (matrix_format.py).
    """

    suffixes: ClassVar[tuple[str, ...]]
    companions: ClassVar[tuple[str, ...]] = ()
    holds_samples: ClassVar[bool] = False
    opaque: ClassVar[bool] = False
    indexable: ClassVar[bool] = False
    matrix: ClassVar[Literal["", "samples", "cells"]] = ""

    format: str
    """Which format the files have."""

    @classmethod
    @abstractmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell from the first bytes (64 KiB are enough) whether a file may be of this format.

        Content counts before the name: a VCF named .txt is a VCF. Where content alone cannot tell (plain tables),
        the name or the header's words decide.
        """

    @classmethod
    def sniff_far(cls, name: str, head: bytes, read: Reach) -> bool:
        """Tell like `sniff`, with a short look farther behind where the first bytes say that it is decided there."""
        del read
        return cls.sniff(name, head)

    @abstractmethod
    def inspect(self, file: OpenFile) -> Inspection:
        """Read the file once, in bounded memory, and say what is in it; never raises for a bad content."""

    def inspect_bytes(self, name: str, raw: bytes) -> Inspection:
        """Inspect a small file whose bytes are at hand."""
        return self.inspect(MemoryFile(name, raw))

    def inspect_many(self, files: Sequence[tuple[str, bytes]]) -> list[Inspection]:
        """Inspect small files (name, bytes), each as `inspect_bytes` would; a format may do it at one go."""
        return [self.inspect_bytes(name, raw) for name, raw in files]

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say what can only be said of the set as a whole: both reads of a pair fit, all parts are there.

        Args:
            members: path below the location → what was found in it; companions and invalid files included.
            files: the same paths → the files, for a second look where the facts disagree.

        Returns:
            Verdict, facts, samples and problems of the set beyond those of its files; by default nothing.
        """
        del members, files
        return Inspection.of({})

    @classmethod
    def bears_suffix(cls, name: str) -> bool:
        """Tell whether the name ends like a file of this format (companions do not)."""
        return name.lower().endswith(cls.suffixes)

    @classmethod
    def is_companion(cls, name: str) -> bool:
        """Tell whether a path is that of an index or the like, which is registered but not inspected.

        Args:
            name: the file's name with its folders; salmon writes whole folders beside its table.
        """
        return bool(cls.companions) and name.lower().endswith(cls.companions)

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return what the names of one file set have in common; by default a file is a set of its own.

        Args:
            name: the path below the assay's location, with its folders.
        """
        return name

    @classmethod
    def file_set(cls, names: Iterable[str]) -> list[tuple[str, ...]]:
        """Group names into file sets, sets and members in order of appearance."""
        sets: dict[str, list[str]] = {}
        for name in names:
            sets.setdefault(cls.set_key(name), []).append(name)
        return [tuple(members) for members in sets.values()]
