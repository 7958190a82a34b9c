"""What is wrong with *data*: counted, shown, perhaps blocking; never a participant id, free text or object key in it.

Errors (errors.py) are for unusable declarations and deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 row has` or `2 rows have`; by default the plural ends in s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True)
class Finding:
    """One observation about data.

    Attributes:
        check: name of the check it belongs to (`codes`, `bounds`, `keys`, `conflicts`, `ledger`, `drift` …).
        message: names, counts and codes of declared choice columns only.
        count: rows or values concerned.
        severity: `note` (told, the check passes), `warning` (the check fails), `error` (fails and blocks downstream).
        subject: variable, column or file number concerned; empty = the whole table.
    """

    check: str
    message: str
    count: int = 1
    severity: Severity = "warning"
    subject: str = ""
