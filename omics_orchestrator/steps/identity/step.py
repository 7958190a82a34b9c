"""The step of identity checks: joins registry, matrices and harmonised facts, and writes one table of outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.matrices.build import list_matrices, load_matrix
from omics_orchestrator.steps.identity.concordance import MOST_AMONG_ALL, answer, compare, too_alike
from omics_orchestrator.steps.identity.genomes import Genomes, thinned
from omics_orchestrator.steps.identity.one_content import one_content
from omics_orchestrator.steps.identity.outcome import (
    KEY,
    Outcome,
    Owner,
    against_record,
    as_table,
    findings,
)
from omics_orchestrator.steps.identity.registered import Registered
from omics_orchestrator.steps.identity.sex_expression import sexes_by_expression
from omics_orchestrator.steps.identity.sex_genotype import sex_of_genome
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableWrite, fingerprint, read_table, table_state
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.identity import expression_assays
from omics_orchestrator.studies.places import table_of

SEXES = {"female", "male"}
FILE_OF = """
select sample_id, min(file.number)
from registry.file_set
join registry.file on file.set_number = file_set.number
join registry.sample_link on sample_link.set_number = file_set.number
where study = %s and assay = %s and missing_since is null and sample_id is not null group by sample_id
"""


def check_identity(workspace: Workspace, study: Study) -> StepResult:
    """Ask every file of `study` whether it is of the person whom it is linked to.

    A VCF whose content was read before is not read again.
    """
    record = _Record(workspace, study)
    registered = Registered(workspace, study)
    outcomes, genomes = _of_genomes(registered, record)
    outcomes += _one_person(registered, genomes)
    among_all = _two_people(registered, genomes)
    outcomes += among_all.outcomes
    for assay in expression_assays(study, workspace.dictionary):
        outcomes += _of_expression(workspace, study, assay, record)
    outcomes += one_content(workspace.database, study.study)
    table = as_table(outcomes)
    schema, name = table_of(("identity", study.study))
    description = "Identity checks: one row per file, sample or pair that was looked at"
    answers = [outcome.answer for outcome in outcomes]
    return StepResult(
        data_version=fingerprint(table),
        findings=(*findings(outcomes), *among_all.told),
        facts={"genomes": len(genomes), **{word: answers.count(word) for word in sorted(set(answers))}},
        writes=(TableWrite(schema, name, table, KEY, description=description),),
        touched=registered.written,
        rows=table.num_rows,
    )


class _Record:
    """What the harmonised tables say: the sex of participants, and whose samples are."""

    def __init__(self, workspace: Workspace, study: Study) -> None:
        self.sex: dict[str, str] = {}
        self.owner: dict[str, str | None] = {}
        people, samples = (table_of(("harmonised", study.study, one)) for one in ("participant", "sample"))
        state = table_state(workspace.database, *people)
        if state and "sex" in state.arrow_schema.names:
            table = read_table(workspace.database, *people, columns=["participant_id", "sex"])
            rows = zip(table["participant_id"].to_pylist(), table["sex"].to_pylist(), strict=True)
            self.sex = {participant: sex for participant, sex in rows if sex in SEXES}
        if table_state(workspace.database, *samples):
            table = read_table(workspace.database, *samples, columns=["participant_id", "sample_id"])
            for participant, sample in zip(
                table["participant_id"].to_pylist(), table["sample_id"].to_pylist(), strict=True
            ):
                self.owner[sample] = None if sample in self.owner else participant

    def sex_of(self, owner: Owner) -> str | None:
        """Return the recorded sex of whom a file is linked to; None = the record gives none."""
        return self.sex.get(owner.participant_id or "")


class _Genome(NamedTuple):
    """A sample of a VCF that has an owner; `thin` is what of its file takes part in the comparison of all."""

    owner: Owner
    thin: Genomes


def _of_genomes(registered: Registered, record: _Record) -> tuple[list[Outcome], list[_Genome]]:
    """Return the outcomes of `sex_genotype`, and the genomes that can be compared."""
    outcomes: list[Outcome] = []
    found: list[_Genome] = []
    for calls in registered:
        owners, genomes = registered.owners(calls), registered.genomes(calls.number)
        if isinstance(owners, str) or isinstance(genomes, str):
            reason = owners if isinstance(owners, str) else str(genomes)
            whole = Owner(calls.number, 0, None, None)
            outcomes.append(Outcome("sex_genotype", whole, "undetermined", reason))
            continue
        thin = thinned(genomes)
        for owner in owners:
            if owner.participant_id is None:
                continue  # nobody's: the check `linked` of its files tells
            told = sex_of_genome(genomes, owner.place - 1)
            outcomes.append(against_record("sex_genotype", owner, record.sex_of(owner), told))
            found.append(_Genome(owner, thin))
    return outcomes, found


def _one_person(registered: Registered, genomes: list[_Genome]) -> Iterator[Outcome]:
    """Compare the genomes that are linked to one participant; two files are held at a time."""
    of_person: dict[str, list[Owner]] = defaultdict(list)
    for genome in genomes:
        of_person[genome.owner.participant_id or ""].append(genome.owner)
    for owners in of_person.values():
        for one, other in combinations(owners, 2):
            yield _pair(registered, one, other, one_person=True)


class _AmongAll(NamedTuple):
    outcomes: list[Outcome]
    told: list[Finding]


def _two_people(registered: Registered, genomes: list[_Genome]) -> _AmongAll:
    """Find genomes of two participants that are one person's; only such pairs become outcomes."""
    owners = {(one.owner.file_number, one.owner.place): one.owner for one in genomes}
    files = {one.owner.file_number: one.thin for one in genomes}
    places = [(number, place) for number, thin in files.items() for place in range(1, thin.samples + 1)]
    if len(places) > MOST_AMONG_ALL:
        told = f"{len(places):,} genomes were not compared each with each, only those of one participant"
        return _AmongAll([], [Finding("concordance", told, len(places), "note")])
    alike = too_alike(list(files.values()))
    outcomes = []
    for first, second in alike.pairs:
        one, other = owners.get(places[first]), owners.get(places[second])
        if one is None or other is None or one.participant_id == other.participant_id:
            continue
        if one.place == other.place and registered.sha256(one.file_number) == registered.sha256(
            other.file_number
        ):
            continue  # one content: that check tells
        pair = _pair(registered, one, other, one_person=False)
        outcomes += [pair] if pair.answer == "differs" else []
    if not alike.undecided:
        return _AmongAll(outcomes, [])
    pairs = counted(alike.undecided, "pair")
    told = f"{pairs} of all genomes could not be compared with each other: too few common sites"
    return _AmongAll(outcomes, [Finding("concordance", told, alike.undecided, "note")])


