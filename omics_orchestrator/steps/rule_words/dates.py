"""Formats of dates in words, each with an example."""

from __future__ import annotations

import re

# directive → what it is, and how it is written on 31 January 2024, a quarter to two in the afternoon
DIRECTIVES = {
    "%Y": ("year", "2024"),
    "%y": ("two-digit year", "24"),
    "%m": ("month", "01"),
    "%d": ("day", "31"),
    "%b": ("month's short name", "Jan"),
    "%B": ("month's name", "January"),
    "%j": ("day of the year", "031"),
    "%H": ("hour", "13"),
    "%I": ("hour", "01"),
    "%M": ("minute", "45"),
    "%S": ("second", "00"),
    "%f": ("part of the second", "000000"),
    "%p": ("AM or PM", "PM"),
    "%z": ("time zone", "+0000"),
    "%%": ("%", "%"),
}


def date_format(form: str) -> str:
    """Return a strptime format in words.

    >>> date_format("%m/%d/%y"), date_format("%Y%m")
    ('month/day/two-digit year (01/31/24)', 'year month (202401)')
    """
    apart = re.sub(r"(%.)(?=%)", r"\1 ", form)
    words = re.sub("%.", lambda found: DIRECTIVES[found[0]][0], apart)
    example = re.sub("%.", lambda found: DIRECTIVES[found[0]][1], form)
    return f"{words} ({example})"
