"""The three rules by which a file set finds its samples, and what a wrong or silent name ends in."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.registry.whose import Whose
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator_tests.registry.conftest import FASTQ, Laboratory, reads, table_of_samples

SAMPLES = table_of_samples(S1="P1", S2="P2", S3="P2")
VCF = {
    "format": "vcf",
    "location": "store+lab://wgs/",
    "link": r"(?P<participant>P\d+)_(?P<sample>S\d+)\.vcf",
}
TABLE = {"format": "feature_table", "samples": "columns", "location": "store+lab://table.csv"}


def vcf(sample: str) -> bytes:
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    header = f"##fileformat=VCFv4.2\n##contig=<ID=1>\n{form}\n"
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", sample]
    record = ["1", "10", ".", "A", "C", ".", ".", ".", "GT", "0/1"]
    return (header + "\t".join(columns) + "\n" + "\t".join(record) + "\n").encode()


def links(laboratory: Laboratory) -> dict[str, tuple[Any, ...]]:
    return {
        row["key"]: (row["participant_id"], row["sample_id"], row["reason"]) for row in laboratory.files()
    }


def test_a_vcf_that_names_another_sample_is_told(laboratory: Laboratory) -> None:
    laboratory.put("wgs/P1_S1.vcf", vcf("S1"))
    laboratory.put("wgs/P2_S2.vcf", vcf("P2"))
    laboratory.put("wgs/P2_S3.vcf", vcf("S1"))
    done = laboratory.register(VCF, SAMPLES)
    [finding] = done.findings
    assert (finding.check, finding.count, finding.severity) == ("sample_names", 1, "warning")
    assert finding.message.endswith("(registry file 3)")
    assert done.rows["linked"] == 3
    assert laboratory.register(VCF, SAMPLES).findings == done.findings


def test_an_index_belongs_to_its_vcf(laboratory: Laboratory) -> None:
    laboratory.put("wgs/P1_S1.vcf", vcf("S1"))
    laboratory.put("wgs/P1_S1.vcf.tbi", b"\0index")
    done = laboratory.register(VCF, SAMPLES)
    assert (done.rows["file_sets"], done.rows["linked"]) == (1, 2)
    told = laboratory.rows("select verdict, problems <> '[]' from registry.file_set")
    assert told == [("warnings", True)]  # what is called an index is none


def test_names_inside_a_table(laboratory: Laboratory) -> None:
    laboratory.put("table.csv", b"feature,S1,S3,S8,S9\nalpha,1,2,3,4\n")
    done = laboratory.register(TABLE, SAMPLES)
    assert [(row["participant_id"], row["sample_id"]) for row in laboratory.files()] == [
        ("P1", "S1"),
        ("P2", "S3"),
    ]
    [finding] = done.findings
    assert (finding.check, finding.count) == ("linked", 2)
    assert "S9" not in finding.message


def test_names_inside_are_rewritten_by_the_rule(laboratory: Laboratory) -> None:
    laboratory.put("table.csv", b"feature,x1,x2\nalpha,1,2\n")
    rule = {"in_file": {"pattern": "x(?P<number>[0-9]+)", "written": "S{number}"}}
    assert laboratory.register({**TABLE, "link": rule}, SAMPLES).findings == ()
    assert [row["sample_id"] for row in laboratory.files()] == ["S1", "S2"]


def test_a_table_of_strangers_waits(laboratory: Laboratory) -> None:
    laboratory.put("table.csv", b"feature,A,B\nalpha,1,2\n")
    done = laboratory.register(TABLE, SAMPLES)
    assert links(laboratory) == {"table.csv": (None, None, "sample_unknown")}
    assert done.rows["quarantined"] == 1


def sheet_csv(rows: list[tuple[str, str]]) -> bytes:
    return ("path;what;sample\n" + "".join(f"{file};x;{sample}\n" for file, sample in rows)).encode()


def sheet_excel(rows: list[tuple[str, str]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    for row in [("path", "sample"), *rows]:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


@pytest.mark.parametrize(("name", "written"), [("sheet.csv", sheet_csv), ("sheet.xlsx", sheet_excel)])
def test_a_sample_sheet(laboratory: Laboratory, name: str, written: Any) -> None:
    rows = [
        ("a_R1.fastq.gz", "S1"),
        ("deep/b.fastq.gz", "S2"),
        ("c.fastq.gz", "S9"),
        ("d.fastq.gz", "S1"),
        ("d.fastq.gz", "S2"),
    ]
    laboratory.put(name, written(rows))
    for file in ("a_R1", "a_R2", "deep/b", "c", "d", "e"):
        laboratory.put(f"mgx/{file}.fastq.gz", reads())
    link = {"sample_sheet": f"store+lab://{name}", "file": "path", "sample": "sample"}
    laboratory.register({**FASTQ, "link": link}, SAMPLES)
    assert links(laboratory) == {
        "mgx/a_R1.fastq.gz": ("P1", "S1", None),
        "mgx/a_R2.fastq.gz": ("P1", "S1", None),
        "mgx/deep/b.fastq.gz": ("P2", "S2", None),
        "mgx/c.fastq.gz": (None, None, "sample_unknown"),
        "mgx/d.fastq.gz": (None, None, "ambiguous"),
        "mgx/e.fastq.gz": (None, None, "not_in_sheet"),
    }


def test_a_sheet_without_the_column_is_refused(laboratory: Laboratory) -> None:
    laboratory.put("sheet.csv", sheet_csv([("a", "S1")]))
    laboratory.put("mgx/a.fastq.gz", reads())
    link = {"sample_sheet": "store+lab://sheet.csv", "file": "file", "sample": "sample"}
    with pytest.raises(DeliveryError, match="'file'"):
        laboratory.register({**FASTQ, "link": link}, SAMPLES)


def test_without_a_rule_files_wait(laboratory: Laboratory) -> None:
    laboratory.put("mgx/a.fastq.gz", reads())
    laboratory.register({**FASTQ, "link": None}, SAMPLES)
    assert links(laboratory) == {"mgx/a.fastq.gz": (None, None, "no_rule")}


def test_a_study_without_samples_links_to_participants(laboratory: Laboratory) -> None:
    laboratory.put("mgx/P1_S1_R1.fastq.gz", reads())
    laboratory.put("mgx/P7_S1_R1.fastq.gz", reads())
    laboratory.register(FASTQ, None, participants=pa.table({"participant_id": ["P1"]}))
    assert links(laboratory) == {
        "mgx/P1_S1_R1.fastq.gz": ("P1", "S1", None),
        "mgx/P7_S1_R1.fastq.gz": (None, None, "participant_unknown"),
    }


GRAMMAR = IdGrammar(pattern="(?P<site>[A-Z])-?(?P<number>[0-9]+)", written="{site}{number}")


@pytest.mark.parametrize(
    ("participant", "sample", "expected"),
    [
        ("P1", "S1", ("P1", "S1", "key")),
        (None, "S1", ("P1", "S1", "key")),
        ("P-1", "S1", ("P1", "S1", "key")),
        ("P1", None, ("P1", None, "key")),
        ("P3", None, "participant_unknown"),
        ("P2", "S1", "participant_differs"),
        ("1", "S1", "participant_unknown"),
        (None, "S4", "sample_unknown"),
        (None, None, "no_match"),
        (None, "twice", "ambiguous"),
        ("P2", "twice", ("P2", "twice", "key")),
    ],
)
def test_whose(participant: str | None, sample: str | None, expected: object) -> None:
    samples = pa.concat_tables([SAMPLES, table_of_samples(twice="P1"), table_of_samples(twice="P2")])
    assert Whose(samples, None, GRAMMAR.read).link(participant, sample, "key") == expected
