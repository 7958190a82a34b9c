"""Units of UCUM as they are printed. What they mean: dictionary/ucum.py."""

from __future__ import annotations

import re

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
WORDS = {
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "Cel": "°C",
}


def in_print(unit: str) -> str:
    """Return a unit as people write it.

    >>> [in_print(unit) for unit in ("ug/g", "10*9/L", "kg/m2", "{score}", "a", "umol/L")]
    ['µg/g', '10⁹/L', 'kg/m²', 'score', 'years', 'µmol/L']
    """
    if unit in WORDS:
        return WORDS[unit]
    text = re.sub(r"10\*(-?[0-9]+)", lambda found: "10" + found[1].translate(RAISED), unit)
    text = re.sub(r"(?<![A-Za-z])u(?=[A-Za-z])", "µ", text)
    text = re.sub(r"(?<=[a-zA-Z])([23])(?![0-9])", lambda found: found[1].translate(RAISED), text)
    return text.replace("{", "").replace("}", "").replace("[", "").replace("]", "")
