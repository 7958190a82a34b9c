"""Canonical variables and their code lists: the models, and reading `variables.csv` and `code_lists.csv`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, FiniteFloat

from omics_orchestrator.columns import SYSTEM
from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_csv import Row, read_csv
from omics_orchestrator.dictionary.strict_yaml import Document
from omics_orchestrator.dictionary.units import Units
from omics_orchestrator.dictionary.validation import Shape, validate

Entity = Literal["participant", "visit", "sample", "exposure", "procedure"]
VariableType = Literal[
    "text", "integer", "decimal", "boolean", "code", "set", "date", "partial_date", "censored", "file"
]
Sensitivity = Literal["open", "personal", "identifying", "restricted"]

ENTITIES: tuple[Entity, ...] = get_args(Entity)
KEYS: dict[str, tuple[str, ...]] = {
    "participant": ("participant_id",),
    "visit": ("participant_id", "visit_id"),
    "sample": ("participant_id", "sample_id"),
    "exposure": ("participant_id", "exposure_id"),
    "procedure": ("participant_id", "procedure_id"),
}
NUMBERS = {"integer", "decimal", "censored"}
CODED = {"code", "set"}
# Words of mapping.yaml and of expressions: a variable of that name could not be told from them.
RESERVED = {
    "from",
    "key",
    "where",
    "stack",
    "join",
    "reshape",
    "keep",
    "missing",
    "checks",
    "study",
    "participant",
    "reference_date",
}
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

VARIABLE_HEADER = (
    "name",
    "entity",
    "domain",
    "type",
    "unit",
    "min",
    "max",
    "code_list",
    "sensitivity",
    "label",
    "description",
    "terms",
)
VARIABLE_REQUIRED = ("name", "entity", "domain", "type", "sensitivity", "label")
CODE_HEADER = ("code_list", "code", "label", "terms")


def _usable_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: small letters, digits and _, at most 63, a letter first")
    if name in RESERVED:
        raise ValueError(f"{name!r} is a word of the mapping language")
    if name in SYSTEM:
        raise ValueError(f"{name!r} is a column that every table of Postgres has already")
    return name


def _split_terms(text: object) -> object:
    return tuple(term.strip() for term in text.split(";") if term.strip()) if isinstance(text, str) else text


class Variable(Declared):
    """One canonical variable: a row of `variables.csv`."""

    name: Annotated[str, AfterValidator(_usable_name)]
    entity: Entity
    domain: str
    """The chapter that it stands in (demographics, laboratory …)."""
    type: VariableType
    unit: str = ""
    """The UCUM unit of a number; empty for a plain count."""
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    code_list: str = ""
    sensitivity: Sensitivity = "open"
    label: str = ""
    description: str = ""
    terms: Annotated[tuple[str, ...], BeforeValidator(_split_terms)] = ()
    """Terminology codes, separated by `;`."""


CodeLists = Mapping[str, Mapping[str, str]]
VARIABLE: Shape[Variable] = Shape(Variable)


def read_code_lists(file: Path, problems: Problems) -> dict[str, dict[str, str]]:
    """Return code list → code → label."""
    lists: dict[str, dict[str, str]] = {}
    for row in read_csv(file, CODE_HEADER, ("code_list", "code", "label"), problems):
        name, code = row.cells["code_list"], row.cells["code"]
        codes = lists.setdefault(name, {})
        if not re.fullmatch(r"[A-Za-z0-9_.+<>-]+", code):
            problems.add(
                file,
                row.line,
                name,
                f"{code!r} is not a code",
                "letters, digits and _ . + < > - without spaces",
            )
        elif code in codes:
            problems.add(file, row.line, name, f"the code {code!r} is given twice")
        codes[code] = row.cells["label"]
    return lists


def read_variables(file: Path, lists: CodeLists, units: Units, problems: Problems) -> dict[str, Variable]:
    """Return the variables by name, noting every mistake, also against code lists and units."""
    variables: dict[str, Variable] = {}
    lines: dict[str, int] = {}
    for row in read_csv(file, VARIABLE_HEADER, VARIABLE_REQUIRED, problems):
        name = row.cells["name"]
        if name in lines:
            problems.add(file, row.line, name, f"the variable is given twice, first on line {lines[name]}")
            continue
        lines[name] = row.line
        if variable := _variable(file, row, problems):
            variables[name] = variable
            for message, allowed in _contradictions(variable, lists, units):
                problems.add(file, row.line, name, message, allowed)
    return variables


def _variable(file: Path, row: Row, problems: Problems) -> Variable | None:
    place = (row.cells["name"],)
    document = Document(
        file, problems, lines={place: row.line, **{(*place, column): row.line for column in row.cells}}
    )
    filled = {column: cell for column, cell in row.cells.items() if cell}
    return validate(VARIABLE, filled, document, place)


def _contradictions(variable: Variable, lists: CodeLists, units: Units) -> list[tuple[str, str]]:
    """Return what does not fit together within one row, each with what would."""
    found: list[tuple[str, str]] = []
    number = variable.type in NUMBERS
    if variable.name in KEYS[variable.entity]:
        found.append(
            (f"{variable.name!r} is a key of {variable.entity}, every table has it", "leave the row out")
        )
    if not number and (variable.unit or variable.min is not None or variable.max is not None):
        found.append(
            (f"a {variable.type} has no unit, min or max", f"they belong to {', '.join(sorted(NUMBERS))}")
        )
    if variable.min is not None and variable.max is not None and variable.min > variable.max:
        found.append((f"min {variable.min:g} is above max {variable.max:g}", ""))
    if number and variable.unit and variable.unit not in units.canonical:
        found.append(
            (f"{variable.unit!r} is not a unit of units.csv", suggest(variable.unit, units.canonical))
        )
    return found + _code_list_contradictions(variable, lists)


def _code_list_contradictions(variable: Variable, lists: CodeLists) -> list[tuple[str, str]]:
    name = variable.code_list
    if variable.type in CODED and not name and variable.sensitivity != "restricted":
        return [
            (
                f"a {variable.type} needs a code_list, unless its sensitivity is restricted",
                suggest(variable.name, lists),
            )
        ]
    if name and variable.type not in CODED:
        return [(f"a {variable.type} has no code list", f"it belongs to {', '.join(sorted(CODED))}")]
    if name and name not in lists:
        return [(f"the code list {name!r} has no codes in code_lists.csv", suggest(name, lists))]
    return []


def codes_of(variable: Variable, lists: CodeLists) -> Collection[str]:
    """Return the codes that the variable may hold; a boolean is written `yes` and `no`."""
    return ("yes", "no") if variable.type == "boolean" else tuple(lists.get(variable.code_list, ()))
