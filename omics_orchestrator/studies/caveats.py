"""Known limitations of a study as study.yaml declares them: what users must know, and of what it is to be known.

Nothing computed depends on them: they enter no code version. That they name what there is: caveat_checks.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from omics_orchestrator.declared import Declared, Words
from omics_orchestrator.sources.base import admits
from omics_orchestrator.studies.datasets import Dataset, IsoDate, entities_of
from omics_orchestrator.studies.mapping import Mapping

if TYPE_CHECKING:
    from omics_orchestrator.studies.study import Study

ONE_OR_MORE: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}


def _listed(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(ONE_OR_MORE)]


class About(Declared):
    """What a caveat is about: all that it names, each word with one name or a list."""

    entity: Names = ()
    """Rows of participant, visit, sample …, whatever the variable."""
    variables: Names = ()
    """Variables by their names in the dictionary; `*` stands for any text."""
    dataset: Names = ()
    """Published datasets."""
    assay: Names = ()
    """Assays: their files and matrices."""

    @model_validator(mode="after")
    def _names_something(self) -> About:
        if not (self.entity or self.variables or self.dataset or self.assay):
            raise ValueError(
                "about names nothing; leave it out where the whole study is meant, else name an entity, variables, "
                "a dataset or an assay"
            )
        return self

    @property
    def variables_only(self) -> bool:
        """Whether it names variables and nothing else."""
        return not (self.entity or self.dataset or self.assay)

    def __str__(self) -> str:
        """Return the subject in words: `crp, cucq_*; dataset main`."""
        told = [f"rows of {', '.join(self.entity)}"] if self.entity else []
        told += [", ".join(self.variables)] if self.variables else []
        told += [f"dataset {', '.join(self.dataset)}"] if self.dataset else []
        told += [f"assay {', '.join(self.assay)}"] if self.assay else []
        return "; ".join(told)


class Caveat(Declared):
    """A known limitation: a sentence or more. In YAML a bare text, where it holds for the whole study."""

    text: Annotated[Words, AfterValidator(lambda text: " ".join(text.split()))]
    """What users should know, in whole sentences."""
    about: About | None = None
    """What it is about; without it the whole study."""
    since: IsoDate | None = None
    """From which date on it holds."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, raw: Any) -> Any:
        return {"text": raw} if isinstance(raw, str) else raw

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow the bare text."""
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @property
    def subject(self) -> str:
        """What it is about, in words; empty = the whole study."""
        return str(self.about) if self.about else ""

    def __str__(self) -> str:
        """Return `crp: what is to be known of it (since 2024-12-01)`."""
        since = f" (since {self.since.isoformat()})" if self.since else ""
        return (f"{self.subject}: " if self.about else "") + self.text + since


def caveats_about(
    study: Study,
    *,
    entity: str | None = None,
    variable: str | None = None,
    dataset: str | None = None,
    assay: str | None = None,
    whole: bool = False,
) -> tuple[Caveat, ...]:
    """Return the caveats about something of a study, in their order; without a word those of the whole study.

    Args:
        study: the study.
        entity: rows of that entity, and the variables that they have.
        variable: one variable.
        dataset: a published dataset, with the rows and the variables that it shows.
        assay: one assay.
        whole: also those of the whole study.
    """
    whole = whole or {entity, variable, dataset, assay} == {None}
    entities = {entity} - {None}
    variables = {variable} - {None}
    if entity in study.mapping.entities:
        variables |= {*study.mapping.entities[entity].rules}
    if dataset in study.datasets:
        shown = study.datasets[dataset]
        entities |= {*entities_of(shown, study.mapping)}
        variables |= _shown(shown, study.mapping)
    found = []
    for caveat in study.caveats:
        about = caveat.about
        named = (
            whole
            if about is None
            else (
                bool(entities.intersection(about.entity))
                or dataset in about.dataset
                or assay in about.assay
                or any(map(admits(about.variables), (one for one in variables if one)))
            )
        )
        if named:
            found.append(caveat)
    return tuple(found)


def _shown(dataset: Dataset, mapping: Mapping) -> set[str]:
    """Return the variables that a dataset shows."""
    blocks = (mapping.entities.get(entity) for entity in entities_of(dataset, mapping))  # type: ignore[call-overload]
    made = {name for block in blocks if block for name in block.rules}
    return {*made, *mapping.none} - {*dataset.leave_out}


def caveats_in_words(caveats: Iterable[Caveat]) -> str:
    """Return a Markdown list under its heading; nothing where there is none."""
    lines = [f"- {caveat}" for caveat in caveats]
    return "\n".join(["**Known limitations**", "", *lines]) if lines else ""
