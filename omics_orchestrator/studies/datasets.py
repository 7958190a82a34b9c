"""Published datasets as study.yaml declares them: one wide table each, its columns known before any data are read.

What is wrong with a declaration is told in dataset_checks.py; the table is made in steps/publish.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary import KEYS, Dictionary, Entity, Variable
from omics_orchestrator.dictionary.thresholds import PREFIX as THRESHOLD
from omics_orchestrator.studies.dating import PARTICIPANT, dated_rules, needs
from omics_orchestrator.studies.mapping import Mapping
from omics_orchestrator.studies.rules import parts
from omics_orchestrator.verbs import Verb

if TYPE_CHECKING:
    from omics_orchestrator.studies.study import Study

PUBLISHED = r"^[A-Za-z][A-Za-z0-9_.]{0,62}$"
BESIDE = {"censored": "comparator", "partial_date": "precision"}
EXACT = {"censored": "decimal", "partial_date": "date"}


def _iso(raw: Any) -> Any:
    """Read `2025-10-30` and nothing else: pydantic would take 20251030 for seconds since 1970."""
    if not isinstance(raw, str):
        return raw
    try:
        return date.fromisoformat(raw) if len(raw) == len("2025-10-30") else date.fromisoformat("")
    except ValueError as error:
        raise ValueError(f"{raw!r} is no date, such as 2025-10-30") from error


IsoDate = Annotated[
    date, BeforeValidator(_iso), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]


class Dataset(Declared):
    """One table that the study publishes: a row per participant, visit …, under the names that its users know."""

    entity: Entity
    """What a row is: participant, visit, sample …; the participant's variables are repeated on each row."""
    description: str = ""
    """What the dataset is for, in words."""
    reference_date: IsoDate | None = Field(default=None, examples=["2025-10-30"])
    """The date up to which rules that name `reference_date` count."""
    rename: dict[str, Annotated[str, Field(pattern=PUBLISHED)]] = {}
    """Variable or key → the name under which it is published."""
    codes_as: dict[str, Annotated[dict[str, str], Field(min_length=1)]] = {}
    """Variable → code → how that code is published; of a yes/no variable the codes are yes and no."""
    merged: tuple[str, ...] = ()
    """Variables of `codes_as` in which two codes become one on purpose."""
    leave_out: tuple[str, ...] = ()
    """Variables that are not published."""
    samples: Literal["first"] | None = None
    """`first`: also the variables of the visit's first sample, by sample id; how many others there are is told."""
    inexact: Literal["text", "columns"] = "text"
    """How `<20` and a date of which only the year is known are published: as text, or as a number (or the earliest
    day) with a column `<name>_comparator` (or `<name>_precision`) beside it."""

    @model_validator(mode="after")
    def _samples_of_visits(self) -> Dataset:
        if self.samples and self.entity != "visit":
            raise ValueError("samples: belongs to a dataset of entity visit")
        return self


@dataclass(frozen=True)
class DatasetColumn:
    """One column of a dataset.

    Attributes:
        name: its published name.
        variable: the key or variable that it shows.
        entity: whose variable that is.
        type: its type, in the dictionary's words, as published.
        role: `key`, `value`, or what a column beside an inexact value tells: `comparator`, `precision`.
        declared: the variable's type in the dictionary.
        codes: code → how it is published; empty = as it is.
        label: what people read.
    """

    name: str
    variable: str
    entity: str
    type: str
    role: str = "value"
    declared: str = "text"
    codes: dict[str, str] = field(default_factory=dict)
    label: str = ""

    @property
    def as_text(self) -> bool:
        """Whether an inexact value is written as text."""
        return self.declared in BESIDE and self.type == "text"


def entities_of(dataset: Dataset, mapping: Mapping) -> tuple[str, ...]:
    """Return the entities whose variables a dataset shows, its own first."""
    found: list[str] = [dataset.entity]
    if dataset.entity != "participant" and "participant" in mapping.entities:
        found.append("participant")
    if dataset.samples and "sample" in mapping.entities:
        found.append("sample")
    return tuple(found)


