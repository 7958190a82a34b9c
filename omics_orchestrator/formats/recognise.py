"""Tells of which format a file is, by its first bytes; the name decides only where content cannot."""

from __future__ import annotations

from pydantic import ValidationError

from omics_orchestrator.formats import FORMATS, Format


def recognise(name: str, head: bytes) -> Format:
    """Return the format, with its default options, that a file seems to be of; `opaque` where none claims it.

    Formats are asked in the order of the register. One that cannot do without options (a table of numbers: are
    samples rows or columns?) is declared, never recognised.

    Args:
        name: the last part of the key.
        head: the first 64 KiB, as they lie in the store.
    """
    for kind in FORMATS.values():
        if not kind.opaque and kind.sniff(name, head):
            try:
                return kind.model_validate({"format": kind.model_fields["format"].default})
            except ValidationError:
                continue
    return FORMATS["opaque"].model_validate({"format": "opaque"})
