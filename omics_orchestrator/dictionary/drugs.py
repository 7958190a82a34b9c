"""Drugs and their classes: reading `drugs.csv` and `drug_classes.csv`. What a drug's code looks like: atc.py.

No part of `Dictionary`: search and pages read it, no run does. A mistake here is for `omics check`, and must neither
stop a run nor make an asset stale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.atc import AtcCode, read_codes
from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.dictionary.told import Telling, read_telling, split_list, wrong_telling
from omics_orchestrator.dictionary.validation import Shape, validate

DRUGS_FILE, CLASSES_FILE = "drugs.csv", "drug_classes.csv"
CLASS_HEADER = ("class", "part_of", "advanced", "synonyms", "variables")
DRUG_HEADER = (
    *("ingredient", "class", "atc", "rxnorm", "codes_source", "synonyms"),
    *("persistence_days", "persistence_source", "washout_days", "washout_source", "ever_taken", "variables"),
)
SOURCED = {
    "codes_source": ("atc", "rxnorm"),
    "persistence_source": ("persistence_days",),
    "washout_source": ("washout_days",),
}
Codes = Mapping[str, Collection[str]]
"""Variable → the codes that it may hold, as `Dictionary.codes` tells them."""


def _not_negative(days: int) -> int:
    if days < 0:
        raise ValueError(f"{days} days: a time cannot be negative")
    return days


Days = Annotated[int, AfterValidator(_not_negative)]
Listed = Annotated[tuple[str, ...], BeforeValidator(split_list)]
Told = Annotated[tuple[Telling, ...], BeforeValidator(read_telling)]


class DrugClass(Declared):
    """A mechanism class, or a group of classes: a row of `drug_classes.csv`."""

    name: str = Field(alias="class")
    part_of: str = ""
    """The group that it belongs to."""
    advanced: bool | None = None
    """Whether its drugs are advanced therapies; empty where some are."""
    synonyms: Listed = ()
    variables: Told = ()
    """Variables about the class as a whole."""


class Drug(Declared):
    """One active ingredient: a row of `drugs.csv`."""

    name: str = Field(alias="ingredient")
    drug_class: str = Field(alias="class")
    atc: Annotated[tuple[AtcCode, ...], BeforeValidator(read_codes)] = ()
    """Codes of the ATC classification, such as `L04AA33 until 2023; L04AG05 from 2024`."""
    rxnorm: str = Field(default="", pattern=r"^[0-9]{1,8}$")
    """The number of the ingredient in RxNorm: digits only."""
    codes_source: str = ""
    synonyms: Listed = ()
    """Brands, biosimilars, short forms, misspellings."""
    persistence_days: Days | None = None
    """Days without a dose or supply after which a course counts as ended."""
    persistence_source: str = ""
    washout_days: Days | None = None
    """Days after the last dose in which the drug still counts as at work."""
    washout_source: str = ""
    ever_taken: str = ""
    """The yes/no variable whose `no` says that it was never taken."""
    variables: Told = ()
    """Variables about this drug."""


CLASS: Shape[DrugClass] = Shape(DrugClass)
DRUG: Shape[Drug] = Shape(Drug)
T = TypeVar("T", DrugClass, Drug)


@dataclass(frozen=True)
class Drugs:
    """What stands in both files; empty where there are none.

    Attributes:
        classes: name → class, in the order of the file.
        drugs: ingredient → drug, in the order of the file.
        places: class or ingredient → file and line.
    """

    classes: Mapping[str, DrugClass] = field(default_factory=dict)
    drugs: Mapping[str, Drug] = field(default_factory=dict)
    places: Mapping[str, tuple[Path, int]] = field(default_factory=dict)

    def of_class(self, name: str) -> tuple[Drug, ...]:
        """Return the drugs of a class itself, not of the classes below it."""
        return tuple(drug for drug in self.drugs.values() if drug.drug_class == name)

    def groups(self, name: str) -> tuple[str, ...]:
        """Return a class and the groups above it, itself first."""
        found: list[str] = []
        while name in self.classes and name not in found:
            found.append(name)
            name = self.classes[name].part_of
        return tuple(found)

    def below(self, name: str) -> tuple[str, ...]:
        """Return the names of all classes and drugs that a class holds."""
        classes = [one for one in self.classes if one != name and name in self.groups(one)]
        return (*classes, *(drug.name for one in (name, *classes) for drug in self.of_class(one)))

    def telling(self, variable: str) -> tuple[Drug | DrugClass, ...]:
        """Return the drugs, else the classes, about which a variable tells."""
        for kind in (self.drugs.values(), self.classes.values()):
            if found := tuple(one for one in kind if any(told.meets(variable) for told in one.variables)):
                return found
        return ()


def read_drugs(folder: Path, problems: Problems, codes: Codes | None = None) -> Drugs:
    """Return the usable rows of both files, noting every mistake; a dictionary without them has no drugs.

    Args:
        folder: the data dictionary.
        problems: where mistakes are noted.
        codes: variable → its codes, against which `variables` and `ever_taken` are checked; None = they are not.
    """
    places: dict[str, tuple[Path, int]] = {}
    classes = _read(folder / CLASSES_FILE, CLASS_HEADER, CLASS, places, problems, codes)
    drugs = _read(folder / DRUGS_FILE, DRUG_HEADER, DRUG, places, problems, codes)
    for name, one in classes.items():
        _known(one.part_of, classes, (*places[name], name), problems)
        if one.part_of and name in Drugs({**classes, name: one}).groups(one.part_of):
            problems.add(*places[name], name, f"the class is part of itself, by {one.part_of!r}")
    for name, drug in drugs.items():
        _known(drug.drug_class, classes, (*places[name], name), problems)
    sorted_out = {name: drug for name, drug in drugs.items() if drug.drug_class in classes}
    return Drugs(classes, sorted_out, places)


def as_written(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Return `drug_classes` and `drugs` → name → the filled cells of its row, for comparing; right or wrong."""
    files = {"drug_classes": (CLASSES_FILE, CLASS_HEADER), "drugs": (DRUGS_FILE, DRUG_HEADER)}
    found: dict[str, dict[str, dict[str, str]]] = {}
    for section, (name, header) in files.items():
        file = folder / name
        rows = read_csv(file, header, header[:1], Problems()) if file.is_file() else ()
        found[section] = {
            row.cells[header[0]]: {column: cell for column, cell in row.cells.items() if cell} for row in rows
        }
    return found


