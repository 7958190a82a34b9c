"""Formats that are told by the first description of a TIFF. Structure: tiff.py; pictures: tiff_picture.py."""

from __future__ import annotations

from abc import abstractmethod

from omics_orchestrator.formats.base import Format, Reach
from omics_orchestrator.formats.tiff import MAGIC, first_description


class DescribedTiff(Format):
    """A TIFF whose first description says which format it is; where that is out of reach, the suffix says it."""

    @classmethod
    @abstractmethod
    def describes(cls, description: bytes) -> bool:
        """Tell whether a first description, or its beginning, is one of this format."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the first description where it lies in the head."""
        return cls._tells(name, head, None)

    @classmethod
    def sniff_far(cls, name: str, head: bytes, read: Reach) -> bool:
        """Tell by the first description wherever it lies."""
        return cls._tells(name, head, read)

    @classmethod
    def _tells(cls, name: str, head: bytes, read: Reach | None) -> bool:
        described = first_description(head, read)
        if described is None:
            return head.startswith(MAGIC) and cls.bears_suffix(name)
        return cls.describes(described)
