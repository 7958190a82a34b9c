"""mzTab and mwTab: real files against pyteomics and mwtab's JSON; every way to be wrong."""

import json

import numpy as np
import pytest
from pyteomics import mztab  # type: ignore[import-untyped]

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.mwtab import Mwtab
from omics_orchestrator.formats.mztab import Mztab
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.tool_tables import MWTAB, MZTAB, is_refused


def test_mztab_holds_as_many_rows_as_pyteomics_reads(shared_data):
    file = shared_data / "proteomics/mztab/test.mztab"
    found, expected = Mztab().inspect(OnFile(file)), mztab.MzTab(str(file))
    assert (found.verdict, found.samples) == ("valid", ())
    assert found.facts["rows"] == {
        "PRT": len(expected.protein_table),
        "PSM": len(expected.spectrum_match_table),
    }
    assert found.facts["version"] == expected.version
    assert (found.facts["type"], found.facts["mode"]) == (expected.type, expected.mode)
    assert found.facts["ms_runs"] == len({key for key in expected.metadata if key.endswith("-location")})


def test_mztab_m_gives_a_matrix():
    data = Mztab().read(MemoryFile("a.mztab", MZTAB))
    assert (data.sample_ids, data.feature_ids) == (("S1", "S2"), ("1", "2"))
    assert np.array_equal(data.x, np.array([[5, 1500], [np.nan, 7]]), equal_nan=True)
    assert data.facts["software"] == "MaxQuant 1.6.3.4"


def test_empty_lines_stand_between_the_sections_of_mztab():
    assert Mztab().inspect_bytes("a.mztab", MZTAB.replace(b"SMH", b"\n\nSMH")).verdict == "valid"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"\tspectra_ref\t", b"\tspectra\t", "the header lacks the column spectra_ref"),
        (
            b"ms_run[33]:index=883",
            b"ms_run[99]:index=883",
            "a spectrum of an ms_run that the metadata do not name",
        ),
        (
            b"PSM\tADTTLDESIY\t1\tP51679\t1\tnull",
            b"PSM\tADTTLDESIY\t1\tP51679\t1\t",
            "an empty cell instead of null",
        ),
    ],
)
def test_what_mztab_requires_of_its_tables_is_told(shared_data, old, new, problem):
    raw = (shared_data / "proteomics/mztab/test.mztab").read_bytes()
    found = Mztab().inspect_bytes("a.mztab", raw.replace(old, new, 1))
    lines = raw.split(b"\n")
    line = next(number for number, one in enumerate(lines, 1) if old in one)
    assert found.problems == (f"line {line}: {problem}",)


def test_both_layouts_of_mwtab_give_the_same_matrix(shared_data):
    folder = shared_data / "metabolomics/mwtab"
    text, tree = (Mwtab().read(OnFile(folder / f"ST000122_AN000204.{kind}")) for kind in ("txt", "json"))
    table = json.loads((folder / "ST000122_AN000204.json").read_text())["MS_METABOLITE_DATA"]["Data"]
    samples = list(table[0])[1:]
    expected = [[float(row[sample]) for row in table] for sample in samples]
    assert np.array_equal(text.x, expected)
    assert np.array_equal(tree.x, expected)
    assert list(text.sample_ids) == list(tree.sample_ids) == samples
    assert text.feature_ids == tree.feature_ids
    for kind in ("txt", "json"):
        found = Mwtab().inspect(OnFile(folder / f"ST000122_AN000204.{kind}"))
        assert (len(found.samples), found.facts["features"]) == (42, 14)
        assert found.problems == ("1 metabolites of the data are not in METABOLITES",)  # mwtab finds it, too
        assert (found.facts["study_id"], found.facts["units"]) == ("ST000122", "pg/ml")


@pytest.mark.parametrize(
    ("tag", "old", "new", "problem"),
    [
        ("mztab", b"2.0.0-M", b"9.0", "mzTab-version is missing or none that exists"),
        ("mztab", b"ms_run[1]-location", b"ms_run[2]-location", "ms_run[1]-location are missing"),
        ("mztab", b"MTD\tmzTab-ID\tX1", b"MTD\tmzTab-ID", "line 2: metadata are MTD"),
        ("mztab", b"SMH\tSML_ID", b"SMH\tID", "line 8: the header lacks the column SML_ID"),
        ("mztab", b"\t5\tnull", b"\t5", "line 9: 4 cells instead of 5"),
        ("mztab", b"\t5\tnull", b"\tx\tnull", "line 9, column 4: no number"),
        ("mztab", b"\t5\tnull", b"\t-5\tnull", "line 9, column 4: below zero"),
        ("mztab", b"SML\t1", b"PRT\t1", "line 9: a row without its header"),
        ("mztab", b"SML\t1", b"XXX\t1", "line 9: begins with none of the words"),
        ("mztab", b"SML\t2", b"MTD\t2", "line 10: metadata below a table"),
        ("mwtab", b"#END\n", b"", "no #END"),
        ("mwtab", b"MS_METABOLITE_DATA_END\n", b"", "the block MS_METABOLITE_DATA does not end"),
        ("mwtab", b"#COLLECTION\n", b"", "the section COLLECTION is missing"),
        ("mwtab", b"\t1.5\t2", b"\t1.5", "line 21: 1 values instead of 2"),
        ("mwtab", b"\t1.5\t2", b"\t1.5\tlots", "line 21, column 3: no number"),
        ("mwtab", b"-\tS2\t", b"-\tS1\t", "sample names repeat"),
        ("mwtab", b"Samples\tS1\tS2", b"Samples\tS1\tS1", "sample names repeat above the data"),
        ("mwtab", b"SU:SUBJECT_TYPE\tHuman", b"SU", "line 8: neither a section nor a key"),
        ("mwtab", b"#END\n", b"#END\nmore\n", "line 25: something follows #END"),
    ],
)
def test_bad_content_is_refused_with_its_line(tag, old, new, problem):
    is_refused(tag, old, new, problem)


def test_samples_that_the_list_lacks_are_told():
    found = Mwtab().inspect_bytes("a.txt", MWTAB.replace(b"Samples\tS1\tS2", b"Samples\tS1\tS3"))
    assert found.problems == ("1 samples of the data are not in SUBJECT_SAMPLE_FACTORS",)


def test_metabolites_that_are_not_described_are_told():
    block = b"#METABOLITES\nMETABOLITES_START\nmetabolite_name\tpubchem_id\nAlanine\t5950\n%sMETABOLITES_END\n#END"
    for more, told in ((b"", 1), (b"Butyrate\t\n", 0), (b"Butyrate\t\nLactate\t612\n", 0)):
        found = Mwtab().inspect_bytes("a.txt", MWTAB.replace(b"#END", block % more))
        assert found.problems == (f"{told} metabolites of the data are not in METABOLITES",) * told
    bare = Mwtab().inspect_bytes("a.txt", MWTAB)
    assert bare.verdict == "valid"


def test_a_date_of_birth_among_the_factors_is_found():
    raw = MWTAB.replace(b"Group:A\n", b"Date of birth:1980-02-03\n", 1)
    assert Mwtab().inspect_bytes("a.txt", raw).identifying