def _pair(registered: Registered, one: Owner, other: Owner, *, one_person: bool) -> Outcome:
    first, second = registered.genomes(one.file_number), registered.genomes(other.file_number)
    if isinstance(first, str) or isinstance(second, str):  # it could be read a moment ago
        reason = first if isinstance(first, str) else str(second)
        return Outcome("concordance", one, "undetermined", reason, other)
    compared = compare((first, one.place - 1), (second, other.place - 1))
    told = answer(compared, one_person=one_person)
    return Outcome(
        "concordance", one, told, compared.reason, other, measure=compared.share, sites=compared.sites
    )


def _of_expression(workspace: Workspace, study: Study, assay: str, record: _Record) -> Iterator[Outcome]:
    """Compare the sex by expression of every sample of a matrix with the record."""
    if (study.study, assay) not in list_matrices(workspace.stores):
        return
    with workspace.database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(FILE_OF, (study.study, assay))
        numbers = dict(cursor.fetchall())
    matrix = load_matrix(workspace.stores, study.study, assay)
    names = [matrix.var_names, *(matrix.var[name].astype(str) for name in matrix.var.columns)]
    told = sexes_by_expression(matrix.X, list(zip(*names, strict=True)))
    for place, (sample, measured) in enumerate(zip(matrix.obs_names, told, strict=True), 1):
        owner = Owner(numbers.get(sample, 0), place, record.owner.get(sample), sample)
        if owner.participant_id is not None:  # others are told by the matrix's own check
            yield against_record("sex_expression", owner, record.sex_of(owner), measured)
