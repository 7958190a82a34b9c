"""How other studies call a variable: the columns that their mappings read for it, or that a person approved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from omics_orchestrator.studies import EntityBlock, Study
from omics_orchestrator.studies.study import split
from omics_orchestrator.verbs import AnyVerb
from omics_orchestrator.verbs.coalesce import Coalesce
from omics_orchestrator.verbs.one_of import OneOf
from omics_orchestrator.verbs.reduce import Reduce
from omics_orchestrator.verbs.text import Text
from omics_orchestrator.verbs.ticked import Ticked


@dataclass(frozen=True)
class Synonym:
    """A column of a study that was mapped to a variable."""

    study: str
    variable: str
    column: str
    label: str = ""


def synonyms_of(
    study: Study, labels: Mapping[str, str], approved: Iterable[tuple[str, str]] = ()
) -> list[Synonym]:
    """Return how a study calls the variables that its mapping makes.

    Args:
        study: the study.
        labels: column → label, as far as they are known.
        approved: (column reference, variable) that a person approved although no rule reads it yet.
    """
    marked = ((split(column, study.sources)[1], variable) for column, variable in approved)
    pairs = dict.fromkeys([*mapped_pairs(study), *marked])
    return [Synonym(study.study, variable, column, labels.get(column, "")) for column, variable in pairs]


def mapped_pairs(study: Study) -> Iterator[tuple[str, str]]:
    """Yield (column, variable) for every column that a rule reads; of a checkbox its box, or all as `field___*`."""
    for block in study.mapping.entities.values():
        for variable, rule in block.rules.items():
            for reference in _columns(rule):
                if (column := _plain(block, reference)) is not None:
                    yield column, variable


def _columns(rule: AnyVerb) -> tuple[str, ...]:
    if isinstance(rule, Ticked):
        return (rule.box(rule.option),)
    if isinstance(rule, OneOf):
        return (f"{rule.columns[0]}___*",)
    if isinstance(rule, Coalesce | Text):
        return tuple(column for part in rule.parts for column in _columns(part))
    if isinstance(rule, Reduce):
        return _columns(rule.inner)
    return rule.references()


def _plain(block: EntityBlock, reference: str) -> str | None:
    """Return the column's name in its table; parts of the participant id and reshaped columns are none."""
    if reference.startswith("participant_id."):
        return None
    if block.reshape and reference in block.reshape.new_columns():
        return block.reshape.columns.get(reference)
    return block.columns_of(reference)[1]