def variables_of(mapping: Mapping, dictionary: Dictionary, entity: str) -> tuple[Variable, ...]:
    """Return the variables of an entity that a rule makes or `none:` lists, in the dictionary's order."""
    block = mapping.entities.get(entity)  # type: ignore[call-overload]
    named = {*(block.rules if block else ()), *mapping.none}
    return tuple(variable for variable in dictionary.of_entity(entity) if variable.name in named)


def columns_of(dataset: Dataset, mapping: Mapping, dictionary: Dictionary) -> tuple[DatasetColumn, ...]:
    """Return the columns of a dataset: the keys, then its variables in the dictionary's order."""
    return tuple(_columns(dataset, mapping, dictionary))


def _columns(dataset: Dataset, mapping: Mapping, dictionary: Dictionary) -> Iterator[DatasetColumn]:
    keys, entities = KEYS[dataset.entity], entities_of(dataset, mapping)
    for key in keys:
        yield _key(dataset, key, dataset.entity)
    if "sample" in entities and dataset.entity != "sample" and "sample_id" not in dataset.leave_out:
        yield _key(dataset, "sample_id", "sample", role="value")
    shown = {
        variable.name: variable
        for entity in entities
        for variable in variables_of(mapping, dictionary, entity)
        if variable.name not in {*keys, *dataset.leave_out}
    }
    for name in in_order(shown, dictionary):
        yield from _shown(dataset, shown[name])


def in_order(names: Iterable[str], dictionary: Dictionary) -> list[str]:
    """Return variables in the dictionary's order."""
    wanted = set(names)
    return [name for name in dictionary.variables if name in wanted]


def _key(dataset: Dataset, key: str, entity: str, *, role: str = "key") -> DatasetColumn:
    return DatasetColumn(dataset.rename.get(key, key), key, entity, "text", role, label=key)


def _shown(dataset: Dataset, variable: Variable) -> Iterator[DatasetColumn]:
    """Yield the column of a variable, and the one beside it where an inexact value needs two."""
    name = dataset.rename.get(variable.name, variable.name)
    codes = dict(dataset.codes_as.get(variable.name, {}))
    unit = f" [{variable.unit.strip('{}')}]" if variable.unit else ""
    label = f"{variable.label}{unit}"
    beside = BESIDE.get(variable.type) if dataset.inexact == "columns" else None
    published = coded_type(variable, codes) if codes else variable.type
    if variable.type in BESIDE:
        published = EXACT[variable.type] if beside else "text"
    yield DatasetColumn(name, variable.name, variable.entity, published, "value", variable.type, codes, label)
    if beside:
        told = f"{beside} of {name}"
        yield DatasetColumn(
            f"{name}_{beside}", variable.name, variable.entity, "text", beside, variable.type, label=told
        )


def coded_type(variable: Variable, codes: dict[str, str]) -> str:
    """Return the type of a column whose codes are published otherwise."""
    if variable.type == "set":
        return "set"
    whole = all(code.removeprefix("-").isdecimal() and str(int(code)) == code for code in codes.values())
    return "integer" if whole else "text"


def dataset_version(study: Study, name: str, dictionary: Dictionary) -> str:
    """Return the code version of a dataset: its declaration, its columns' dictionary rows, its dated rules."""
    dataset = study.datasets[name]
    columns = columns_of(dataset, study.mapping, dictionary)
    words = dictionary.digest(column.variable for column in columns)
    rules = []
    if dataset.reference_date is not None:
        for entity in entities_of(dataset, study.mapping):
            for variable, rule in dated_rules(study.mapping, entity).items():
                rules.append((variable, rule, _used(rule, variable, entity, dictionary)))
    return study.digest("dataset", name, dataset, [repr(column) for column in columns], words, rules)


def _used(rule: Verb, variable: str, entity: str, dictionary: Dictionary) -> list[object]:
    """Return what a rule takes from elsewhere: its verbs' versions, variables, cut-offs."""
    named = {word.removeprefix(PARTICIPANT) for word in needs(rule, entity)}
    cut_offs = sorted(
        (name, cut_off) for name, cut_off in dictionary.thresholds.items() if f"{THRESHOLD}{name}" in named
    )
    verbs = [(type(verb).__name__, verb.version) for verb in parts(rule)]
    return [verbs, dictionary.digest([variable, *named]), [[name, cut_off] for name, cut_off in cut_offs]]
