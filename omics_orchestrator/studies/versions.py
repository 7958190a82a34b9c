"""Code versions: digests of exactly the declaration parts that an asset uses, and of their code's versions.

What changes no digest here makes no asset stale. Content has fingerprints of its own (storage/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from omics_orchestrator.dictionary import ENTITIES, Dictionary
from omics_orchestrator.dictionary.thresholds import PREFIX as THRESHOLD
from omics_orchestrator.studies.catalogue import Catalogue
from omics_orchestrator.studies.datasets import dataset_version
from omics_orchestrator.studies.dating import PARTICIPANT, words_in
from omics_orchestrator.studies.identity import identity_version
from omics_orchestrator.studies.pseudonyms import id_columns
from omics_orchestrator.studies.rules import parts
from omics_orchestrator.studies.study import Study, digest_of
from omics_orchestrator.verbs import Verb


def of_all(catalogue: Catalogue, dictionary: Dictionary) -> dict[str, str]:
    """Return asset key → code version, for every asset that the declarations make."""
    found: dict[str, str] = {}
    for study in catalogue.studies.values():
        found |= of_study(study, dictionary)
    for entity in ENTITIES:
        if (catalogue.studies or catalogue.broken) and dictionary.of_entity(entity):
            found[f"warehouse/{entity}"] = warehouse(dictionary, entity, catalogue.united(entity))
    return found


def of_study(study: Study, dictionary: Dictionary) -> dict[str, str]:
    """Return asset key → code version, for every asset of one study."""
    name = study.study
    found = {
        f"raw/{name}/{source}/{table}": raw(study, source, table) for source, table in study.raw_tables()
    }
    for entity in study.mapping.entities:
        found[f"harmonised/{name}/{entity}"] = harmonised(study, entity, dictionary)
    for dataset in study.datasets:
        found[f"dataset/{name}/{dataset}"] = dataset_version(study, dataset, dictionary)
    for assay, declared in study.assays.items():
        found[f"files/{name}/{assay}"] = files(study, assay)
        if declared.format.matrix:
            found[f"matrix/{name}/{assay}"] = matrix(study, assay)
    if study.assays:
        found[f"identity/{name}"] = identity_version(study, dictionary)
    return found


def raw(study: Study, source: str, table: str) -> str:
    """Return the code version of a raw table: the source's declaration and the columns that are asked for."""
    # what is listed as left out is no drift: the check must be told anew when that list changes
    asked, left_out = study.raw_tables()[source, table], study.left_out(source, table)
    kept, harmless = study.kept_apart(source, table), study.not_identifying(source, table)
    apart: list[object] = [kept, harmless] if kept or harmless else []
    apart += [study.written_id, id_columns(study, source, table)] if study.pseudonymise else []
    return study.digest("raw", study.sources[source], table, asked, left_out, *apart)


def harmonised(study: Study, entity: str, dictionary: Dictionary) -> str:
    """Return the code version of a harmonised entity: rows, rules, checks, absences, id grammar, dictionary rows."""
    block = study.mapping.entities[entity]  # type: ignore[index]
    rules = {name: rule(name, block.rules[name], dictionary) for name in sorted(block.rules)}
    rows = block.model_copy(update={"rules": {}})
    none = {
        name: absent
        for name, absent in sorted(study.mapping.none.items())
        if dictionary.variables[name].entity == entity
    }
    named = _named(dictionary, [check.expect for check in block.checks.values()])
    follows = entity != "participant" and "participant" in study.mapping.entities  # its rows are an input
    words = dictionary.digest(none)
    return study.digest("harmonised", entity, rows, rules, none, words, named, follows, study.participant_id)


def rule(name: str, made_by: Verb, dictionary: Dictionary) -> str:
    """Return the version of one rule: all that decides what variable `name` becomes of the same texts."""
    unit = dictionary.variables[name].unit
    verbs = sorted({(type(verb).__name__, verb.version) for verb in parts(made_by)})
    given = [word for verb in parts(made_by) if (word := getattr(verb, "unit", None))]
    units = [repr(dictionary.units.conversion(word, unit, name)) for word in given]
    named = _named(dictionary, made_by.expressions())
    return digest_of(made_by, verbs, units, named, dictionary.digest([name]))


def _named(dictionary: Dictionary, expressions: Iterable[str]) -> list[object]:
    """Return what expressions take from elsewhere: cut-offs; name, type and codes of participant variables."""
    words = sorted({word for text in expressions for word in words_in(text)})
    cuts = [word.removeprefix(THRESHOLD) for word in words if word.startswith(THRESHOLD)]
    names = [word.removeprefix(PARTICIPANT) for word in words if word.startswith(PARTICIPANT)]
    variables = [dictionary.variables[name] for name in names if name in dictionary.variables]
    return [
        [(name, dictionary.thresholds[name]) for name in cuts if name in dictionary.thresholds],
        [(variable.name, variable.type, dictionary.codes(variable.name)) for variable in variables],
    ]


def files(study: Study, assay: str) -> str:
    """Return the code version of an assay's registered files: the assay's declaration and its format."""
    declared = study.assays[assay]
    follows = study.linked_to()  # the samples or participants to which they are linked
    apart: list[object] = [study.settled[assay]] if assay in study.settled else []
    apart += [study.written_id] if study.pseudonymise else []
    version = type(declared.format).version
    return study.digest("files", assay, declared, version, study.participant_id, follows, *apart)


def matrix(study: Study, assay: str) -> str:
    """Return the code version of an assay's matrix."""
    return study.digest("matrix", files(study, assay))


def warehouse(dictionary: Dictionary, entity: str, studies: Collection[str] = ()) -> str:
    """Return the code version of a warehouse table: the dictionary rows of the entity, whose rows are united."""
    words = dictionary.digest(v.name for v in dictionary.of_entity(entity))
    return digest_of("warehouse", entity, words, sorted(studies))
