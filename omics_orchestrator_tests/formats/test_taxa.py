"""Kraken, Bracken and MetaPhlAn: the reports of taxpasta, valid and not, against pandas; every way to be wrong."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest

from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.bracken import Bracken
from omics_orchestrator.formats.kraken import Kraken
from omics_orchestrator.formats.metaphlan import Metaphlan
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.tool_tables import BRACKEN, KRAKEN, METAPHLAN, TABLES, is_refused

FOLDERS = {"kraken2": "kraken", "bracken": "bracken", "metaphlan": "metaphlan"}
REASONS = {
    "2611_se-ERR5766174-db1-invalid.kraken2.report.txt": "line 2: the percentage is not that of its reads",
    "2612_pe-ERR5766176-db1-invalid.kraken2.report.txt": "line 2: the percentage is not that of its reads",
    "2611_se-ERR5766174-db1_S_invalid.tsv": "line 2: the fraction is not that of its reads",
    "mpa_invalid_abundance_sum.tsv": "the parts of the clade do not add up to it",
}
TWO = b"""name\ttaxonomy_id\ttaxonomy_lvl\tS1_num\tS1_frac\tS2_num\tS2_frac
Escherichia coli\t562\tS\t30\t0.75000\t0\t0.00000
Homo sapiens\t9606\tS\t10\t0.25000\t5\t1.00000
"""
MERGED = b"""#mpa_vOct22_CHOCOPhlAnSGB_202212
clade_name\tS1\tS2
k__Bacteria\t100.0\t60.0
k__Archaea\t0.0\t40.0
k__Archaea|p__Euryarchaeota\t0.0\t40.0
"""


def test_the_reports_of_taxpasta(shared_data):
    verdicts = {}
    for folder, tag in FOLDERS.items():
        for file in sorted((shared_data / "microbiome/taxpasta" / folder).iterdir()):
            declared = recognise(file.name, file.read_bytes()[: 64 * 1024])
            assert declared.format == tag, file.name
            found = declared.inspect(OnFile(file))
            verdicts[file.name] = found.verdict
            assert REASONS.get(file.name, "") in "".join(found.problems), found.problems
            assert (found.verdict == "invalid") == (file.name in REASONS), (file.name, found.problems)
    assert len(verdicts) == 18
    assert sum(verdict == "warnings" for verdict in verdicts.values()) <= 1, verdicts


def test_kraken_is_what_pandas_reads(shared_data):
    for file in (shared_data / "microbiome/taxpasta/kraken2").glob("*db[12].kraken2.report.txt*"):
        raw = file.read_bytes()
        text = gzip.decompress(raw) if file.suffix == ".gz" else raw
        frame = pd.read_csv(io.BytesIO(text), sep="\t", header=None)
        data = Kraken().read(OnFile(file))
        assert np.array_equal(data.x[0], frame[1])
        assert [int(one) for one in data.feature_ids] == frame[4].tolist()
        assert data.features["name"] == frame[5].str.strip().tolist()
        assert data.facts["unclassified_reads"] == frame.loc[frame[3] == "U", 1].sum()
        assert data.sample_ids[0].startswith("26")


def test_metaphlan_is_what_pandas_reads(shared_data):
    for file in (shared_data / "microbiome/taxpasta/metaphlan").glob("[EM]*.txt"):
        skip = next(at for at, line in enumerate(file.open()) if line.startswith("#clade"))
        frame = pd.read_csv(file, sep="\t", skiprows=skip, index_col=False)
        data = Metaphlan().read(OnFile(file))
        assert np.array_equal(data.x[0], frame["relative_abundance"])
        assert list(data.feature_ids) == frame["#clade_name"].tolist()
    found = Metaphlan().inspect(OnFile(shared_data / "microbiome/taxpasta/metaphlan/ERR7569997.txt"))
    assert found.samples == ("ERR7569997",)
    assert (found.facts["database"], found.facts["reads"]) == ("mpa_vOct22_CHOCOPhlAnSGB_202212", 211037392)
    assert found.facts["ranks"] == "kpcofgst"


@pytest.mark.parametrize(
    ("tag", "old", "new", "problem"),
    [
        ("kraken", b"\t75\t75\t", b"\t-75\t75\t", "line 1: a count is no whole number"),
        ("kraken", b"\t75\t75\t", b"\t75\t76\t", "line 1: the taxon has more reads than its clade"),
        ("kraken", b"\t1239\t", b"\tx\t", "line 4: the taxonomy id is no whole number"),
        ("kraken", b"\tP\t", b"\tQ\t", "line 4: the rank code"),
        ("kraken", b"\t    F", b"\t   F", "line 4: the name is not indented by twos"),
        ("kraken", b"\t    F", b"\t      F", "line 4: the name is indented by more than one level"),
        ("kraken", b"\t25\t5\tD", b"\t25\t6\tD", "line 4: the parts of the clade of line 3 have more reads"),
        ("kraken", b" 20.00\t", b" 21.00\t", "line 4: the percentage is not that of its reads"),
        ("kraken", b" 20.00\t", b"120.00\t", "line 4: more than 100 percent"),
        ("kraken", b"\tP\t1239", b"\tP", "line 4: 5 cells instead of 6"),
        ("kraken", b"    Firmicutes", b"    ", "line 4: the taxon has no name"),
        ("bracken", b"\t30\t0.75", b"\t35\t0.75", "line 2: new_est_reads is not the sum"),
        ("bracken", b"0.25000", b"0.35000", "line 3: the fraction is not that of its reads"),
        ("bracken", b"\t9606\t", b"\t562\t", "line 3: the taxon of line 2 again"),
        ("bracken", b"\t0.25000", b"", "line 3: 6 cells instead of 7"),
        ("bracken", b"\t10\t0\t10", b"\t10\t-1\t9", "line 3, column 5: below zero"),
        ("metaphlan", b"60.0", b"50.0", "line 6: the parts of the clade do not add up"),
        ("metaphlan", b"\t10.0", b"\t30.0", "the kingdoms add up to more than 100"),
        ("metaphlan", b"60.0", b"-60.0", "line 7, column 3: below zero"),
        ("metaphlan", b"60.0", b"160.0", "line 7: more than 100 percent"),
        ("metaphlan", b"2|1239", b"2|x", "line 7: a taxonomy id is no whole number"),
        ("metaphlan", b"k__Bacteria|p__F", b"p__F|k__F", "line 7: not a clade with its ranks in order"),
        ("metaphlan", b"p__Bacteroidetes", b"p__Firmicutes", "line 8: the clade of line 7 again"),
    ],
)
def test_bad_content_is_refused_with_its_line(tag, old, new, problem):
    is_refused(tag, old, new, problem)


def test_what_a_filter_leaves_is_a_warning():
    def warning(tag, old, new):
        declared, name, raw = TABLES[tag]()
        found = declared.inspect_bytes(name, raw.replace(old, new, 1))
        assert found.verdict == "warnings", found.problems
        return found.problems[0]

    assert "line 3: the clade has more reads" in warning("kraken", b"\t25\t5\tD", b"\t25\t4\tD")
    assert "1 taxonomy ids repeat" in warning("kraken", b"1239", b"2")
    assert "kingdoms do not add up" in warning("metaphlan", b"\t10.0", b"\t9.0")
    assert "2 ranks" in warning("bracken", b"9606\tS", b"9606\tS1")


def test_minimizers_make_eight_columns():
    raw = KRAKEN.replace(b"\tU\t", b"\t9\t9\tU\t").replace(b"\tR\t", b"\t9\t9\tR\t")
    raw = raw.replace(b"\tD\t", b"\t9\t9\tD\t").replace(b"\tP\t", b"\t9\t9\tP\t")
    found = Kraken().inspect_bytes("S1.txt", raw)
    assert (found.verdict, found.facts["minimizers"], found.facts["reads"]) == ("valid", True, 100)
    assert recognise("S1.txt", raw).format == "kraken"


def test_several_samples_in_one_table():
    data = Bracken().read(MemoryFile("all.tsv", TWO))
    assert (data.sample_ids, data.x.tolist()) == (("S1", "S2"), [[30, 10], [0, 5]])
    assert recognise("all.tsv", TWO).format == "bracken"
    data = Metaphlan().read(MemoryFile("merged.tsv", MERGED))
    assert (data.sample_ids, data.x.tolist()) == (("S1", "S2"), [[100, 0, 0], [60, 40, 40]])
    assert recognise("merged.tsv", MERGED.partition(b"\n")[2]).format == "metaphlan"
    assert Metaphlan().inspect_bytes("a", MERGED.replace(b"40.0\n", b"20.0\n", 1)).verdict == "invalid"


def test_a_single_profile_names_its_sample_where_it_does():
    assert Metaphlan().inspect_bytes("a.txt", METAPHLAN).samples == ("S1",)
    unnamed = METAPHLAN.replace(b"\tS1\n", b"\tMetaphlan_Analysis\n")
    assert Metaphlan().inspect_bytes("a.txt", unnamed).samples == ()
    assert Metaphlan().read(MemoryFile("b.txt", unnamed)).sample_ids == ("b",)
    assert Bracken().read(MemoryFile("c.bracken.tsv", BRACKEN)).sample_ids == ("c.bracken",)
