"""MaxQuant, DIA-NN and Olink: real tables against pandas; reports as text and Parquet; every way to be wrong."""

import io

import numpy as np
import pandas as pd
import pytest

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.diann import Diann
from omics_orchestrator.formats.maxquant import Maxquant
from omics_orchestrator.formats.olink import Olink
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.tool_tables import DIANN, MAXQUANT, OLINK, is_refused

REPORT = pd.DataFrame(
    {
        "Run": ["S1", "S1", "S2"],
        "Protein.Group": ["P01834", "P01834", "Q9Y6R7"],
        "Precursor.Id": ["AAK2", "AAR2", "GGR3"],
        "Q.Value": [0.001, 0.0, 0.01],
        "PG.MaxLFQ": [10.5, 10.5, 7.0],
    }
)
EVIDENCE = b"""Sequence\tModified sequence\tRaw file\tExperiment\tCharge\tIntensity
AAK\t_AAK_\tr1\tS1\t2\t10
AAK\t_AAK_\tr2\tS1\t3\t5
AAK\t_AAK_\tr3\tS2\t2\t
"""


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def test_protein_groups_of_maxquant(shared_data):
    file = shared_data / "proteomics/maxquant/proteinGroups.txt"
    frame = pd.read_csv(file, sep="\t")
    data = Maxquant().read(OnFile(file))
    expected = frame.filter(regex="^LFQ intensity ")
    assert np.array_equal(data.x, expected.to_numpy(float).T)
    assert [f"LFQ intensity {name}" for name in data.sample_ids] == list(expected)
    assert data.features["Protein IDs"] == frame["Protein IDs"].tolist()
    found = Maxquant().inspect(OnFile(file))
    assert found.verdict == "warnings"
    assert "cut off the line" in found.problems[0]
    assert found.facts["contaminants"] == (frame["Potential contaminant"] == "+").sum()
    assert found.facts["reverse"] == (frame["Reverse"] == "+").sum()


def test_evidence_is_summed_by_experiment():
    data = Maxquant().read(MemoryFile("evidence.txt", EVIDENCE))
    assert (data.sample_ids, data.feature_ids, data.x.tolist()) == (("S1", "S2"), ("_AAK_",), [[15], [0]])
    assert recognise("evidence.txt", EVIDENCE).format == "maxquant"


def test_the_matrix_of_diann(shared_data):
    file = shared_data / "proteomics/diann/report_final.pg_matrix.tsv"
    frame = pd.read_csv(file, sep="\t")
    data = Diann().read(OnFile(file))
    assert np.array_equal(data.x, frame.iloc[:, 5:].to_numpy(float).T, equal_nan=True)
    assert list(data.sample_ids) == list(frame)[5:]
    assert data.features["Genes"] == frame["Genes"].tolist()


