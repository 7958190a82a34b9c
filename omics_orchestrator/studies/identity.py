"""What the identity checks of a study look at: which assays, which assets come before, and their code version."""

from __future__ import annotations

from omics_orchestrator.dictionary import Dictionary
from omics_orchestrator.studies.references import kind_of
from omics_orchestrator.studies.study import Study

VERSION = "1"  # raise it when the same files and facts would give other outcomes
EXPRESSION = "rnaseq"  # the kind of assay (assays.yaml) whose matrices hold genes of the participants


def genome_assays(study: Study) -> list[str]:
    """Return the assays whose files hold genotypes of participants."""
    return [name for name, assay in study.assays.items() if assay.format.format == "vcf"]


def expression_assays(study: Study, dictionary: Dictionary) -> list[str]:
    """Return the assays whose matrices hold expression of participants."""
    return [
        name
        for name, assay in study.assays.items()
        if assay.format.matrix == "samples" and kind_of(name, dictionary) == EXPRESSION
    ]


def before_identity(study: Study, dictionary: Dictionary) -> list[tuple[str, ...]]:
    """Return the keys of the assets that the checks read; empty = the study has no files to be checked."""
    if not study.assays:
        return []
    entities = [entity for entity in ("participant", "sample") if entity in study.mapping.entities]
    return [
        *(("files", study.study, assay) for assay in study.assays),
        *(("matrix", study.study, assay) for assay in expression_assays(study, dictionary)),
        *(("harmonised", study.study, entity) for entity in entities),
    ]


def identity_version(study: Study, dictionary: Dictionary) -> str:
    """Return the code version of the checks: what they read, and how names inside files are read."""
    rules = {name: study.assays[name] for name in genome_assays(study)}
    before = ["/".join(key) for key in before_identity(study, dictionary)]
    apart = [study.written_id] if study.pseudonymise else []
    return study.digest("identity", VERSION, before, rules, study.participant_id, *apart)