def _read(
    file: Path,
    header: Sequence[str],
    shape: Shape[T],
    places: dict[str, tuple[Path, int]],
    problems: Problems,
    codes: Codes | None,
) -> dict[str, T]:
    found: dict[str, T] = {}
    rows = read_csv(file, header, header[:1], problems) if file.is_file() else []
    for row in rows:
        name = row.cells[header[0]]
        if name in places:
            first, line = places[name]
            problems.add(file, row.line, name, f"{name!r} is given twice, first in {first.name}:{line}")
            continue
        places[name] = file, row.line
        lines: dict[Place, int] = {(name, column): row.line for column in row.cells}
        lines[(name,)] = row.line
        filled = {column: cell for column, cell in row.cells.items() if cell}
        one = validate(shape, filled, Document(file, problems, lines=lines), (name,))
        for message, allowed in _contradictions(row, one, codes):
            problems.add(file, row.line, name, message, allowed)
        if one:
            found[name] = one
    return found


def _contradictions(row: Row, one: Drug | DrugClass | None, codes: Codes | None) -> Iterator[tuple[str, str]]:
    """Yield what does not fit together within a row, or with the variables."""
    for source, columns in SOURCED.items():
        filled = [column for column in columns if row.cells.get(column)]
        if filled and not row.cells[source]:
            yield (
                f"{filled[0]} is given without {source}",
                "where it was read, or the assumption; else leave both empty",
            )
    if one is None or codes is None:
        return
    yield from wrong_telling(one.variables, codes)
    ever = one.ever_taken if isinstance(one, Drug) else ""
    if ever and "no" not in codes.get(ever, ()):
        yield f"ever_taken: {ever!r} is no yes/no variable of variables.csv", suggest(ever, _yes_no(codes))
    elif ever and not any(told.meets(ever) for told in one.variables):
        yield f"ever_taken: {ever!r} does not stand under `variables`", "name it there also"


def _yes_no(codes: Codes) -> Iterable[str]:
    return (name for name, of in codes.items() if set(of) == {"yes", "no"})


def _known(name: str, classes: Collection[str], place: tuple[Path, int, str], problems: Problems) -> None:
    if name and name not in classes:
        problems.add(*place, f"{name!r} is not a class of {CLASSES_FILE}", suggest(name, classes))
