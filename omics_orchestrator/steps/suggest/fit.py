"""Whether a column can hold a variable at all (vetoes), and how well their types, units, ranges and codes agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from omics_orchestrator.dictionary import Dictionary, Variable
from omics_orchestrator.dictionary.units import Units, folded
from omics_orchestrator.steps.suggest.codes import Recoding, code_lists, list_of, recoding
from omics_orchestrator.steps.suggest.column import SourceColumn

DATES = {"date", "partial_date"}
NUMBERS = {"integer", "decimal", "censored"}
CODES = {"code", "set", "boolean"}
# What kind of cells becomes which types without loss of meaning; any other pair costs.
FITS = {
    "number": NUMBERS,
    "text": {"text", *NUMBERS, *DATES},
    "date": DATES,
    "yes_no": {"boolean", "code"},
    "choice": CODES,
    "several": {"code", "set"},
    "file": {"file"},
}
FREE = {"", "text"}  # kinds whose cells may be anything
HALF = 0.5  # of the labels must be codes of a list to look at its variables, whatever they are called
UNFIT = 0.75  # what a type that does not fit leaves of the score
OUTSIDE = 0.75  # what ranges without any number in common leave
CODED = (
    0.3  # what codes with the same labels add where no other variable has such codes; the more have, the less
)
BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,24})[)\]]")
WITHIN = re.compile(r"(?<!\S)in ([^\s()\[\],;]{1,12}?)(?=[\s()\[\],;.]|$)")
ENDS = re.compile(r"[\s_](kg|cm|mm|lb|%)$")
QUOTIENT = re.compile(r"(?<!\S)[^\s()\[\],;]{1,12}/[^\s()\[\],;]{1,12}(?!\S)")


@dataclass(frozen=True)
class Fit:
    """What speaks for and against a pair, beside its words.

    Attributes:
        factor: what is left of the likeness of words.
        bonus: what is added to it.
        why: in words.
        codes: how the codes would be translated.
    """

    factor: float = 1.0
    bonus: float = 0.0
    why: tuple[str, ...] = ()
    codes: Recoding = field(default_factory=Recoding)


class Fits:
    """Compares columns with the variables of one dictionary; what it found out of units and codes is kept."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self._conversions: dict[tuple[str, str], str | None] = {}
        self._recodings: dict[tuple[tuple[tuple[str, str], ...], str], Recoding] = {}
        self._lists = code_lists(dictionary)
        listed = [list_of(variable) for variable in dictionary.variables.values()]
        self._users = Counter(said for name in listed if name for said in self._lists[name].said.values())

    def of(self, column: SourceColumn, variable: Variable) -> Fit | None:
        """Return how well a column fits a variable; None = a veto: dates, units."""
        kind = column.about.kind
        if (kind == "date") != (variable.type in DATES) and not (
            kind in FREE or self._a_year(column, variable)
        ):
            return None
        if kind == "file" and variable.type != "file":
            return None
        unit = column.unit if kind in {"", "number", "text"} else ""
        agrees = self._conversion(unit, variable)
        if agrees is None:
            return None
        factor, why = 1.0, [agrees] if agrees else []
        if kind and variable.type not in FITS[kind]:
            factor *= UNFIT
        if not unit and _apart(column, variable):
            factor *= OUTSIDE
            why.append("its numbers lie elsewhere")
        found = self._recoding(column, variable)
        if found.overlap:
            total = len(found.map) + len(found.open)
            why.append(f"{len(found.map)} of {total} codes by their labels")
        bonus = CODED * found.overlap * self._weight(found, list_of(variable))
        return Fit(factor, bonus, tuple(why), found)

    @staticmethod
    def _a_year(column: SourceColumn, variable: Variable) -> bool:
        """Tell whether a number may be the year of a date that is known in part."""
        return column.about.kind == "number" and variable.type == "partial_date"

    def _conversion(self, unit: str, variable: Variable) -> str | None:
        """Return what to say of the units, '' = nothing, None = they measure different things."""
        if not unit or variable.type not in NUMBERS:
            return None if unit and variable.type != "text" else ""
        key = (unit, variable.name)
        if key not in self._conversions:
            try:
                self.dictionary.units.conversion(unit, variable.unit, variable.name)
            except ValueError:
                self._conversions[key] = None
            else:
                same = self.dictionary.units.ucum(unit) == variable.unit
                self._conversions[key] = (
                    f"unit {variable.unit}" if same else f"unit {unit} becomes {variable.unit}"
                )
        return self._conversions[key]

    def with_codes_of(self, column: SourceColumn) -> frozenset[str]:
        """Return the code lists that say the same as at least half of the column's labels, to the letter."""
        labels = frozenset(_choices(column).values())
        if not labels or column.about.kind == "yes_no":
            return frozenset()
        return frozenset(name for name, codes in self._lists.items() if codes.share_of(labels) >= HALF)

    def _weight(self, found: Recoding, listed: str) -> float:
        """Return what the codes in common say: 1 = only one variable has such a code, less the more have it."""
        if not found.map:
            return 0.0
        codes = self._lists[listed]
        return fmean(self._users[codes.said[code]] ** -0.5 for code in found.map.values())

    def _recoding(self, column: SourceColumn, variable: Variable) -> Recoding:
        choices, listed = _choices(column), list_of(variable)
        key = (tuple(choices.items()), listed)
        if key not in self._recodings:
            self._recodings[key] = recoding(choices, self._lists[listed]) if listed else Recoding()
        return self._recodings[key]


def _choices(column: SourceColumn) -> Mapping[str, str]:
    """Return the column's codes and labels; the words of a file stand for themselves."""
    return column.about.choices or {word: word for word in sorted(column.words)}


def unit_in(text: str, units: Units, *, named: bool = False) -> str:
    """Return the unit that a label names: `CRP (mg/L)`, `CRP ug/L`, `weight in kg`; '' = none that is known.

    `named`: the text is a column's name, which may end in one of the few units that are no other word (`weight_kg`).
    """
    known = {*units.aliases, *units.canonical, *(given for given, *_ in units.fixed)}
    for part in [*BRACKETS.findall(text), *QUOTIENT.findall(text), *WITHIN.findall(text)]:
        if (len(part.strip()) > 1 or not part.isalpha()) and folded(part) in known:
            return str(part).strip()
    last = ENDS.search(text) if named else None
    return last[1] if last and folded(last[1]) in known else ""


def _apart(column: SourceColumn, variable: Variable) -> bool:
    """Tell whether no number that is expected there is allowed here."""
    low, high = column.about.lowest, column.about.highest
    above = low is not None and variable.max is not None and low > variable.max
    below = high is not None and variable.min is not None and high < variable.min
    return variable.type in NUMBERS and (above or below)
