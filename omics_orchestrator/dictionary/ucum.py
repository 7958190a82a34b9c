"""UCUM units through pint and ucumvert: the factor and offset of a pair, and the vetoes that pint does not know.

What a study may write for a unit, and what is fixed by hand, stands in units.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import isclose, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pint import UnitRegistry

TERM = re.compile(r"([./]?)((?:\[[^\]]*\]|[^\[\]{}./()])*)((?:\{[^}]*\})*)")
CALENDAR = re.compile(r"(a|mo)(_[tjsg])?(-?[0-9])?")
EQUIVALENT = re.compile(r"[a-z]?eq")


@dataclass(frozen=True)
class Conversion:
    """A value in the given unit × `factor` + `offset` is the value in the other unit.

    Attributes:
        factor: above 0.
        offset: added after multiplying.
        rule: by what it was found, for people: `UCUM`, a row of units.csv, a molar mass.
    """

    factor: float = 1.0
    offset: float = 0.0
    rule: str = field(default="the same unit", compare=False, repr=False)

    def inverse(self) -> Conversion:
        """Return the way back."""
        return Conversion(exact(1 / self.factor), -self.offset / self.factor + 0.0, self.rule)


@dataclass(frozen=True)
class Term:
    """One factor of a unit: `L` in `mg/L` is Term("L", -1, ())."""

    code: str
    sign: int
    annotations: tuple[str, ...]


class UnknownUnit(ValueError):
    """A text that is no UCUM unit."""


class Refused(ValueError):
    """Two units that do not convert into each other, and why."""


def exact(number: float) -> float:
    """Return a factor without the noise of its last binary digits; one seventh stays one seventh."""
    parts = round(1 / number) if number and abs(number) < 1 else 0
    if parts and abs(number * parts - 1) < 1e-13:
        return 1 / parts
    return float(f"{number:.14g}") if abs(number - float(f"{number:.12g}")) <= 1e-14 * abs(number) else number


@cache
def resolve(given: str, unit: str, molar_mass: float | None = None) -> Conversion:
    """Return how a value in `given` becomes a value in `unit`; both in UCUM spelling.

    Args:
        given: the unit of the source.
        unit: the unit that is wanted.
        molar_mass: g/mol of the substance that is measured, where it is known.

    Raises:
        UnknownUnit: one of them is no unit.
        Refused: they do not convert into each other.
    """
    left, right = terms(given), terms(unit)
    for veto in VETOES:
        if reason := veto(left, right):
            raise Refused(reason)
    start, end = _quantity(given), _quantity(unit)
    if start.dimensionality == end.dimensionality:
        quantity = registry().Quantity
        return Conversion(*_line(lambda value: quantity(value, start.units).to(end.units).magnitude), "UCUM")
    mass = molar_mass * registry().gram / registry().mole if molar_mass else None
    for converted in (start / mass, start * mass) if mass else ():
        if converted.dimensionality == end.dimensionality:
            factor = (converted.to_base_units() / end.to_base_units()).to("").magnitude
            return Conversion(exact(factor), 0.0, f"UCUM, {molar_mass:g} g/mol")
    needed = {str(start.dimensionality), str(end.dimensionality)}
    amounts = any("[substance]" in one for one in needed) and any("[mass]" in one for one in needed)
    hint = " (the molar mass of what is measured does not stand in molar_masses.csv)" if amounts else ""
    raise Refused(f"they measure different things{hint}")


def terms(unit: str) -> tuple[Term, ...]:
    """Return the factors of a unit.

    Raises:
        UnknownUnit: the text cannot be taken apart (parentheses are not read).
    """
    found, at = [], 0
    while at < len(unit):
        match = TERM.match(unit, at)
        if match is None or match.end() == at:
            raise UnknownUnit(unit)
        operator, code, notes = match.groups()
        annotations = tuple(re.findall(r"\{([^}]*)\}", notes))
        if code or annotations:
            found.append(Term(code.replace("[IU]", "[iU]"), -1 if operator == "/" else 1, annotations))
        elif not (operator == "/" and at == 0):
            raise UnknownUnit(unit)
        at = match.end()
    if not found:
        raise UnknownUnit(unit)
    return tuple(found)


@cache
def registry() -> UnitRegistry[float]:
    """Return the registry of units; building it takes about half a second, so nothing builds it without need."""
    import ucumvert  # noqa: PLC0415 - see above
    from pint import UnitRegistry  # noqa: PLC0415

    units: UnitRegistry[float] = UnitRegistry()
    units.load_definitions(Path(ucumvert.__file__).parent / "pint_ucum_defs.txt")
    return units


@cache
def _reader() -> Callable[[str], Any]:
    """Return what turns UCUM text into one of that unit in our registry (ucumvert's own would use a global one)."""
    from ucumvert.parser import get_ucum_parser, parse_ucum  # noqa: PLC0415 - see registry
    from ucumvert.ucum_pint import UcumToPintTransformer  # noqa: PLC0415

    parser, transformer = get_ucum_parser(), UcumToPintTransformer(registry())
    return lambda text: transformer.transform(parse_ucum(text, parser))


@cache
def _quantity(unit: str) -> Any:
    """Return one of a unit, without its annotations."""
    codes = [("/" if term.sign < 0 else ".") + term.code for term in terms(unit) if term.code]
    text = "".join(codes).removeprefix(".") or "1"
    try:
        one = _reader()(text)
    except Exception as error:  # ucumvert, lark and pint raise many kinds for a text that is no unit
        raise UnknownUnit(unit) from error
    if one.magnitude != 1:  # `1.73` is read as 1 · 73
        raise UnknownUnit(unit)
    return 1.0 * one.units


def _line(convert: Callable[[float], float]) -> tuple[float, float]:
    """Return factor and offset of a conversion that is a straight line; logarithmic units are not."""
    try:
        zero, one, far = (float(convert(value)) for value in (0.0, 1.0, 100.0))
    except OverflowError:  # 10*400
        zero = one = far = 0.0
    if not isfinite(far) or one == zero:
        raise Refused("no number of the one can be written in the other")
    factor = (far - zero) / 100 if zero else one
    if not isclose(far - zero, 100 * (one - zero), rel_tol=1e-9):
        raise Refused("one of them is a logarithm")
    return exact(factor), float(f"{zero:.12g}")


def _annotations(left: tuple[Term, ...], right: tuple[Term, ...]) -> str:
    """Pint drops annotations: per 1.73 m2 is not per anything, of wet stool is not of dry stool."""
    notes = [Counter((note, one.sign) for one in side for note in one.annotations) for side in (left, right)]
    differing = (notes[0] - notes[1]) + (notes[1] - notes[0])
    named = ", ".join(sorted({f"{{{note}}}" for note, _ in differing}))
    return f"only one of them says {named}" if differing else ""


def _arbitrary(left: tuple[Term, ...], right: tuple[Term, ...]) -> str:
    """Units in brackets without a dimension ([iU], [CFU], [HPF]) are defined by their assay alone."""
    sides = [
        Counter((bracket, one.sign) for one in side for bracket in _brackets(one)) for side in (left, right)
    ]
    differing = (sides[0] - sides[1]) + (sides[1] - sides[0])
    named = ", ".join(sorted({bracket for bracket, _ in differing}))
    return f"{named} is an arbitrary unit and converts only to itself" if differing else ""


def _brackets(term: Term) -> list[str]:
    return (
        re.findall(r"\[[^\]]*\]", term.code)
        if "[" in term.code and _quantity(term.code).dimensionless
        else []
    )


def _calendar(left: tuple[Term, ...], right: tuple[Term, ...]) -> str:
    """12 months are a year, but months and years are not so many days: ages are computed from dates."""
    sides = [any(CALENDAR.fullmatch(one.code) for one in side) for side in (left, right)]
    if sides[0] == sides[1]:
        return ""
    return "years and months have no fixed number of days (compute from dates)"


def _equivalents(left: tuple[Term, ...], right: tuple[Term, ...]) -> str:
    """Equivalents depend on the charge of the ion."""
    sides = [any(EQUIVALENT.fullmatch(one.code) for one in side) for side in (left, right)]
    return "" if sides[0] == sides[1] else "equivalents depend on the charge of what is measured"


def _fractions(left: tuple[Term, ...], right: tuple[Term, ...]) -> str:
    """A fraction of amounts, of masses, of volumes and a plain number are four things."""
    kinds = [_fraction(side) for side in (left, right)]
    if None in kinds or kinds[0] == kinds[1]:
        return ""
    return "a fraction of amounts, of masses, of volumes and a plain number are four things"


def _fraction(side: tuple[Term, ...]) -> str | None:
    """Return what a unit without dimension is a fraction of; None where it has a dimension."""
    dimensions = [(_quantity(term.code or "1").units.dimensionality, term.sign) for term in side]
    whole = above = registry().dimensionless.dimensionality
    for one, sign in dimensions:
        whole = whole * one**sign
        above = above * one if sign > 0 else above
    return str(above) if not whole else None


VETOES = (_annotations, _arbitrary, _calendar, _equivalents, _fractions)
