"""The step over a small installation: what is linked wrongly is found, the rest is not; nothing is read twice."""

from __future__ import annotations

import re
from collections import Counter

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary import Entity
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.loaders import load
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps import find
from omics_orchestrator.steps.build import build
from omics_orchestrator.steps.extract import extract
from omics_orchestrator.steps.harmonise import harmonise
from omics_orchestrator.steps.identity import registered, step
from omics_orchestrator.steps.identity.concordance import TOO_FEW as TOO_FEW_COMMON
from omics_orchestrator.steps.identity.sex_genotype import TOO_FEW
from omics_orchestrator.steps.register import register
from omics_orchestrator.steps.result import StepResult
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import read_table, write_tables
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation
from omics_orchestrator_tests.steps.identity.calls import PLACES, genome, person, sites, vcf
from omics_orchestrator_tests.steps.identity.test_sex_expression import FEATURES, cohort

ASSAYS = """\
  wgs: {format: vcf, location: "store+tiny://wgs/", link: "(?P<sample>S[0-9]+)\\\\.vcf"}
  genotyping: {format: vcf, location: "store+tiny://cohort.vcf"}
  mgx: {format: fastq, location: "store+tiny://mgx/", link: "(?P<sample>S[0-9]+)\\\\.fastq"}
  rnaseq: {format: feature_table, location: "store+tiny://rna.csv", samples: columns, feature_columns: [id]}
"""
PEOPLE = 12  # P1, P3 … are women
SECRETS = re.compile(r"\bP[0-9]+\b|\bS[0-9]+\b")


def tables(count: int = PEOPLE) -> dict[str, str]:
    people = "".join(f"P{n},{'f' if n % 2 else 'm'},40,x\n" for n in range(1, count + 1))
    visits = "".join(f"P{n},1,S{n},5\nP{n},2,S{100 + n},5\n" for n in range(1, count + 1))
    return {"people.csv": "id,sex,age,note\n" + people, "visits.csv": "id,visit,sample,crp\n" + visits}


def wgs(number: int, *, male: bool | None = None) -> bytes:
    return genome(number, "S", male=number % 2 == 0 if male is None else male)


def joint(numbers: dict[str, int]) -> bytes:
    people = [person(number, male=number % 2 == 0, places=PLACES) for number in numbers.values()]
    return vcf(list(numbers), {site: [one[site] for one in people] for site in PLACES})


