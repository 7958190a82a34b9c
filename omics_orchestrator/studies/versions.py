"""Code versions: digests of exactly the declaration parts that an asset uses, and of their code's versions.

What changes no digest here makes no asset stale. Content has fingerprints of its own (storage/).
"""

from __future__ import annotations

from collections.abc import Collection

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies.rules import parts
from omics_orchestrator.studies.study import Study, digest_of


def raw(study: Study, source: str, table: str) -> str:
    """Return the code version of a raw table: the source's declaration and the columns that are asked for."""
    # what is listed as left out is no drift: the check must be told anew when that list changes
    asked, left_out = study.raw_tables()[source, table], study.left_out(source, table)
    return study.digest("raw", study.sources[source], table, asked, left_out)


def harmonised(study: Study, entity: str, dictionary: Dictionary) -> str:
    """Return the code version of a harmonised entity: its block, absences, id grammar and dictionary rows."""
    block = study.mapping.entities[entity]  # type: ignore[index]
    none = {
        name: rule for name, rule in study.mapping.none.items() if dictionary.variables[name].entity == entity
    }
    verbs = sorted(
        {(type(verb).__name__, verb.version) for rule in block.rules.values() for verb in parts(rule)}
    )
    units = [
        dictionary.units.factor(unit, dictionary.variables[name].unit)
        for name, rule in block.rules.items()
        for verb in parts(rule)
        if (unit := getattr(verb, "unit", None))
    ]
    words = dictionary.digest([*block.rules, *none])
    return study.digest("harmonised", entity, block, none, study.participant_id, verbs, units, words)


def files(study: Study, assay: str) -> str:
    """Return the code version of an assay's registered files: the assay's declaration and its format."""
    declared = study.assays[assay]
    return study.digest("files", assay, declared, type(declared.format).version, study.participant_id)


def matrix(study: Study, assay: str) -> str:
    """Return the code version of an assay's matrix."""
    return study.digest("matrix", files(study, assay))


def warehouse(dictionary: Dictionary, entity: str, studies: Collection[str] = ()) -> str:
    """Return the code version of a warehouse table: the dictionary rows of the entity, whose rows are united."""
    words = dictionary.digest(v.name for v in dictionary.of_entity(entity))
    return digest_of("warehouse", entity, words, sorted(studies))
