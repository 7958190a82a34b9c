"""Files of a pseudonymised study: linked by the ids they bear, which then lie in the schema `identifiers` only."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from omics_orchestrator.orchestration.session import Session, Summary
from omics_orchestrator.registry.query import files_of
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.fetch import fetch
from omics_orchestrator.steps.file_names import PseudonymousNames
from omics_orchestrator.steps.verify import verify
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.private import read_crosswalk
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.test_identify import everything
from omics_orchestrator_tests.steps.test_pseudonymise import PLANTED, SECRET, STUDY, declare

ASSAYS = """\
assays:
  mgx:
    format: fastq
    location: "store+tiny://mgx/"
    link: "(?P<participant>TIN-[0-9]+)/(?P<sample>.+)_R[12]\\\\.fastq\\\\.gz"
  wgs: {format: vcf, location: "store+tiny://wgs/"}
  metabolomics: {format: feature_table, location: "store+tiny://TIN-7001 peaks.csv", samples: columns}
"""
READ = gzip.compress(b"@r\nACGT\n+\nFFFF\n", mtime=0)
VCF = """\
##fileformat=VCFv4.2
##contig=<ID=1>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tTIN-7001-S1\t7002/TIN-7002\tTIN-7999-S9
1\t10\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\t1/1
"""


def put(installation: Installation, key: str, raw: bytes) -> Path:
    path = installation.source / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


@pytest.fixture
def pseudonymous(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("OMICS_PSEUDONYM_KEY", SECRET)
    environment = {**installation.environment(), "OMICS_PSEUDONYM_KEY": SECRET}
    installation.settings = Settings.from_environment(environment)
    declare(installation, study=STUDY + ASSAYS)
    put(installation, "mgx/TIN-7001/TIN-7001-S1_R1.fastq.gz", READ)
    put(installation, "mgx/TIN-07002/other_R1.fastq.gz", READ)
    put(installation, "mgx/TIN-7999/TIN-7999-S1_R1.fastq.gz", READ)
    put(installation, "wgs/TIN-7001 and others.vcf", VCF.encode())
    put(installation, "TIN-7001 peaks.csv", b"id,TIN-7001-S1,7002/TIN-7002,S3\nf1,1,2,3\nf2,4,,6\n")
    return installation


def run(installation: Installation, *, force: bool = False) -> Summary:
    session = Session(installation.workspace())
    return session.materialise(session.assets(), force=force)


def known(installation: Installation) -> dict[str, str]:
    return read_crosswalk(installation.workspace().database, "tiny__participants")


def test_files_are_linked_by_the_ids_that_they_bear(pseudonymous: Installation) -> None:
    assert run(pseudonymous).failed == {}
    ids = known(pseudonymous)
    rows = files_of(pseudonymous.workspace().database, "tiny").to_pylist()
    sample = f"{ids['TIN-7001']}-S1"
    linked = {(row["assay"], row["participant_id"], row["sample_id"]) for row in rows if row["sample_id"]}
    assert linked == {
        ("mgx", ids["TIN-7001"], sample),
        ("wgs", ids["TIN-7001"], sample),
        ("wgs", ids["TIN-7002"], f"7002/{ids['TIN-7002']}"),
        ("metabolomics", ids["TIN-7001"], sample),
        ("metabolomics", ids["TIN-7002"], f"7002/{ids['TIN-7002']}"),
        ("metabolomics", ids["TIN-7003"], "S3"),
    }
    waiting = sorted(row["reason"] for row in rows if row["reason"])
    assert waiting == ["sample_unknown", "sample_unknown"]
    assert all(row["key"].startswith("replaced:") for row in rows)
    assert {row["key"].partition(".")[2] for row in rows} == {"fastq.gz", "vcf", "csv"}


def test_ids_in_keys_and_files_lie_in_no_other_schema(pseudonymous: Installation) -> None:
    assert run(pseudonymous).failed == {}
    urls = (pseudonymous.settings.database_url, pseudonymous.settings.dagster_database_url)
    found = {
        place for url in urls for place, text in everything(str(url)) if any(one in text for one in PLANTED)
    }
    assert found == {"identifiers.tiny__participants.participant_id", "identifiers.tiny__objects.original"}
    homes = (pseudonymous.settings.home, pseudonymous.folder / "store")
    stored = [
        file for home in homes for file in home.rglob("*") if file.is_file() and file.suffix != ".pickle"
    ]
    assert stored
    for file in stored:
        text = file.read_bytes().decode("utf-8", "replace") + str(file)
        assert not any(one in text for one in PLANTED), file.name


def test_the_matrix_bears_the_samples_of_the_tables(pseudonymous: Installation) -> None:
    from omics_orchestrator.matrices.stored import load_matrix

    assert run(pseudonymous).failed == {}
    ids = known(pseudonymous)
    matrix = load_matrix(Stores(pseudonymous.settings), "tiny", "metabolomics")
    assert list(matrix.obs_names) == [f"{ids['TIN-7001']}-S1", f"7002/{ids['TIN-7002']}", "S3"]


def test_a_second_run_reads_and_writes_nothing(pseudonymous: Installation) -> None:
    run(pseudonymous)
    again = run(pseudonymous, force=True)
    assert (again.failed, again.touched) == ({}, 0)


def test_switched_on_later_no_plain_name_stays(pseudonymous: Installation) -> None:
    declare(pseudonymous, study=STUDY.replace("pseudonymise: yes\n", "") + ASSAYS)
    assert run(pseudonymous).failed == {}
    database = pseudonymous.workspace().database
    plain = {row["key"] for row in files_of(database, "tiny").to_pylist()}
    assert "TIN-7001 peaks.csv" in plain
    declare(pseudonymous, study=STUDY + ASSAYS)
    assert run(pseudonymous, force=True).failed == {}
    places = {
        place
        for place, text in everything(str(pseudonymous.settings.database_url))
        if place.startswith("registry.") and any(one in text for one in PLANTED)
    }
    assert places == set()
    declare(pseudonymous, study=STUDY.replace("pseudonymise: yes\n", "") + ASSAYS)
    assert run(pseudonymous, force=True).failed == {}
    assert {row["key"] for row in files_of(database, "tiny").to_pylist()} == plain


def test_names_are_replaced_as_extraction_replaces_them(pseudonymous: Installation) -> None:
    run(pseudonymous)
    ids = known(pseudonymous)
    study = pseudonymous.workspace().catalogue.studies["tiny"]
    names = PseudonymousNames(pseudonymous.workspace(), study)
    assert names.spoken("TIN-07001-S1") == f"{ids['TIN-7001']}-S1"
    assert names.spoken("S3") == "S3"
    assert names.spoken("TIN-7999-S9") == "TIN-7999-S9"
    assert "TIN-7999" not in names.name("TIN-7999-S9")
    facts = {"groups": ["TIN-7001 lane 1", {"TIN-7002": 3}], "reads": 4}
    assert names.within(facts) == {
        "groups": [f"{ids['TIN-7001']} lane 1", {ids["TIN-7002"]: 3}], "reads": 4,
    }  # fmt: skip
    key = names.key("mgx/TIN-7001_R1.fastq.gz")
    assert names.original(key) == "mgx/TIN-7001_R1.fastq.gz"
    assert key == names.key("mgx/TIN-7001_R1.fastq.gz") != names.key("mgx/TIN-7002_R1.fastq.gz")


def test_files_are_verified_and_fetched_by_their_originals(
    pseudonymous: Installation, tmp_path: Path
) -> None:
    assert run(pseudonymous).failed == {}
    workspace = pseudonymous.workspace()
    assert verify(workspace).outcomes == {"same": 5}
    rows = files_of(workspace.database, "tiny", "metabolomics").to_pylist()
    path = fetch(workspace, rows[0]["number"], tmp_path / "downloads")
    assert path.name == f"file_{rows[0]['number']}.csv"
    assert path.read_bytes() == (pseudonymous.source / "TIN-7001 peaks.csv").read_bytes()
