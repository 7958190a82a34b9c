"""Writes the demo cohort into a folder: three studies, their tables and omics files, the planted faults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from omics_orchestrator.demo import adult, child, genomes, omics_files, spreadsheet
from omics_orchestrator.demo.cohort import Person, Sample, people
from omics_orchestrator.demo.faults import Fault

SEED = 20261121
MANIFEST = "manifest.json"
PAIRS = {"demo_adult": 90, "demo_child": 60}  # samples with reads
GENOMES = 24  # samples with a VCF of their own
ARRAYS = 8  # of them with a genotyping array beside it
SWAPPED = 12  # the biopsy whose genes show the other sex
CUT = 0.6  # of a truncated file, what is left


@dataclass(frozen=True)
class DemoReport:
    """What lies in the folder.

    Attributes:
        folder: where.
        files: number of files.
        written: how many of them this call wrote; 0 = all was there.
        participants: study → number.
        faults: what was planted.
    """

    folder: Path
    files: int
    written: int
    participants: Mapping[str, int]
    faults: tuple[Fault, ...]


@dataclass
class _Cohort:
    """What is gathered before it is written."""

    files: dict[str, bytes] = field(default_factory=dict)
    participants: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def add(self, folder: str, files: Mapping[str, bytes]) -> None:
        self.files |= {f"{folder}/{name}": content for name, content in files.items()}


def generate(folder: Path, *, seed: int = SEED) -> DemoReport:
    """Write the demo cohort, or what of it is missing; the same seed gives the same bytes.

    A folder that holds exactly what this version of the generator writes is left alone.
    """
    manifest = folder / MANIFEST
    known = json.loads(manifest.read_text()) if manifest.exists() else {"files": {}}
    version = f"{_digest_of_generator()} {seed}"
    if known.get("version") == version and _all_there(folder, known["files"]):
        faults = tuple(Fault(**fault) for fault in known["faults"])
        return DemoReport(folder, len(known["files"]), 0, known["participants"], faults)
    cohort = _cohort(seed)
    written = _write(folder, cohort.files, stale=known["files"])
    summary = {
        "version": version,
        "participants": cohort.participants,
        "faults": [vars(fault) for fault in cohort.faults],
        "files": {name: len(content) for name, content in cohort.files.items()},
    }
    manifest.write_text(json.dumps(summary, indent=1) + "\n")
    return DemoReport(folder, len(cohort.files), written, cohort.participants, tuple(cohort.faults))


def _cohort(seed: int) -> _Cohort:
    whole = _Cohort()
    for study, add in ((adult.PLAN, _adult), (child.PLAN, _child), (spreadsheet.PLAN, _registry)):
        persons = people(study, seed)
        whole.participants[study.study] = len(persons)
        add(whole, persons, np.random.default_rng([seed, len(whole.participants)]))
    return whole


def _adult(whole: _Cohort, persons: list[Person], dice: np.random.Generator) -> None:
    """REDCap, stool metagenomes, one genome per file."""
    study = adult.PLAN.study
    project = adult.project(persons)
    whole.faults += adult.plant(project)
    whole.add(f"{study}/redcap", project.files())
    reads = _reads(study, persons, dice)
    cut = sorted(reads)[7]
    reads[cut] = reads[cut][: int(len(reads[cut]) * CUT)]
    whole.faults.append(Fault("truncated_fastq", study, f"files/{study}/mgx", cut))
    whole.add(f"{study}/mgx", reads)
    _adult_genomes(whole, persons, dice)


def _adult_genomes(whole: _Cohort, persons: list[Person], dice: np.random.Generator) -> None:
    """One VCF per genome and some arrays; three are of strangers: another name, another sex, another person."""
    study, sites = adult.PLAN.study, genomes.panel(dice)
    blood = _owned(persons, "blood")
    own, strangers = blood[:GENOMES], blood[GENOMES:]
    named = {sample.id: (sample.id, person) for sample, person in own}

    def stranger(of: Person, *, same_sex: bool) -> tuple[Sample, Person]:
        place = next(n for n, (_, other) in enumerate(strangers) if (other.male == of.male) == same_sex)
        return strangers.pop(place)

    renamed, swapped, foreign = own[3], own[9], own[5]
    other_sample, other = stranger(renamed[1], same_sex=True)
    named[renamed[0].id] = (other_sample.id, other)
    named[swapped[0].id] = (swapped[0].id, stranger(swapped[1], same_sex=False)[1])
    files = {f"{name}.vcf.gz": genomes.vcf(sites, [inside], dice) for name, inside in named.items()}
    whole.add(f"{study}/wgs", files)
    on_array = {sample.id: person for sample, person in own[4 : 4 + ARRAYS] if sample != swapped[0]}
    on_array[foreign[0].id] = stranger(foreign[1], same_sex=True)[1]
    arrays = {f"{n}.vcf.gz": genomes.vcf(sites, [(n, person)], dice) for n, person in on_array.items()}
    whole.add(f"{study}/genotyping", arrays)
    identity = f"identity/{study}"
    whole.faults += [
        Fault("foreign_vcf_sample", study, f"files/{study}/wgs", f"{renamed[0].id}.vcf.gz"),
        Fault("sex_swap_genotype", study, identity, f"{swapped[0].id}.vcf.gz"),
        Fault("genomes_of_two_people", study, identity, f"{foreign[0].id}.vcf.gz"),
    ]


def _child(whole: _Cohort, persons: list[Person], dice: np.random.Generator) -> None:
    """REDCap, stool metagenomes, all genomes in one file."""
    study = child.PLAN.study
    project = child.project(persons)
    whole.faults += child.plant(project)
    whole.add(f"{study}/redcap", project.files())
    stranger = omics_files.fastq_pair("DC999-S-1", 999, dice)
    reads = _reads(study, persons, dice)
    twice = sorted(reads)[40:44]  # two pairs: the second sample gets the reads of the first
    reads |= {copy: reads[name] for name, copy in zip(twice[:2], twice[2:], strict=True)}
    whole.faults.append(Fault("one_content_twice", study, f"identity/{study}", twice[2], count=2))
    whole.add(f"{study}/mgx", reads | stranger)
    whole.faults.append(
        Fault("unknown_sample", study, f"files/{study}/mgx", min(stranger), count=len(stranger))
    )
    blood = [(sample.id, person) for sample, person in _owned(persons, "blood")]
    whole.add(f"{study}/wgs", {"cohort.vcf.gz": genomes.vcf(genomes.panel(dice), blood, dice)})


def _registry(whole: _Cohort, persons: list[Person], dice: np.random.Generator) -> None:
    """Spreadsheets, bulk and single-cell RNA of biopsies."""
    study = spreadsheet.PLAN.study
    tables, faults = spreadsheet.files(persons)
    whole.faults += faults
    whole.add(study, tables)
    biopsies = _taken(persons, "biopsy")
    male = [person.male for _, person in _owned(persons, "biopsy")]
    male[SWAPPED] = not male[SWAPPED]
    whole.add(f"{study}/rnaseq", {"counts.tsv": omics_files.counts(biopsies, male, dice)})
    whole.faults.append(Fault("sex_swap_expression", study, f"identity/{study}", biopsies[SWAPPED].id))
    batches = {f"batch{n}.h5ad": omics_files.h5ad(biopsies[4 * n : 4 * n + 4], dice) for n in (1, 2)}
    whole.add(f"{study}/single_cell", batches)


def _reads(study: str, persons: list[Person], dice: np.random.Generator) -> dict[str, bytes]:
    stool = _taken(persons, "stool")[: PAIRS[study]]
    pairs: Iterator[dict[str, bytes]] = (
        omics_files.fastq_pair(sample.id, number, dice) for number, sample in enumerate(stool, 1)
    )
    return {name: content for pair in pairs for name, content in pair.items()}


def _taken(persons: list[Person], kind: str) -> list[Sample]:
    return [sample for sample, _ in _owned(persons, kind)]


def _owned(persons: list[Person], kind: str) -> list[tuple[Sample, Person]]:
    return [(sample, person) for person in persons for sample in person.samples if sample.kind == kind]


def _digest_of_generator() -> str:
    """Return a digest of this package's code: other code may write other bytes."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _all_there(folder: Path, files: Mapping[str, int]) -> bool:
    try:
        return all((folder / name).stat().st_size == size for name, size in files.items())
    except FileNotFoundError:
        return False


def _write(folder: Path, files: Mapping[str, bytes], *, stale: Mapping[str, int]) -> int:
    """Write what differs, remove what an older generator left, and return how many files were written."""
    for name in stale.keys() - files.keys():
        (folder / name).unlink(missing_ok=True)
    changed = {n: c for n, c in files.items() if not (folder / n).exists() or (folder / n).read_bytes() != c}
    for name, content in changed.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return len(changed)
