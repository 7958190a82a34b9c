"""The shapes of cells that name a person: each function tells of distinct cells which have one.

Whether a column is suspicious (how many cells, what it is called) is decided in identifiers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask: TypeAlias = npt.NDArray[np.bool_]
Shape: TypeAlias = Callable[[pa.Array], Mask]

AREAS = (
    "AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|"
    "FK|FY|G|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|"
    "NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|"
    "UB|W|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE"
)
OUTWARD, INWARD = rf"(?:{AREAS})[0-9][A-Z0-9]?", "[0-9][ABD-HJLNP-UW-Z]{2}"
WORD = r"\p{Lu}\p{Ll}*(?:['’-]\p{Lu}\p{Ll}+)?"
MONTHS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
WEIGHTS = np.arange(10, 1, -1)
PASSES = 0.8  # of ten-digit cells: one in eleven has a right check digit by chance


def matching(pattern: str, *, anywhere: bool = False) -> Shape:
    """Return the test whether a cell matches the (RE2) pattern as a whole, or somewhere in it."""
    whole = pattern if anywhere else f"^(?:{pattern})$"

    def shape(cells: pa.Array) -> Mask:
        found = pc.match_substring_regex(cells, whole)
        return cast("Mask", found.to_numpy(zero_copy_only=False))

    return shape


def either(*tests: Shape, but: Shape | None = None) -> Shape:
    """Return the test whether a cell has one of several shapes, and not that of `but`."""

    def shape(cells: pa.Array) -> Mask:
        found: Mask = np.logical_or.reduce([test(cells) for test in tests])
        return np.logical_and(found, ~but(cells)) if but else found

    return shape


date = either(
    matching(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}([ T].*)?"),
    matching(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ]([0-9]{2}|[0-9]{4})( .*)?"),
    matching(r"[0-9]{1,2}(st|nd|rd|th)?[- ]?[A-Za-z]{3,9}\.?,?[- ]?([0-9]{2}|[0-9]{4})"),
    matching(r"[A-Za-z]{3,9}\.? [0-9]{1,2}(st|nd|rd|th)?,? [0-9]{4}"),
    matching(
        r"(19|20)[0-9]{2}(0[1-9]|1[0-2])([0-2][0-9]|3[01])|[1-4][0-9]{4}(\.0)?"
    ),  # 19800131; Excel's number
)
email = matching(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}\.?")
phone = either(
    matching(r"(\+|00)[1-9][0-9]{0,2}[ ()-]*[0-9][0-9 ()-]{6,16}[0-9]"),
    matching(r"\(?07[0-9]{3}\)?[ -]?[0-9]{3}[ -]?[0-9]{3}"),
    matching(r"\(?0[1-3][0-9]{1,4}\)?([ -][0-9]{3,8}|[ -][0-9]{3,4}[ -][0-9]{3,4})"),
    matching(r"(\+?1[ .-]?)?(\([0-9]{3}\) ?[0-9]{3}[ .-]?[0-9]{4}|[0-9]{3}([ .-])[0-9]{3}[ .-][0-9]{4})"),
    but=date,
)
any_phone = either(phone, matching(r"[+(]?[0-9][0-9 ()/-]{5,18}[0-9]( ?(x|ext)\.? ?[0-9]+)?"), but=date)
postcode = either(
    matching(rf"(?i:{OUTWARD}{INWARD})"), matching(rf"(?:^|[ ,\n])(?:{OUTWARD} {INWARD})\b", anywhere=True)
)
any_postcode = either(
    matching(rf"(?i:{OUTWARD} *{INWARD})"), matching(r"[0-9]{5}(-[0-9]{4})?|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]")
)
social_security = either(
    matching(r"[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}"),
    matching(r"[A-CEGHJ-PR-TW-Z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-D]"),
)
long_number = either(
    social_security, matching(r"[A-Za-z]{0,3}[0-9][0-9 /-]{4,13}[0-9Xx]?[A-Za-z]?"), but=date
)
address = either(
    matching(r"(?s:.{0,40}[0-9][0-9A-Za-z]*,?\s+\p{L}{3}.{3,})"),
    matching(r"(?s:.{0,60}\p{L}{3},?\s+[0-9]{1,5}.*)"),
)
letters = either(
    matching(r"\p{L}[\p{L}'’. -]{0,60}"),
    but=matching("(?i:yes|no|true|false|unknown|n\\.?a\\.?|none|male|female)"),
)


def full_name(cells: pa.Array) -> Mask:
    """Return which cells are two to four capitalised words; none where fewer than three, or than half of them, are."""
    found = matching(rf"{WORD}\.?( {WORD}\.?){{1,3}}|{WORD}, {WORD}( {WORD})?")(cells)
    return found if found.sum() >= 3 and found.mean() >= 0.5 else np.zeros(len(cells), dtype=bool)


def nhs(cells: pa.Array) -> Mask:
    """Return which cells are NHS numbers: ten digits of which the last follows from the others (modulus 11)."""
    digits, ten = _ten_digits(cells)
    return _borne_out(ten, _checked(digits))


def chi(cells: pa.Array) -> Mask:
    """Return which cells are CHI numbers: an NHS number that begins with a date, DDMMYY; Excel drops its first 0."""
    digits, ten = _ten_digits(pc.replace_substring_regex(cells, "^([1-9][0-9]{8})$", r"0\1"))
    day, month = digits[:, 0] * 10 + digits[:, 1], digits[:, 2] * 10 + digits[:, 3]
    dated = (month >= 1) & (month <= 12) & (day >= 1) & (day <= MONTHS[np.clip(month, 1, 12) - 1])
    return _borne_out(ten, _checked(digits) & dated)


def _ten_digits(cells: pa.Array) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return the digits (n × 10, of other cells 0) and which cells are ten digits, perhaps in groups."""
    ten = matching("[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}|[0-9]{6}[ -][0-9]{4}")(cells)
    plain = pc.replace_substring_regex(cells.filter(pa.array(ten)), "[ -]", "")
    digits = np.zeros((len(cells), 10), dtype=np.int64)
    digits[ten] = np.frombuffer("".join(plain.to_pylist()).encode(), dtype=np.uint8).reshape(-1, 10) - ord(
        "0"
    )
    return digits, ten


def _checked(digits: npt.NDArray[np.int64]) -> Mask:
    """Return whose last digit follows from the others; ten times the same digit is a filler."""
    check = (11 - (digits[:, :9] * WEIGHTS).sum(axis=1) % 11) % 11
    right: Mask = (check == digits[:, 9]) & (digits != digits[:, :1]).any(axis=1)
    return right


def _borne_out(shaped: Mask, right: Mask) -> Mask:
    """Return `right` within `shaped`; nobody where too few of them are right: then they are other numbers."""
    found = shaped & right
    return found if found.sum() >= PASSES * shaped.sum() else np.zeros_like(found)