def expression(swapped: tuple[int, ...] = ()) -> str:
    x = cohort(PEOPLE // 2, PEOPLE // 2).astype(int)
    order = [n // 2 + (0 if n % 2 == 0 else PEOPLE // 2) for n in range(PEOPLE)]  # woman, man, woman …
    x = x[[*order[:PEOPLE]]]
    for at in swapped:
        x[[at, at + 1]] = x[[at + 1, at]]
    head = ",".join(["id", *(f"S{n}" for n in range(1, PEOPLE + 1))])
    rows = [",".join([names[-1], *map(str, x[:, at])]) for at, names in enumerate(FEATURES)]
    return "\n".join([head, *rows]) + "\n"


def read(name: str) -> bytes:
    return f"@{name}\nACGT\n+\nFFFF\n".encode()


@pytest.fixture
def clean(installation: Installation) -> Installation:
    """Files of which every one belongs to whom it is linked to."""
    installation.declare("tiny", study=STUDY.format(name="tiny") + ASSAYS, mapping=MAPPING)
    for name, text in tables().items():
        (installation.source / name).write_text(text)
    (installation.source / "peaks.csv").write_text("id,S1,S2\nf1,1,2\n")
    for folder in ("wgs", "mgx"):
        (installation.source / folder).mkdir()
    for number in range(1, 7):
        (installation.source / "wgs" / f"S{number}.vcf").write_bytes(wgs(number))
        (installation.source / "mgx" / f"S{number}.fastq").write_bytes(read(f"r{number}"))
    (installation.source / "cohort.vcf").write_bytes(joint({f"S{100 + n}": n for n in range(1, 9)}))
    (installation.source / "rna.csv").write_text(expression())
    return installation


def run(installation: Installation) -> StepResult:
    """Run what lies before the checks, and the checks, without Dagster."""
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    raw = {name: delivered(workspace, name) for name in ("people", "visits")}
    people = harmonised(workspace, "participant", {"files.people": raw["people"]})
    harmonised(workspace, "sample", {"files.visits": raw["visits"]}, people)
    for assay in study.assays:
        register(workspace, study, assay, run_id="r")
    build(workspace, study, "rnaseq")
    return checked(workspace)


def delivered(workspace: Workspace, table: str) -> pa.Table:
    result = extract(workspace, workspace.catalogue.studies["tiny"], "files", table, run_id="r")
    write_tables(workspace.database, result.writes)
    return result.writes[0].table


def harmonised(
    workspace: Workspace, entity: Entity, raw: dict[str, pa.Table], people: pa.Table | None = None
) -> pa.Table:
    result = harmonise(workspace, workspace.catalogue.studies["tiny"], entity, raw, people, run_id="r")
    write_tables(workspace.database, result.writes)
    return result.writes[0].table


def checked(workspace: Workspace) -> StepResult:
    """Run the checks and write their table."""
    result = step.check_identity(workspace, workspace.catalogue.studies["tiny"])
    write_tables(workspace.database, result.writes)
    return result


def rows_of(result: StepResult) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = result.writes[0].table.to_pylist()
    return rows


def told(result: StepResult) -> dict[tuple[str, str], str]:
    """Return (check, severity) → message."""
    return {(finding.check, finding.severity): finding.message for finding in result.findings}


def differing(result: StepResult) -> set[tuple[object, ...]]:
    """Return (check, the one or two samples, in alphabetic order)."""
    return {
        (row["check"], *sorted(map(str, filter(None, (row["sample_id"], row["other_sample_id"])))))
        for row in rows_of(result)
        if row["outcome"] == "differs"
    }


def test_the_asset_carries_the_checks(clean: Installation) -> None:
    session = Session(clean.workspace())
    summary = session.materialise(session.assets())
    assert summary.failed == {}
    passed = {one.name: one.passed for one in session.checks() if one.asset == "identity/tiny"}
    assert passed == dict.fromkeys(("sex_genotype", "sex_expression", "concordance", "one_content"), True)
    assert session.materialise(session.assets()).ran == {}
    table = read_table(clean.workspace().database, "identity_tiny", "outcomes")
    assert table.num_rows == 14 + 6 + PEOPLE
    assert "identity/tiny" in find.known_keys(clean.workspace())
    assert set(load("identity/tiny")["outcome"]) == {"agrees"}


def test_nothing_is_said_of_clean_files(clean: Installation) -> None:
    result = run(clean)
    rows = rows_of(result)
    assert {row["outcome"] for row in rows} == {"agrees"}
    counts = Counter(row["check"] for row in rows)
    assert counts == {"sex_genotype": 14, "concordance": 6, "sex_expression": PEOPLE}
    assert result.findings == ()


def test_every_swap_is_found_and_no_name_is_told(clean: Installation) -> None:
    source = clean.source
    (source / "wgs" / "S1.vcf").write_bytes(wgs(51, male=True))  # another person of the other sex
    (source / "wgs" / "S2.vcf").write_bytes(wgs(52))  # another person of the same sex
    (source / "wgs" / "S11.vcf").write_bytes(genome(12, "T", male=True))  # one person, two names
    (source / "wgs" / "S12.vcf").write_bytes(wgs(12))
    (source / "mgx" / "S3.fastq").write_bytes(read("r4"))
    (source / "rna.csv").write_text(expression(swapped=(8,)))
    result = run(clean)
    assert differing(result) == {
        ("sex_genotype", "S1"),
        ("concordance", "S1", "S101"),
        ("concordance", "S102", "S2"),
        ("sex_genotype", "S11"),
        ("concordance", "S11", "S12"),
        ("sex_expression", "S9"),
        ("sex_expression", "S10"),
        ("one_content", "S3", "S4"),
    }
    warnings = {
        check: message for (check, severity), message in told(result).items() if severity == "warning"
    }
    assert set(warnings) == {"sex_genotype", "sex_expression", "concordance", "one_content"}
    for message in warnings.values():
        assert re.search(r"registry files? [0-9]", message)
        assert not SECRETS.search(message)


def test_what_cannot_be_decided_is_said(clean: Installation) -> None:
    source = clean.source
    (source / "people.csv").write_text(tables()["people.csv"].replace("P4,m", "P4,"))
    few = {site: [call] for site, call in person(5, male=False, places=sites("chr1", 1_000_000, 30)).items()}
    (source / "wgs" / "S5.vcf").write_bytes(vcf(["S"], few))
    (source / "wgs" / "S6.vcf").write_bytes(joint({"a": 6, "b": 7}))
    result = run(clean)
    of_genomes = {row["sample_id"]: row for row in rows_of(result) if row["check"] == "sex_genotype"}
    assert of_genomes["S4"]["reason"] == "the record gives no sex"
    assert of_genomes["S4"]["found"] == "male"
    assert of_genomes["S5"]["reason"] == TOO_FEW
    assert of_genomes[None]["reason"] == registered.WHOLE
    assert TOO_FEW_COMMON in {row["reason"] for row in rows_of(result) if row["check"] == "concordance"}
    assert differing(result) == set()
    message = told(result)["sex_genotype", "note"]
    assert "could not be decided" in message
    assert TOO_FEW in message
    assert "the record gives no sex" in message


def test_an_unchanged_vcf_is_not_read_again(clean: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(clean)
    assert first.touched == 7
    opened: list[str] = []
    read_genomes = registered.read_genomes  # type: ignore[attr-defined]

    def counting(file: OpenFile) -> object:
        opened.append(file.name)
        return read_genomes(file)

    monkeypatch.setattr(registered, "read_genomes", counting)
    again = checked(clean.workspace())
    assert (again.touched, again.data_version, opened) == (0, first.data_version, [])
    (clean.source / "wgs" / "S6.vcf").write_bytes(wgs(66))
    workspace = clean.workspace()
    register(workspace, workspace.catalogue.studies["tiny"], "wgs", run_id="r")
    changed = checked(workspace)
    assert len(opened) == 1
    assert differing(changed) == {("concordance", "S106", "S6")}


def test_what_was_remembered_or_registered_is_there_no_more(clean: Installation) -> None:
    before = run(clean).data_version
    kept = list((clean.folder / "store" / "derived").rglob("genomes-*.npz"))
    assert len(kept) == 7
    for file in kept:
        file.write_bytes(b"PK\x03\x04 not it")
    assert checked(clean.workspace()).data_version == before
    for file in kept:
        file.unlink()
    (clean.source / "wgs" / "S2.vcf").write_bytes(wgs(77))
    (clean.source / "wgs" / "S3.vcf").unlink()
    rows = rows_of(checked(clean.workspace()))
    reasons = [row["reason"] for row in rows if row["check"] == "sex_genotype" and row["place"] == 0]
    assert sorted(map(str, reasons)) == [registered.CHANGED, registered.UNREADABLE]


def test_a_study_without_files_has_no_such_asset(installation: Installation) -> None:
    installation.declare("bare", study=STUDY.format(name="bare").partition("assays:")[0], mapping=MAPPING)
    keys = Session(installation.workspace()).assets()
    assert "identity/tiny" in keys
    assert "identity/bare" not in keys
