"""Tells of which format a file is, by its first bytes; the name decides only where content cannot."""

from __future__ import annotations

from pydantic import ValidationError

from omics_orchestrator.formats import FORMATS, Format
from omics_orchestrator.formats.base import Reach


def recognise(name: str, head: bytes, read: Reach | None = None) -> Format:
    """Return the format, with its default options, that a file seems to be of; `opaque` where none claims it.

    Formats are asked in the order of the register. One that cannot do without options (a table of numbers: are
    samples rows or columns?) is declared, never recognised.

    Args:
        name: the last part of the key.
        head: the first 64 KiB, as they lie in the store.
        read: reads other bytes of the file; without it what lies farther behind is guessed by the name.
    """
    for kind in FORMATS.values():
        if kind.opaque:
            continue
        if kind.sniff(name, head) if read is None else kind.sniff_far(name, head, read):
            try:
                return kind.model_validate({"format": kind.model_fields["format"].default})
            except ValidationError:
                continue
    return FORMATS["opaque"].model_validate({"format": "opaque"})
