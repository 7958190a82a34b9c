"""What the cells of a column without a codebook are: numbers, dates, or a few short words.

No value leaves here, save for words that are compared with labels and never shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.identifier_shapes import Shape, date, matching
from omics_orchestrator.sources.described import Kind

MOST = 20  # distinct words of what may be a code list
LONGEST = 60  # characters of one
MOSTLY = 0.9  # of the distinct cells must agree
NUMBER = r"[<>]?=?\s*[-+]?[0-9]+([.,][0-9]+)?([eE][-+]?[0-9]+)?"
BLANK = ("", "NA", "N/A", "None", "nan", "null", ".", "-")
YES_NO = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"ja", "nein"})
number = matching(NUMBER)


@dataclass(frozen=True)
class Cells:
    """What the cells are.

    Attributes:
        kind: number, date, yes_no, choice or text; '' = there are none.
        words: the distinct cells where they are few and short.
        lowest: the least number.
        highest: the greatest one.
    """

    kind: Kind = ""
    words: frozenset[str] = frozenset()
    lowest: float | None = None
    highest: float | None = None


def cells_of(column: pa.ChunkedArray) -> Cells:
    """Return what the cells of a text column are."""
    distinct = pc.utf8_trim_whitespace(pc.drop_null(pc.unique(column)))
    distinct = distinct.filter(pc.invert(pc.is_in(distinct, value_set=pa.array(BLANK, pa.string()))))
    if not len(distinct):
        return Cells()
    if _mostly(number, distinct):
        found = distinct.filter(pa.array(number(distinct)))
        plain = pc.replace_substring_regex(found, r"^[<>]?=?\s*[+]?", "")
        values = pc.replace_substring(plain, ",", ".").cast(pa.float64())
        return Cells("number", frozenset(), pc.min(values).as_py(), pc.max(values).as_py())
    if _mostly(date, distinct):
        return Cells("date")
    short = len(distinct) <= MOST and pc.max(pc.utf8_length(distinct)).as_py() <= LONGEST
    if not short:
        return Cells("text")
    words = frozenset(distinct.to_pylist())
    return Cells("yes_no" if {word.casefold() for word in words} in YES_NO else "choice", words)


def _mostly(shape: Shape, distinct: pa.Array) -> bool:
    return bool(np.mean(shape(distinct)) >= MOSTLY)
