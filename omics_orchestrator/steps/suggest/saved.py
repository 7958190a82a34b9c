"""What is told of the pairs in the studies' suggestions.csv: label, score, reason and rule, as they would come now.

What became of a pair stands in the file; nothing here changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omics_orchestrator.errors import DeclarationError, OmicsError
from omics_orchestrator.steps.suggest import ranking_of, vectors_of
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.columns import source_columns
from omics_orchestrator.steps.suggest.ranking import Candidate
from omics_orchestrator.steps.suggest.rules import remark_of, rule_of
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.suggestions import Suggestion, read_suggestions


@dataclass(frozen=True)
class Saved:
    """What is told of a saved pair; texts are empty where nothing is known.

    Attributes:
        label: of the column.
        score: with two digits.
        why: what speaks for the pair.
        rule: as YAML, what a person must still decide behind `#`.
    """

    label: str = ""
    score: str = ""
    why: str = ""
    rule: str = ""


def saved_pairs(workspace: Workspace) -> tuple[dict[tuple[str, str, str], Saved], list[str]]:
    """Return (study, column, variable) → what is told of it, and which sources could not be asked.

    A study that cannot be used, or whose suggestions.csv has mistakes, is left out.
    """
    found: dict[tuple[str, str, str], Saved] = {}
    notes = []
    for name, study in workspace.catalogue.studies.items():
        try:
            known = read_suggestions(study.folder, workspace.dictionary.variables)
        except DeclarationError:  # the export tells it
            continue
        if not known:
            continue
        try:
            of_study, said = _of_study(workspace, study, known)
        except OmicsError as error:
            notes.append(f"{name}: without scores and rules of its suggestions: {error}")
            continue
        found |= of_study
        notes += [f"{name}: {note}" for note in said]
    return found, notes


def _of_study(
    workspace: Workspace, study: Study, known: Sequence[Suggestion]
) -> tuple[dict[tuple[str, str, str], Saved], Sequence[str]]:
    columns, notes = source_columns(workspace, study, {})
    by_reference = {one.reference: one for one in columns}
    asked = [one for name in dict.fromkeys(one.column for one in known) if (one := by_reference.get(name))]
    variables = workspace.dictionary.variables
    ranked = ranking_of(workspace, study, vectors_of(workspace)).of(asked, len(variables))
    best = {
        (column.reference, one.variable): one
        for column, candidates in zip(asked, ranked, strict=True)
        for one in candidates
    }
    return {
        (study.study, *pair): _saved(workspace, by_reference[pair[0]], pair[1], best.get(pair))
        for one in known
        if (pair := (one.column, one.variable))[0] in by_reference
    }, notes


def _saved(workspace: Workspace, column: SourceColumn, variable: str, one: Candidate | None) -> Saved:
    if one is None:
        return Saved(column.about.label)
    declared = workspace.dictionary.variables[variable]
    rule, remark = rule_of(column, one, declared), remark_of(column, one, declared)
    says = (rule, f"# {remark}" if remark else "")
    return Saved(column.about.label, f"{one.score:.2f}", "; ".join(one.why), "    ".join(filter(None, says)))
