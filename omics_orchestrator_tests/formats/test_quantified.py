"""featureCounts, salmon and RSEM: what is read, what is refused, what lies beside."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import FORMATS
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator_tests.formats.tool_tables import FEATURECOUNTS, RSEM, SALMON, TABLES


def inspect(tag: str, raw: bytes) -> Any:
    declared, name, _ = TABLES[tag]()
    return declared.inspect_bytes(name, raw)


@pytest.mark.parametrize(
    ("tag", "raw", "column"),
    [
        ("featurecounts", FEATURECOUNTS, None),
        ("salmon", SALMON, "NumReads"),
        ("rsem", RSEM, "expected_count"),
    ],
)
def test_the_matrix_is_what_pandas_reads(tag, raw, column):
    declared, name, _ = TABLES[tag]()
    data = declared.read(MemoryFile(name, raw))
    frame = pd.read_csv(io.BytesIO(raw), sep="\t", comment="#")
    expected = frame[[column]] if column else frame.iloc[:, 6:]
    assert np.array_equal(data.x, expected.to_numpy(float).T)
    assert list(data.feature_ids) == frame.iloc[:, 0].tolist()
    assert len(data.sample_ids) == data.x.shape[0]


def test_facts():
    assert inspect("featurecounts", FEATURECOUNTS).facts == {
        "program_version": "2.0.6",
        "stranded": "2",
        "paired": True,
        "level": "gene",
        "counts": "whole",
        "gene_ids": "ensembl_human",
        "gene_ids_share": 1.0,
        "compression": "none",
        "features": 2,
        "samples": 2,
    }
    assert inspect("featurecounts", FEATURECOUNTS).samples == ("S1.bam", "S2.bam")
    facts = inspect("salmon", SALMON).facts
    assert (facts["level"], facts["assigned_reads"], facts["gene_ids"]) == (
        "transcript",
        20.0,
        "ensembl_human_transcript",
    )
    assert inspect("rsem", RSEM).facts["level"] == "gene"


@pytest.mark.parametrize(
    ("tag", "old", "new", "problem"),
    [
        ("featurecounts", b"\t7\t0", b"\t7", "line 3: 7 cells instead of 8"),
        ("featurecounts", b"\t7\t0", b"\t-7\t0", "line 3, column 7: below zero"),
        ("featurecounts", b"\t7\t0", b"\tx\t0", "line 3, column 7: no number"),
        ("featurecounts", b"\t7\t0", b"\t1_0\t0", "line 3, column 7: no number"),
        ("featurecounts", b"\t7\t0", b"\tinf\t0", "line 3, column 7: not finite"),
        ("featurecounts", b"100;300", b"100", "line 3: Chr, Start, End and Strand do not list as many"),
        ("featurecounts", b"\t5\t14", b"\t15\t14", "line 4: an interval ends before it starts"),
        ("featurecounts", b"\t-\t10\t", b"\t-\t11\t", "line 4: the length cannot be that of the intervals"),
        ("featurecounts", b"\t-\t10\t", b"\t?\t10\t", "line 4: a strand is none of"),
        ("featurecounts", b"S2.bam\n", b"S1.bam\n", "line 2: 1 sample names repeat"),
        ("featurecounts", b"ENSG00000000005", b"ENSG00000000003", "line 4: the gene of line 3 again"),
        ("featurecounts", b"\t7\t0", b"\t7\0\t0", "line 3: NUL bytes"),
        ("featurecounts", b"\t7\t0\n", b"\t7\t0\n\n", "line 4: an empty line"),
        ("salmon", b"ENST00000000412.8", b"ENST00000000233.10", "line 3: the transcript of line 2 again"),
        ("salmon", b"\t10.000", b"\t-1", "line 2, column 5: below zero"),
        ("salmon", b"\t1000\t", b"\t0\t", "line 2: the length is zero"),
        ("rsem", b"10.00\t25", b"NA\t25", "line 2, column 5: no number"),
    ],
)
def test_bad_content_is_refused_with_its_line(tag, old, new, problem):
    raw = TABLES[tag]()[2]
    bad = raw.replace(old, new, 1) if raw.count(old) else pytest.fail("nothing to replace")
    if old == b"ENSG00000000005":
        bad = bad.replace(b"\tX\t5\t14\t-\t10", b"\t1;1\t100;300\t199;399\t+;+\t200")
    found = inspect(tag, bad)
    assert found.verdict == "invalid"
    assert problem in found.problems[0]
    with pytest.raises(FormatError):
        TABLES[tag]()[0].read(MemoryFile("a", bad))


def test_exons_by_line_are_features():
    raw = FEATURECOUNTS.replace(b"1;1\t100;300\t199;399\t+;+\t200", b"1\t100\t199\t+\t100")
    raw += b"ENSG00000000005\tX\t50\t59\t-\t10\t1\t2\n"
    found = inspect("featurecounts", raw)
    assert (found.verdict, found.facts["level"], found.facts["features"]) == ("valid", "feature", 3)
    assert TABLES["featurecounts"]()[0].read(MemoryFile("a", raw)).feature_ids[2] == "ENSG00000000005#2"


def test_warnings():
    assert inspect("featurecounts", FEATURECOUNTS.partition(b"\n")[2]).problems == (
        "no comment line of the program stands above the header",
    )
    lacking = SALMON.rpartition(b"ENST")[0]
    assert "TPM do not add up" in inspect("salmon", lacking).problems[0]


def test_attributes_after_the_length_are_no_samples():
    raw = FEATURECOUNTS.replace(b"Length\t", b"Length\tgene_name\t").replace(b"\t200\t", b"\t200\tTSPAN6\t")
    raw = raw.replace(b"\t10\t", b"\t10\tTNMD\t")
    assert inspect("featurecounts", raw).samples == ("S1.bam", "S2.bam")


def test_what_lies_beside_is_in_the_set():
    salmon, counts = FORMATS["salmon"], FORMATS["featurecounts"]
    names = ["S1/quant.sf", "S1/aux_info/meta_info.json", "S1/cmd_info.json", "S1/logs/salmon_quant.log"]
    assert salmon.file_set([*names, "S2/quant.sf"]) == [tuple(names), ("S2/quant.sf",)]
    assert counts.file_set(["a/c.txt", "a/c.txt.summary"]) == [("a/c.txt", "a/c.txt.summary")]
    assert all(salmon.is_companion(name) for name in names[1:])
    assert not salmon.is_companion("S1/quant.sf")
