"""Suggest: which canonical variables the columns of a study may be. Nothing is accepted here, a person maps.

columns.py finds the columns, synonyms.py what other studies call a variable, ranking.py ranks, rules.py writes YAML,
decisions.py says who decides, saved.py what is told of a pair that was saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import read_synonyms
from omics_orchestrator.errors import OmicsError, UnknownKey
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.redcap_export import RedcapExport
from omics_orchestrator.steps.suggest.column import SourceColumn
from omics_orchestrator.steps.suggest.columns import source_columns, stored_columns
from omics_orchestrator.steps.suggest.decisions import decision
from omics_orchestrator.steps.suggest.ranking import Candidate, Ranking
from omics_orchestrator.steps.suggest.synonyms import Synonym, synonyms_of
from omics_orchestrator.steps.suggest.word_vectors import WordVectors
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, list_tables
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.suggestions import (
    State,
    Suggestion,
    marked,
    read_suggestions,
    write_suggestions,
)


@dataclass(frozen=True)
class Suggestions:
    """What is suggested for a study.

    Attributes:
        ranked: column → candidates, best first; none = nothing in the dictionary is like it.
        identifying: columns that seem to hold direct identifiers: nothing is suggested for them.
        approved: what a person approved and no rule reads yet.
        notes: which sources could not be asked; how many words have a vector, where this machine has vectors.
    """

    ranked: Sequence[tuple[SourceColumn, Sequence[Candidate]]]
    identifying: Sequence[SourceColumn]
    approved: Sequence[Suggestion] = ()
    notes: Sequence[str] = ()


def suggest(
    workspace: Workspace,
    name: str,
    *,
    wanted: Sequence[str] = (),
    everything: bool = False,
    top: int = 3,
    codebook: Mapping[str, Described] | None = None,
) -> Suggestions:
    """Return the variables that the columns of a study may be.

    Args:
        workspace: where dictionary, studies and sources lie.
        name: the study.
        wanted: names of columns, or patterns with `*`; none = all that no entry of the mapping uses.
        everything: also columns that the mapping uses or leaves out.
        top: how many candidates at most.
        codebook: column → what a codebook says of it.

    Raises:
        UnknownKey: there is no such study or column.
        DeclarationError: the study, or its suggestions.csv, is broken.
        NotConfigured: the file of word vectors cannot be used.
    """
    study = study_of(workspace, name)
    known = read_suggestions(study.folder, workspace.dictionary.variables)
    columns, notes = source_columns(workspace, study, codebook or {})
    asked = _asked(columns, wanted, everything=everything)
    vectors = vectors_of(workspace)
    ranking = ranking_of(workspace, study, vectors, everything=everything)
    open_to = [one for one in asked if not one.identifying]
    rejected = {(one.column, one.variable) for one in known if one.state == "rejected"}
    undecided = {one.reference for one in columns if one.undecided}
    ranked = ranking.of(open_to, top, rejected)
    return Suggestions(
        list(zip(open_to, ranked, strict=True)),
        [one for one in asked if one.identifying],
        [one for one in known if one.state == "approved" and one.column in undecided],
        [*notes, str(vectors)] if vectors and open_to else notes,
    )


def ranking_of(
    workspace: Workspace, study: Study, vectors: WordVectors | None, *, everything: bool = False
) -> Ranking:
    """Return what ranks the columns of a study; `everything`: also variables that it makes already, as any other."""
    made = () if everything else {v for block in study.mapping.entities.values() for v in block.rules}
    terms = read_synonyms(workspace.settings.dictionary, Problems())  # its mistakes are for `omics check`
    return Ranking(workspace.dictionary, synonyms(workspace, study), made, _entities(study), terms, vectors)


def _entities(study: Study) -> dict[str, set[str]]:
    """Return table as the mapping writes it → the entities of the blocks that read it."""
    found: dict[str, set[str]] = {}
    for entity, block in study.mapping.entities.items():
        for table in block.tables():
            found.setdefault(block.table_of(table), set()).add(entity)
    return found


def vectors_of(workspace: Workspace) -> WordVectors | None:
    """Return the word vectors of this machine; None = it has none, so meanings are not compared."""
    file = workspace.settings.word_vectors
    return WordVectors(file) if file else None


def study_of(workspace: Workspace, name: str) -> Study:
    """Return a study that can be used; raises why it cannot."""
    catalogue = workspace.catalogue
    if name in catalogue.broken:
        raise catalogue.broken[name]
    if name not in catalogue.studies:
        raise UnknownKey("study", name, catalogue.studies)
    return catalogue.studies[name]


def _asked(columns: Sequence[SourceColumn], wanted: Sequence[str], *, everything: bool) -> list[SourceColumn]:
    """Return the columns that are asked for: those named, else all, else those that nobody decided about."""
    if not wanted:
        return [one for one in columns if everything or one.undecided]
    found = {
        text: [
            one for one in columns if any(fnmatchcase(name, text) for name in (one.about.name, one.reference))
        ]
        for text in wanted
    }
    if unknown := [text for text, there in found.items() if not there]:
        raise UnknownKey("column", unknown[0], [one.about.name for one in columns])
    return list({one.reference: one for there in found.values() for one in there}.values())


def synonyms(workspace: Workspace, study: Study) -> list[Synonym]:
    """Return what all other studies call the variables; their servers are not asked, what is stored here is."""
    states = list_tables(workspace.database)
    found = []
    for other in workspace.catalogue.studies.values():
        if other.study != study.study:
            known = read_suggestions(other.folder, workspace.dictionary.variables)
            approved = [(one.column, one.variable) for one in known if one.state == "approved"]
            labels = {column.name: column.label for column in _told(workspace, other, states)}
            found += synonyms_of(other, labels, approved)
    return found


def _told(workspace: Workspace, study: Study, states: Sequence[TableState]) -> Iterable[Described]:
    """Yield the columns of another study: as they are stored, else from a REDCap folder where that can be read."""
    for name, source in study.sources.items():
        stored = stored_columns(states, study, name)
        if stored or not isinstance(source, RedcapExport):
            yield from stored
            continue
        try:
            yield from source.described(name, workspace.stores)
        except OmicsError:
            continue


def decide(
    workspace: Workspace,
    name: str,
    pairs: Sequence[tuple[str, str]],
    state: State,
    by: str,
    codebook: Mapping[str, Described] | None = None,
) -> list[Suggestion]:
    """Write down what a person, or for proposals the program, says of (column, variable) pairs; return the lines.

    `codebook` tells the columns where nothing else does, as in `suggest`.

    Raises:
        UnknownKey: no such study, column or variable; a name that two tables have must be given in full.
    """
    study = study_of(workspace, name)
    variables = workspace.dictionary.variables
    columns, _ = source_columns(workspace, study, codebook or {})
    lines = [
        decision(_reference(columns, column), variable, state, by, variables) for column, variable in pairs
    ]
    known = read_suggestions(study.folder, variables)
    write_suggestions(study.folder, marked(known, {(one.column, one.variable): one for one in lines}))
    return lines


def _reference(columns: Sequence[SourceColumn], name: str) -> str:
    places = [one.reference for one in columns if name in {one.about.name, one.reference}]
    if len(places) != 1:  # several tables have it: the full names are listed
        raise UnknownKey("column", name, places or [one.about.name for one in columns])
    return places[0]
