"""Leaves files out of a listing that the study says are none of the assay: protocols, logs, tables of phenotypes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

WILD = {"*": ".*", "?": "."}
LEAVE_OUT = "delete from listed where substr(key, %(start)s) ~ %(pattern)s"
FORGET = """
delete from registry.file using registry.file_set
where set_number = file_set.number and study = %(study)s and assay = %(assay)s
  and substr(key, %(start)s) ~ %(pattern)s
"""


def leave_out(cursor: Cursor, whose: Mapping[str, object], folder: str, patterns: Sequence[str]) -> int:
    """Take the files that match a pattern out of the temporary table `listed`, and forget those registered before.

    Args:
        cursor: of the registration, after the listing was stored.
        whose: study and assay.
        folder: the folder of the assay's location, with its slash; patterns are held against what follows.
        patterns: `*` stands for any text, folders included, `?` for one character.

    Returns:
        How many registered files were forgotten.
    """
    if (pattern := pattern_of(patterns)) is None:
        return 0
    asked = {**whose, "start": len(folder) + 1, "pattern": pattern}
    cursor.execute(LEAVE_OUT, asked)
    cursor.execute(FORGET, asked)
    return int(cursor.rowcount)


def pattern_of(patterns: Sequence[str]) -> str | None:
    """Return the regular expression of Postgres that all patterns together are; None = there is no pattern."""
    return "|".join(f"(^{as_regex(pattern)}$)" for pattern in patterns) or None


def as_regex(pattern: str) -> str:
    """Return a pattern as a regular expression of Postgres.

    >>> as_regex("logs/*.txt")
    'logs/.*[.]txt'
    """
    parts = re.split(r"([*?])", pattern)
    return "".join(WILD.get(part) or re.sub(r"[^\w/ -]", _literal, part) for part in parts)


def _literal(sign: re.Match[str]) -> str:
    """Return one sign so that it stands for itself; in brackets `^` and the backslash would not."""
    return f"\\{sign[0]}" if sign[0] in "^\\" else f"[{sign[0]}]"
