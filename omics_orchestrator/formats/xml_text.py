"""XML out of files of strangers: bounded, without document types, so without entities of any kind."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from omics_orchestrator.errors import FormatError

LARGEST = 32 * 1024 * 1024  # bytes


def parsed(raw: str | bytes, what: str) -> ET.Element:
    """Return the root of an XML text.

    Args:
        raw: the text.
        what: how a problem names it (`the OME-XML`).

    Raises:
        FormatError: it is too large, declares a document type (entities may be bombs or read files), or is broken.
    """
    text = raw.encode("utf-8", "replace") if isinstance(raw, str) else raw
    if len(text) > LARGEST:
        raise FormatError(f"{what} is larger than {LARGEST >> 20} MiB")
    if b"<!" in text.replace(b"<!--", b"").replace(b"<![CDATA[", b"") or b"\0" in text:  # NUL: UTF-16
        raise FormatError(f"{what} declares a document type or entities: refused")
    try:
        return ET.fromstring(text)  # noqa: S314 - no document type: no entities
    except (ET.ParseError, ValueError, LookupError, RecursionError):
        raise FormatError(f"{what} is broken") from None


def local(tag: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return tag.rpartition("}")[2]
