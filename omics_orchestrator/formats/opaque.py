"""Opaque: any file, registered by name, size and digest. What is inside is not looked at.

But for the properties of small Office documents, which often name their author: office.py.
"""

from __future__ import annotations

from io import BytesIO
from typing import ClassVar, Literal
from zipfile import is_zipfile

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.office import SUFFIXES, office_properties

LARGEST_DOCUMENT = 64 * 1024 * 1024  # bytes; properties of larger ones are not looked at


class Opaque(Format):
    """Any other file: it is registered, digested and linked, and its content is not checked."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    opaque: ClassVar[bool] = True

    format: Literal["opaque"] = "opaque"
    """Files of any kind, whose content is not checked."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell that any file may be one."""
        del name, head
        return True

    @classmethod
    def bears_suffix(cls, name: str) -> bool:
        """Tell that any name will do."""
        del name
        return True

    def inspect(self, file: OpenFile) -> Inspection:
        """Say that the file is there; an empty one is told, and who is named by an Office document."""
        problems = [] if file.size else ["the file is empty"]
        identifying: tuple[str, ...] = ()
        if file.name.lower().endswith(SUFFIXES) and 0 < file.size <= LARGEST_DOCUMENT:
            raw = b"".join(file.blocks())
            try:
                identifying = suspicious(office_properties(raw))
            except FormatError as error:
                problems = (
                    [f"its properties are not looked at: {error}"] if is_zipfile(BytesIO(raw)) else problems
                )
        return Inspection.of({"checked": False}, warnings=problems, identifying=identifying)
