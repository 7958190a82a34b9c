"""Opaque: any file, registered by name, size and digest. What is inside is not looked at."""

from __future__ import annotations

from typing import ClassVar, Literal

from omics_orchestrator.formats.base import Format, Inspection, OpenFile


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
        """Say that the file is there; an empty one is told."""
        return Inspection.of({"checked": False}, warnings=() if file.size else ["the file is empty"])
