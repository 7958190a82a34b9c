"""From bytes to text: the encoding as declared, else as the bytes show it, and the decision told."""

from __future__ import annotations

import codecs

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.files import Sheet

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SAMPLE = 1 << 16  # bytes of lines beyond ASCII that the guess is made from
LEAST_EVIDENCE = 64  # with fewer bytes beyond ASCII a guess is a lottery, and cp1252 is what Excel writes


def decode(blob: bytes, declared: str | None, sheet: Sheet) -> str:
    """Return the text of a file and write the decision into `sheet`.

    Raises:
        DeliveryError: the bytes are not text in that encoding, or end in the middle of a character.
    """
    encoding = next((name for mark, name in MARKS.items() if blob.startswith(mark)), None) or declared
    if encoding is None and (wide := _wide(blob)):
        sheet.note(f"the encoding is a guess, {wide}: declare encoding: to settle it")
        encoding = wide
    if encoding is None and (text := _try(blob, "utf-8")) is not None:
        sheet.decisions["encoding"] = "utf-8"
        return text
    if encoding is None and _is_cut(blob):
        raise DeliveryError(
            "the file ends in the middle of a UTF-8 character: it is cut off; send it again, or declare its encoding:"
        )
    guessed = encoding is None
    encoding = encoding or _guess(blob)
    if (text := _try(blob, encoding)) is None:
        raise DeliveryError(f"the file is not text in {encoding}; declare its encoding:")
    if guessed:
        sheet.note(f"the encoding is a guess, {encoding}: declare encoding: to settle it")
    sheet.decisions["encoding"] = f"{encoding} (guessed)" if guessed else encoding
    return text


def _wide(blob: bytes) -> str:
    """Return which UTF-16 the bytes seem to be: every other byte of ASCII text is zero there; '' = none."""
    even, odd = blob[:SAMPLE:2].count(0), blob[1:SAMPLE:2].count(0)
    if max(even, odd) * 4 < min(len(blob), SAMPLE):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _try(blob: bytes, encoding: str) -> str | None:
    try:
        return blob.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_cut(blob: bytes) -> bool:
    """Tell whether all is UTF-8 and some of it not ASCII, and only the last character is not whole."""
    try:
        blob.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = blob[: error.start]
        return error.reason == "unexpected end of data" and not whole.isascii()
    return False


def _guess(blob: bytes) -> str:
    """Return the most likely encoding of bytes that are not UTF-8."""
    from charset_normalizer import from_bytes

    sample = b"\n".join(line for line in blob.splitlines() if not line.isascii())[:SAMPLE]
    if sum(byte > 127 for byte in sample) >= LEAST_EVIDENCE and (best := from_bytes(sample).best()):
        return best.encoding
    return "latin-1" if _try(blob, "cp1252") is None else "cp1252"
