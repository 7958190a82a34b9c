"""Names of files: what gives a person away is told by place, what belongs to the work is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.formats.header_scan import file_name_scan

TOLD = {
    "wgs/SMITH_John_19570211.fastq.gz": "file name: names of people",
    "wgs/John_SMITH_2015-02-03.bam": "file name: names of people",
    "scans/Doe^Jane/1.dcm": "folder 2: names of people",
    "slides/Smith, John.svs": "file name: names of people",
    "jane.doe@ed.ac.uk.bam": "file name: e-mail addresses",
    "reads_943 476 5919.vcf": "file name: NHS or CHI numbers (check digit)",
    "reads/943-476-5919/r.txt": "folder 2: NHS or CHI numbers (check digit)",
    "reads_9434765919.vcf": "file name: NHS or CHI numbers (check digit)",
    "chi_1102570001.txt": "file name: NHS or CHI numbers (check digit)",
    "DOB 2011-03-04.txt": "file name: dates of birth",
    "x_born_04.03.2011.txt": "file name: dates of birth",
    "sample_19570211.vcf": "file name: dates of birth",
    "MRN123456.bam": "file name: hospital numbers",
}
SILENT = (
    "x/icon@2x.png",
    "RUN_Plate_20240311.csv",
    "ABC_Results_20240101.xlsx",
    "GID_12_P_20240301.bam",
    "ERR19570211_1.fastq.gz",
    "1600000000.log",
    "5434765919.csv",
    "reads_9434765918.vcf",
    "a_7777777777.txt",
    "HMP2_CSM5FZ3N_P/S1_L001_R1_001.fastq.gz",
    "chr1.0-100000.vcf",
    "versions,1.2.3.txt",
    "",
)


@pytest.mark.parametrize("name", TOLD)
def test_a_person_is_told_by_place_only(name):
    assert TOLD[name] in file_name_scan(name)
    assert not any(
        part in str(file_name_scan(name)) for part in ("SMITH", "Smith", "Doe", "1957", "jane", "943")
    )


@pytest.mark.parametrize("name", SILENT)
def test_names_of_the_work_are_left_alone(name):
    assert file_name_scan(name) == ()


def test_the_public_data_name_nobody(shared_data):
    names = [path.relative_to(shared_data).as_posix() for path in shared_data.rglob("*") if path.is_file()]
    assert len(names) > 100
    assert [name for name in names if file_name_scan(name)] == []


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_key_is_answered(key):
    assert len(file_name_scan(key)) <= 5 * (key.count("/") + 1)


def test_a_long_key_takes_no_time():
    assert file_name_scan("A_" * 50_000 + "1") == ()
    assert file_name_scan("a.b-" * 50_000 + "@") == ()
