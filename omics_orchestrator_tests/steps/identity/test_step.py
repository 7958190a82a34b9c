"""The step over a small installation: what is linked wrongly is found, the rest is not; nothing is read twice."""

from __future__ import annotations

import re

import pytest

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.steps.identity import registered, step
from omics_orchestrator.steps.identity.concordance import TOO_FEW as TOO_FEW_COMMON
from omics_orchestrator.steps.identity.sex_genotype import TOO_FEW
from omics_orchestrator.storage.tables import read_table
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


def run(installation: Installation) -> Summary:
    session = Session(installation.workspace())
    summary = session.materialise(session.assets())
    assert summary.failed == {}
    return summary


def outcomes(installation: Installation) -> list[dict[str, object]]:
    return read_table(installation.workspace().database, "identity_tiny", "outcomes").to_pylist()


def checks(installation: Installation) -> dict[str, tuple[bool, str]]:
    session = Session(installation.workspace())
    return {one.name: (one.passed, one.message) for one in session.checks() if one.asset == "identity/tiny"}


def differing(installation: Installation) -> set[tuple[object, ...]]:
    """Return (check, the one or two samples, in alphabetic order)."""
    return {
        (row["check"], *sorted(filter(None, (row["sample_id"], row["other_sample_id"]))))
        for row in outcomes(installation)
        if row["outcome"] == "differs"
    }


def test_nothing_is_said_of_clean_files(clean: Installation) -> None:
    run(clean)
    rows = outcomes(clean)
    assert {row["outcome"] for row in rows} == {"agrees"}
    counts = {name: sum(row["check"] == name for row in rows) for name in ("sex_genotype", "concordance")}
    assert counts == {"sex_genotype": 14, "concordance": 6}
    assert sum(row["check"] == "sex_expression" for row in rows) == PEOPLE
    assert checks(clean) == dict.fromkeys(
        ("sex_genotype", "sex_expression", "concordance", "one_content"), (True, "")
    )


def test_every_swap_is_found_and_no_name_is_told(clean: Installation) -> None:
    source = clean.source
    (source / "wgs" / "S1.vcf").write_bytes(wgs(51, male=True))  # another person of the other sex
    (source / "wgs" / "S2.vcf").write_bytes(wgs(52))  # another person of the same sex
    (source / "wgs" / "S11.vcf").write_bytes(
        joint({"S": 12}).replace(b"##fileformat=VCFv4.2", b"##fileformat=VCFv4.1")
    )
    (source / "wgs" / "S12.vcf").write_bytes(wgs(12))
    (source / "mgx" / "S3.fastq").write_bytes(read("r4"))
    (source / "rna.csv").write_text(expression(swapped=(8,)))
    run(clean)
    assert differing(clean) == {
        ("sex_genotype", "S1"),
        ("concordance", "S1", "S101"),
        ("concordance", "S102", "S2"),
        ("sex_genotype", "S11"),
        ("concordance", "S11", "S12"),
        ("sex_expression", "S9"),
        ("sex_expression", "S10"),
        ("one_content", "S3", "S4"),
    }
    told = checks(clean)
    assert {name for name, (passed, _) in told.items() if not passed} == set(told)
    for _, message in told.values():
        assert re.search(r"registry files? [0-9]", message)
        assert not SECRETS.search(message)


def test_what_cannot_be_decided_is_said(clean: Installation) -> None:
    source = clean.source
    people = tables()["people.csv"].replace("P4,m", "P4,")
    (source / "people.csv").write_text(people)
    few = {site: [call] for site, call in person(5, male=False, places=sites("chr1", 1_000_000, 30)).items()}
    (source / "wgs" / "S5.vcf").write_bytes(vcf(["S"], few))
    (source / "wgs" / "S6.vcf").write_bytes(joint({"a": 6, "b": 7}))
    run(clean)
    rows = {(row["check"], row["file_number"], row["sample_id"]): row for row in outcomes(clean)}
    of_genomes = {sample: row for (check, _, sample), row in rows.items() if check == "sex_genotype"}
    assert of_genomes["S4"]["reason"] == "the record gives no sex"
    assert of_genomes["S4"]["found"] == "male"
    assert of_genomes["S5"]["reason"] == TOO_FEW
    assert of_genomes[None]["reason"] == registered.WHOLE
    pairs = {row["sample_id"]: row for (check, *_), row in rows.items() if check == "concordance"}
    assert TOO_FEW_COMMON in {row["reason"] for row in pairs.values()}
    assert differing(clean) == set()
    passed, message = checks(clean)["sex_genotype"]
    assert passed
    assert "could not be decided" in message
    assert TOO_FEW in message
    assert "the record gives no sex" in message


def test_an_unchanged_vcf_is_not_read_again(clean: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    run(clean)
    opened: list[str] = []
    read_genomes = registered.read_genomes

    def counting(file: MemoryFile) -> object:
        opened.append(file.name)
        return read_genomes(file)

    monkeypatch.setattr(registered, "read_genomes", counting)
    assert run(clean).ran == {}
    (clean.source / "wgs" / "S6.vcf").write_bytes(wgs(66))
    summary = run(clean)
    assert "identity/tiny" in summary.ran
    assert len(opened) == 1
    assert differing(clean) == {("concordance", "S106", "S6")}


def test_damaged_remembered_genomes_are_made_anew(clean: Installation) -> None:
    run(clean)
    before = outcomes(clean)
    kept = list((clean.folder / "store" / "derived").rglob("genomes-*.npz"))
    assert len(kept) == 7
    for file in kept:
        file.write_bytes(b"PK\x03\x04 not it")
    session = Session(clean.workspace())
    assert session.materialise(["identity/tiny"], force=True).failed == {}
    assert outcomes(clean) == before


def test_a_file_that_changed_or_vanished_since_it_was_registered(clean: Installation) -> None:
    run(clean)
    workspace = clean.workspace()
    for file in (clean.folder / "store" / "derived").rglob("genomes-*.npz"):
        file.unlink()
    (clean.source / "wgs" / "S1.vcf").write_bytes(wgs(1) + b"")
    (clean.source / "wgs" / "S2.vcf").write_bytes(wgs(77))
    (clean.source / "wgs" / "S3.vcf").unlink()
    result = step.check_identity(workspace, workspace.catalogue.studies["tiny"])
    rows = result.writes[0].table.to_pylist()
    reasons = [row["reason"] for row in rows if row["check"] == "sex_genotype" and row["place"] == 0]
    assert sorted(reasons) == [registered.CHANGED, registered.UNREADABLE]


def test_a_study_without_files_has_no_such_asset(installation: Installation) -> None:
    installation.declare("bare", study=STUDY.format(name="bare").partition("assays:")[0], mapping=MAPPING)
    keys = Session(installation.workspace()).assets()
    assert "identity/tiny" in keys
    assert "identity/bare" not in keys