@pytest.mark.parametrize("kind", ["tsv", "parquet"])
def test_the_report_of_diann(kind):
    raw = parquet(REPORT) if kind == "parquet" else REPORT.to_csv(sep="\t", index=False).encode()
    name = f"report.{kind}"
    assert recognise(name, raw[: 64 * 1024]).format == "diann"
    found, data = Diann().inspect_bytes(name, raw), Diann().read(MemoryFile(name, raw))
    assert (found.verdict, found.samples) == ("valid", ("S1", "S2"))
    assert (found.facts["lines"], found.facts["precursors"]) == (3, 3)
    expected = REPORT.pivot_table("PG.MaxLFQ", "Run", "Protein.Group")
    assert np.array_equal(data.x, expected.to_numpy(), equal_nan=True)
    for cut in (len(raw) // 2, len(raw) - 1) if kind == "parquet" else ():
        assert Diann().inspect_bytes(name, raw[:cut]).verdict == "invalid"


def test_what_repeats_in_a_report_is_told():
    again = pd.concat([REPORT, REPORT.iloc[:1].assign(**{"PG.MaxLFQ": 11.0})])
    found = Diann().inspect_bytes("report.tsv", again.to_csv(sep="\t", index=False).encode())
    assert found.problems == (
        "line 5: a precursor repeats in its run",
        "line 5: a protein group has another quantity in this run",
    )


def test_npx_of_olink(shared_data):
    file = shared_data / "proteomics/olink/npx_long_excerpt.csv"
    found = Olink().inspect(OnFile(file))
    frame = pd.read_csv(file, sep=";")
    assert found.verdict == "valid"
    assert found.facts["lines"] == len(frame)
    assert found.facts["sample_qc_warnings"] == (frame["QC_Warning"] != "PASS").sum() > 0
    assert found.facts["control_samples"] == frame["SampleID"].nunique()
    assert found.facts["panels"] == frame["Panel"].nunique()
    samples = file.read_bytes().replace(b";CONTROL;", b";SAMPLE;")
    data = Olink().read(MemoryFile(file.name, samples))
    expected = frame.pivot_table("NPX", "SampleID", "OlinkID")
    there = expected.loc[list(data.sample_ids), list(data.feature_ids)].to_numpy()
    assert np.array_equal(data.x, there, equal_nan=True)


@pytest.mark.parametrize("separator", [";", ",", "\t", "parquet"])
def test_olink_in_every_dress(separator):
    frame = pd.read_csv(io.BytesIO(OLINK), sep=";")
    name = "npx.parquet" if separator == "parquet" else "npx.csv"
    text = frame.to_csv(sep=separator, index=False, quoting=2) if separator != "parquet" else ""
    if separator == "\t":
        text = text.replace('"', "")
    raw = text.encode() or parquet(frame)
    assert recognise(name, raw).format == "olink"
    found = Olink().inspect_bytes(name, raw)
    assert (found.verdict, found.samples) == ("valid", ("S1", "S2")), found.problems
    assert (found.facts["control_samples"], found.facts["sample_qc_warnings"]) == (1, 1)
    assert Olink().read(MemoryFile(name, raw)).x.tolist() == [[-3.9], [1.25]]


@pytest.mark.parametrize(
    ("tag", "old", "new", "problem"),
    [
        ("maxquant", b"\t10\t20", b"\t10\t-20", "line 2, column 5: below zero"),
        ("maxquant", b"\t10\t20", b"\t10\tmany", "line 2, column 5: no number"),
        ("maxquant", b"\t+\t0\n", b"\t+\t0\t1\n", "line 2: 9 cells instead of 8"),
        ("maxquant", b"\t10\t20\t\t+\t0\n", b"\t10\n", "line 2: 4 cells instead of 8"),
        ("maxquant", b"Intensity S2", b"Intensity S1", "line 1: 1 column names repeat"),
        ("diann", b"380503.0", b"-1", "line 2, column 4: below zero"),
        ("diann", b"380503.0", b"1,5", "line 2, column 4: no number"),
        ("diann", b"12.5\t7.25", b"1\t2\t3", "line 3: 6 cells instead of 5"),
        ("diann", b"S2.raw", b"S1.raw", "line 1: 1 column names repeat"),
        ("olink", b";1.25;", b";1,25;", "line 3, column 9: no number"),
        ("olink", b"OID31341", b"OID3134", "line 2: the OlinkID is not OID"),
        ("olink", b"\nS2;", b"\nS1;", "line 3: an assay repeats in its sample"),
        ("olink", b"\nS2;", b"\n;", "line 3: no SampleID"),
        ("olink", b";SAMPLE", b"", "line 2: 10 cells instead of 11"),
    ],
)
def test_bad_content_is_refused_with_its_line(tag, old, new, problem):
    is_refused(tag, old, new, problem)


def test_maxquant_without_experiments_is_one_sample():
    raw = b"\n".join(b"\t".join(line.split(b"\t")[:3]) for line in MAXQUANT.split(b"\n"))
    data = Maxquant().read(MemoryFile("proteinGroups.txt", raw))
    assert (data.sample_ids, data.x.tolist()) == (("proteinGroups",), [[30, 1.5e8]])


def test_words_and_plates_of_olink_are_told():
    odd = Olink().inspect_bytes("a.csv", OLINK.replace(b"WARN", b"MAYBE"))
    assert odd.problems == ("line 3: a word of quality control that Olink does not use (sample_qc)",)
    again = OLINK + b"S1;OID31341;Q14204;DYNC1H1;Oncology;P2;PASS;-3.8;-3.9;PASS;SAMPLE\n"
    assert "on another plate" in Olink().inspect_bytes("a.csv", again).problems[0]


def test_short_lines_of_diann_are_a_warning():
    short = Diann().inspect_bytes("a.pg_matrix.tsv", DIANN.replace(b"380503.0\t\n", b"380503.0\n"))
    assert short.problems == ("line 2: the last cells, which are empty, are cut off the line",)
