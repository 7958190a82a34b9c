"""Codes of the Anatomical Therapeutic Chemical classification, with the years of the index in which they hold."""

from __future__ import annotations

import re

from omics_orchestrator.declared import Declared

CODE = re.compile(r"[ABCDGHJLMNPRSV][0-9]{2}[A-Z]{2}[0-9]{2}")
WRITTEN = re.compile(r"(?P<code>\S+)(?: from (?P<first>[0-9]{4}))?(?: until (?P<last>[0-9]{4}))?")


class AtcCode(Declared):
    """One code of a substance and the years in which it is its code."""

    code: str
    first: int | None = None
    """The first year of the index with it; None = not looked up."""
    last: int | None = None
    """The last year of the index with it; None = it still holds."""


def read_codes(text: object) -> object:
    """Return the codes of a cell such as `L04AA33 until 2023; L04AG05 from 2024`.

    Raises:
        ValueError: what is wrong with which code.
    """
    if not isinstance(text, str):
        return text
    return tuple(_code(part.strip()) for part in text.split(";") if part.strip())


def _code(written: str) -> AtcCode:
    parts = WRITTEN.fullmatch(written)
    if not parts or not CODE.fullmatch(parts["code"]):
        raise ValueError(f"{written!r} is not a code of ATC for one substance")
    first, last = (int(year) if year else None for year in (parts["first"], parts["last"]))
    if first and last and first > last:
        raise ValueError(f"{written!r} ends before it begins")
    return AtcCode(code=parts["code"], first=first, last=last)
