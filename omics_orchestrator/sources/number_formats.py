"""Number formats of Excel that let a person see another text than the cell's value: which those are, and how told.

ECMA-376 part 1, 18.8.30 and 18.8.31.
"""

from __future__ import annotations

import re
from typing import Literal

from omics_orchestrator.findings import Severity

Shown = Literal["zeros", "percent", "scaled", "hidden", "text"]
TOLD: dict[Shown, tuple[str, Severity]] = {
    "zeros": (
        "Excel shows leading zeros that the cells do not hold, and they arrive without them",
        "warning",
    ),
    "percent": ("Excel shows percent, and the cells arrive as fractions of one", "note"),
    "scaled": ("Excel shows thousands or millions, and the cells arrive in full", "warning"),
    "hidden": ("Excel shows nothing of cells that hold a number, and they arrive with it", "warning"),
    "text": (
        "Excel shows a text beside the numbers that the cells do not hold, and they arrive without it",
        "note",
    ),
}
PERCENT = {9: "0%", 10: "0.00%"}  # built-in formats are not written down in the workbook
SPARE = re.compile(r"[_*].|\[[^\]]*\]", re.DOTALL)
TEXT = re.compile(r'"([^"]*)"|\\(.)', re.DOTALL)
DATES = re.compile(r"[dmyhs]", re.IGNORECASE)


def shown_by(code: str) -> tuple[Shown | None, int]:
    """Return what a format does to a number, and for `zeros` how many digits it shows at least."""
    if code.replace(" ", "") == ";;;":
        return "hidden", 0
    bare = SPARE.sub("", code.split(";")[0])
    words = "".join(one or two for one, two in TEXT.findall(bare))
    signs = TEXT.sub("", bare)
    if signs.strip().lower() in {"", "general", "@"} or DATES.search(signs):
        return ("text", 0) if any(map(str.isalnum, words)) and "general" in signs.lower() else (None, 0)
    whole = re.split(r"[.eE/]", signs)[0]
    if "%" in signs:
        return "percent", 0
    if whole.count("0") > 1 and "/" not in signs:
        return "zeros", whole.count("0")
    if re.search(r"[0#?],+[^0#?,]*$", signs):
        return "scaled", 0
    return ("text", 0) if any(map(str.isalnum, words)) else (None, 0)


def changes(shown: Shown, digits: int, value: str) -> bool:
    """Tell whether a number looks otherwise by its format; zeros are shown only before a short one."""
    if shown != "zeros":
        return True
    try:
        return len(str(abs(round(float(value))))) < digits
    except (ValueError, OverflowError):
        return False
