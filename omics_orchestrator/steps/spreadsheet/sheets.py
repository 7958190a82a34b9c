"""The sheets of the dictionary's workbook: which file each one is, its columns, how it is looked at.

How they are written is in book.py, how they are read in reading.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omics_orchestrator.dictionary.variables import CODE_HEADER, VARIABLE_HEADER
from omics_orchestrator.studies.suggestions import FILE, HEADER

FORMAT = "2"  # of the workbook: 1 knew no suggestions, and an older omics would pass them over
FORMATS = ("1", FORMAT)  # that are read; another one is refused
INSIDE = "omics"  # the hidden sheet: format, digests, the exported files, the allowed values
COVERAGE = "coverage: "  # begins the header of a column that is shown and never read
SHOWN = "shown: "  # so does this
SAMPLE = 9  # codes that are shown of a list or column
REVIEWS = ("review", "reviewer")
WIDTHS = {
    **{"name": 32, "code_list": 22, "code": 24, "label": 44, "description": 60, "terms": 30},
    **{
        "domain": 20,
        "unit": 12,
        "min": 9,
        "max": 9,
        "review": 40,
        "variable": 34,
        "rule": 90,
        "reviewer": 16,
    },
    **{"column": 40, "by": 26},
}
WIDTHS |= {f"{SHOWN}{name}": 34 for name in ("column's label", "variable's label", "why", "rule")}
WIDTH = 13  # characters, of a column that WIDTHS does not name


@dataclass(frozen=True)
class Sheet:
    """One sheet that is read back.

    Attributes:
        name: as it stands on the tab.
        file: the file of the dictionary whose rows it shows.
        header: the file's columns, in their order.
        key: the columns that name a row.
        numbers: the columns in which a number of the spreadsheet program is welcome.
        days: the columns in which a date of the spreadsheet program is welcome.
    """

    name: str
    file: str
    header: tuple[str, ...]
    key: tuple[str, ...]
    numbers: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()

    def key_of(self, cells: Mapping[str, str]) -> tuple[str, ...]:
        """Return what names the row."""
        return tuple(cells[name] for name in self.key)


VARIABLES = Sheet("variables", "variables.csv", VARIABLE_HEADER, ("name",), frozenset({"min", "max"}))
CODES = Sheet("codes", "code_lists.csv", CODE_HEADER, ("code_list", "code"))
SHEETS = (VARIABLES, CODES)
MAPPINGS = Sheet(
    "mappings", "mapping.yaml", ("study", "entity", "variable", "rule"), ("study", "entity", "variable")
)
SUGGESTIONS = Sheet(
    "suggestions", FILE, ("study", *HEADER), ("study", "column", "variable"), days=frozenset({"on"})
)


def named(key: tuple[str, ...]) -> str:
    """Return a row's key as people read it."""
    return " ".join(key)


def is_shown(name: str) -> bool:
    """Tell whether a column of that header is shown and never read."""
    return name.startswith((COVERAGE, SHOWN))
