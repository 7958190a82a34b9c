"""The units that studies may write: other spellings, what is fixed by hand, molar masses. UCUM itself: ucum.py.

`units.csv` comes first, so that `K/uL` is never read as kelvin, and so that pint is loaded only for a pair that
the table does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.ucum import Conversion, Refused, UnknownUnit, resolve
from omics_orchestrator.errors import nearest

HEADER = ("alias", "unit", "factor", "offset", "substance")
MASSES_HEADER = ("substance", "g_per_mol", "source")
FOLDED = str.maketrans({"µ": "u", "μ": "u", "×": "x", "·": ".", **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))})  # noqa: B905
RAISED = re.compile(r"(?<=10)(?=[⁰¹²³⁴⁵⁶⁷⁸⁹])")
POWER = re.compile(r"^[xX*]?\s*10\s*(?:\^|\*{1,2}|[eE])\s*(-?[0-9]+)")
SHOWN = 8  # spellings named in a message


def folded(text: str) -> str:
    """Return a unit with one spelling of the micro sign, of raised digits and of powers of ten."""
    return POWER.sub(r"10*\1", RAISED.sub("^", text.strip()).translate(FOLDED))


@dataclass(frozen=True)
class Units:
    """What stands in units.csv and molar_masses.csv.

    Attributes:
        aliases: another spelling (folded) → UCUM spelling.
        fixed: (given, unit, substance) → conversion by hand; substance is empty where it holds for all.
        masses: substance → g/mol.
        canonical: the units that a variable may have.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[tuple[str, str, str], Conversion] = field(default_factory=dict)
    masses: Mapping[str, float] = field(default_factory=dict)
    canonical: tuple[str, ...] = ()

    def conversion(self, given: str, unit: str, substance: str = "") -> Conversion:
        """Return how a value in `given` becomes one in `unit`.

        Args:
            given: the unit as the study writes it.
            unit: the dictionary's unit.
            substance: the variable's name, for molar masses and for rules that hold for one substance only.

        Raises:
            ValueError: `what is wrong; what is allowed`.
        """
        if not unit:
            raise ValueError(f"cannot convert {given!r}: the variable has no unit; leave `unit` out")
        start, end = self.ucum(given), self.ucum(unit)
        if start == end:
            return Conversion()
        if (fixed := self._fixed(start, end, substance)) is not None:
            return fixed
        try:
            return resolve(start, end, self.masses.get(substance))
        except UnknownUnit as error:
            names = {*self.aliases, *self.canonical}
            told = f"it may be given in {', '.join(self.spellings(unit)[:SHOWN])}"
            known = suggest(given, names) if nearest(given, names) else told
            raise ValueError(
                f"cannot convert {given!r} to {unit!r}: {str(error)!r} is not a unit that is known; {known}"
            ) from error
        except Refused as error:
            allowed = ", ".join(self.spellings(unit)[:SHOWN])
            raise ValueError(
                f"cannot convert {given!r} to {unit!r}: {error}; it may be given in {allowed}"
            ) from error

    def ucum(self, text: str) -> str:
        """Return a unit in UCUM spelling, itself where no other spelling is declared."""
        unit = folded(text)
        for _ in range(2):  # an alias may name another alias
            unit = self.aliases.get(unit, unit)
        return unit

    def spellings(self, unit: str) -> list[str]:
        """Return words of units.csv that can be turned into `unit`, itself first."""
        near = {given for given, to, substance in self.fixed if to == unit and not substance} | {unit}
        others = {alias for alias, to in self.aliases.items() if to in near} | near
        return [unit, *sorted(others - {unit})]

    def _fixed(self, given: str, unit: str, substance: str) -> Conversion | None:
        for of in (substance, ""):
            if (there := self.fixed.get((given, unit, of))) is not None:
                return there
            if (back := self.fixed.get((unit, given, of))) is not None:
                return back.inverse()
        return None


def read_units(file: Path, masses: Path, problems: Problems) -> Units:
    """Read `units.csv` and `molar_masses.csv`; a row without factor is another spelling of the same unit."""
    aliases: dict[str, str] = {}
    fixed: dict[tuple[str, str, str], Conversion] = {}
    canonical: set[str] = set()
    for row in read_csv(file, HEADER, ("alias", "unit"), problems):
        alias, unit = folded(row.cells["alias"]), row.cells["unit"]
        conversion = _conversion(file, row, problems)
        of = [name.strip() for name in row.cells["substance"].split(";")]
        keys = [(alias, unit, name) for name in of]  # in their order: the digest of the dictionary reads it
        fixed_already = set(keys) & fixed.keys() if conversion else {given for given, *_ in fixed} & {alias}
        if alias in aliases or fixed_already:
            problems.add(file, row.line, alias, f"{alias!r} is given twice", "a spelling means one unit")
        elif conversion is None:
            aliases[alias] = unit
        else:
            fixed.update(dict.fromkeys(keys, conversion))
        canonical.add(unit)
    return Units(aliases, fixed, _masses(masses, problems), tuple(sorted(canonical)))


def _conversion(file: Path, row: Row, problems: Problems) -> Conversion | None:
    """Return what a row fixes by hand, or None where it only names another spelling."""
    alias, unit, factor, offset, substance = (row.cells[column] for column in HEADER)
    if not factor and not offset and not substance:
        return None
    slope, shift = _number(factor), _number(offset or "0")
    if slope is None or slope <= 0:
        problems.add(file, row.line, alias, "the factor must be a number above 0", "empty = another spelling")
    elif shift is None:
        problems.add(file, row.line, alias, "the offset must be a number", "empty = 0")
    else:
        added = f" {shift:+g}" if shift else ""
        of = f" ({substance})" if substance else ""
        return Conversion(slope, shift, f"units.csv: {alias} × {slope:g}{added} = {unit}{of}")
    return Conversion()


def _masses(file: Path, problems: Problems) -> dict[str, float]:
    masses: dict[str, float] = {}
    for row in read_csv(file, MASSES_HEADER, MASSES_HEADER, problems):
        name, mass = row.cells["substance"], _number(row.cells["g_per_mol"])
        if name in masses:
            problems.add(file, row.line, name, "the substance is given twice")
        elif mass is None or mass <= 0:
            problems.add(file, row.line, name, "g_per_mol must be a number above 0")
        else:
            masses[name] = mass
    return masses


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
