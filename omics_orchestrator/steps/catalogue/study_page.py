"""What the page of a study is given: who answers for it, what it holds, and the same for search engines."""

from __future__ import annotations

from typing import Any

from omics_orchestrator.findings import counted
from omics_orchestrator.steps.catalogue.entries import Entries, Entry
from omics_orchestrator.studies import Study

FILE_COUNTS = ("Registered", "With a sample", "In quarantine", "Invalid")
SHORTEST, LONGEST = 50, 5000  # characters of a description, as Google's Dataset Search asks


def study_content(entries: Entries, name: str) -> dict[str, Any]:
    """Return what `study.html` is given; of a broken study its message."""
    workspace = entries.workspace
    study = workspace.catalogue.studies.get(name)
    if study is None:
        problems = workspace.catalogue.broken[name].problems
        folder = workspace.settings.dictionary
        told = [str(one).replace(f"{folder}/", "") for one in problems]
        return {"name": name, "study": None, "problems": told}
    listed = list(entries.of_study(name))
    by_entity: dict[str, list[Entry]] = {}
    for entry in listed:
        if entry.told:
            by_entity.setdefault(entry.variable.entity, []).append(entry)
    return {
        "name": name,
        "study": study,
        "problems": [],
        "schedule": _schedule(study),
        "changed": entries.held.changed(name),
        "sources": [(source, one.kind) for source, one in study.sources.items()],
        "rows": {entity: entries.coarse.told(rows) for entity, rows in entries.held.rows(name).items()},
        "unavailable": workspace.unavailable(study),
        "by_entity": by_entity,
        "silent": [entry.variable for entry in listed if not entry.told],
        "assays": _assays(entries, study),
        "file_counts": FILE_COUNTS,
        "ld": structured(entries, study),
    }


def _schedule(study: Study) -> str:
    if study.schedule is None:
        return "not read by a schedule"
    return f"every night at {study.schedule.nightly}, {study.schedule.timezone}"


def _assays(entries: Entries, study: Study) -> list[dict[str, Any]]:
    coarse, kinds = entries.coarse, entries.workspace.dictionary.assays
    found = []
    for name, assay in study.assays.items():
        kind = kinds.get(name) or kinds.get(name.partition("_")[0])
        files = entries.held.files.get((study.study, name))
        counts = [files.registered, files.linked, files.quarantined, files.invalid] if files else []
        found.append(
            {
                "name": name,
                "label": kind.label if kind else "",
                "format": assay.format.format,
                "counts": list(zip(FILE_COUNTS, map(coarse.told, counts), strict=False)),
            }
        )
    return found


def structured(entries: Entries, study: Study) -> dict[str, Any]:
    """Return the study as a Dataset of schema.org: what Google asks for, and nothing that was not declared."""
    kinds = entries.workspace.dictionary.assays
    variables = [entry.variable for entry in entries.of_study(study.study) if entry.rule]
    techniques = [kinds[name].label if name in kinds else name for name in study.assays]
    changed = entries.held.changed(study.study)
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": study.title,
        "description": described(study, len(variables)),
        "identifier": study.study,
        "isAccessibleForFree": False,
        "creator": [_steward(one) for one in study.stewards],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": one.name, "description": one.label}
            | ({"unitText": one.unit} if one.unit else {})
            for one in variables
        ],
    }
    if techniques:
        found["measurementTechnique"] = techniques
    if changed:
        found["dateModified"] = changed.isoformat()
    return found


def described(study: Study, variables: int) -> str:
    """Return a description of 50 to 5,000 characters: the declared one, then what is counted."""
    told = study.description.strip()
    assays = f" and omics files of {counted(len(study.assays), 'assay')}" if study.assays else ""
    added = f"Study {study.title} ({study.study}): {counted(variables, 'harmonised variable')}{assays}."
    text = f"{told.rstrip('.')}. {added}" if told else added
    return text[:LONGEST] if len(text) >= SHORTEST else f"{text} Clinical research data, harmonised."


def _steward(steward: str) -> dict[str, str]:
    if steward.startswith("team:"):
        return {"@type": "Organization", "name": steward.removeprefix("team:")}
    return {"@type": "Person", "name": steward.partition("@")[0], "email": steward}
