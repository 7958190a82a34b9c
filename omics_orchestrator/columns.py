"""Safe Postgres names for the columns of strangers. Which columns are admitted is not decided here."""

from __future__ import annotations

import re
from collections.abc import Iterable

LIMIT = 63  # bytes of a Postgres identifier
SYSTEM = frozenset(
    {"ctid", "cmin", "cmax", "xmin", "xmax", "tableoid"}
)  # every Postgres table has these already


def safe_name(original: str) -> str:
    """Return `original` in lower case with `_` for all but `[a-z0-9_]`, starting with a letter, at most 63 bytes."""
    name = re.sub(r"[^a-z0-9_]+", "_", original.strip().lower()).strip("_") or "column"
    if not name[0].isalpha():
        name = f"c_{name}"
    return name[:LIMIT].rstrip("_")


def safe_names(originals: Iterable[str], *, reserved: Iterable[str] = ()) -> dict[str, str]:
    """Return original → safe name, in order; a name taken already gets `_2`, `_3` … (still at most 63 bytes)."""
    taken = {*SYSTEM, *reserved}
    names: dict[str, str] = {}
    for original in originals:
        base = candidate = safe_name(original)
        number = 1
        while candidate in taken:
            number += 1
            suffix = f"_{number}"
            candidate = base[: LIMIT - len(suffix)] + suffix
        taken.add(candidate)
        names[original] = candidate
    return names
