"""Feature tables: every table of the demo data, the layouts of strangers, every way to be wrong."""

import gzip
import math

import numpy as np
import pytest
from pydantic import ValidationError

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import Format, table_text
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.feature_table import FeatureTable, MatrixData
from omics_orchestrator_tests.formats.onfile import OnFile

COLUMNS = FeatureTable(samples="columns")
ROWS = FeatureTable(samples="rows")


def tiny() -> tuple[Format, str, bytes]:
    return COLUMNS, "a.csv", b"id,S1,S2\na,1,2\nb,,4\n"


def read(text: str | bytes, table: FeatureTable = COLUMNS) -> MatrixData:
    return table.read(MemoryFile("a", text.encode() if isinstance(text, str) else text))


DEMO = {
    "demo/hmp2/metabolomics_peaks.csv": (
        {"samples": "columns", "feature_columns": ["HMDB...Representative.ID.", "Metabolite"]},
        (135, 507, 41),
    ),
    "demo/hmp2/biopsy_16s_counts.tsv": (
        {"samples": "columns", "feature_columns": ["#OTU ID"]},
        (65, 2752, 0),
    ),
    "demo/hmp2/mgx_pathways_week0.csv": (
        {
            "samples": "rows",
            "sample_column": "External.ID",
            "ignore_columns": ["site_name", "sex", "race", "consent_age", "diagnosis"],
        },
        (24, 466, 0),
    ),
    "demo/hmp2/mgx_species_relab.tsv": ({"samples": "rows", "sample_column": "External.ID"}, (391, 151, 0)),
    "demo/hmp2/stool_16s_counts.csv": ({"samples": "columns", "feature_columns": ["Taxon"]}, (36, 881, 129)),
    "demo/prism/metabolomics_peaks.csv": (
        {"samples": "columns", "feature_columns": ["Feature"]},
        (102, 900, 0),
    ),
    "demo/risk/taxa_counts.tsv": ({"samples": "columns", "feature_columns": ["#OTU ID"]}, (214, 401, 0)),
    "expression/airway/airway_rawcounts.csv": (
        {"samples": "columns", "feature_columns": ["ensgene"]},
        (8, 64102, 0),
    ),
    "expression/airway/airway_scaledcounts.csv": ({"samples": "columns"}, (8, 38694, 0)),
    "ibd/hmp2/16s/biopsy_16s_otu_table.csv": (
        {"samples": "columns", "feature_columns": ["#OTU ID"]},
        (178, 5350, 0),
    ),
}


@pytest.mark.parametrize("name", DEMO)
def test_real_tables(shared_data, name):
    options, (samples, features, repeated) = DEMO[name]
    table = FeatureTable.model_validate(options)
    data = table.read(OnFile(shared_data / name))
    assert data.x.shape == (samples, features)
    assert data.x.dtype == np.float64
    assert len(set(data.sample_ids)) == samples
    assert len(set(data.feature_ids)) == features
    assert data.facts["repeated_features"] == repeated
    assert table.inspect(OnFile(shared_data / name)).verdict == "valid"


def test_cells_of_a_real_table_lie_where_the_file_has_them(shared_data):
    """Against Python's csv module, cell by cell."""
    import csv

    name = "demo/hmp2/metabolomics_peaks.csv"
    data = FeatureTable.model_validate(DEMO[name][0]).read(OnFile(shared_data / name))
    with (shared_data / name).open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert list(data.sample_ids) == header[2:]
    assert data.features == {header[0]: [row[0] for row in rows], header[1]: [row[1] for row in rows]}
    for at, row in enumerate(rows):
        wanted = [math.nan if cell in {"", "NA"} else float(cell) for cell in row[2:]]
        np.testing.assert_array_equal(data.x[:, at], wanted)
    assert data.facts["missing"] == int(np.isnan(data.x).sum()) > 0
    repeats = [at for at, identifier in enumerate(data.feature_ids) if identifier.endswith("#2")]
    assert len(repeats) == 41
    for at in repeats:
        first = data.feature_ids.index(data.feature_ids[at].removesuffix("#2"))
        assert [column[at] for column in data.features.values()] == [
            column[first] for column in data.features.values()
        ]


def test_rows_and_columns_say_the_same():
    one = read("id,S1,S2,S3\na,1,2,3\nb,4,5,6\n")
    two = read("sample,a,b\nS1,1,4\nS2,2,5\nS3,3,6\n", ROWS)
    np.testing.assert_array_equal(one.x, two.x)
    assert one.sample_ids == two.sample_ids == ("S1", "S2", "S3")
    assert one.feature_ids == two.feature_ids == ("a", "b")
    assert (one.features, two.features) == ({"id": ["a", "b"]}, {"feature": ["a", "b"]})


@pytest.mark.parametrize(
    "text",
    [
        "# Constructed from biom file\n#OTU ID\tS1\tS2\na\t1\t2\n",
        "#OTU ID\tS1\tS2\na\t1\t2\n",
        "S1\tS2\na\t1\t2\n",
        "#S1\nid;S1;S2\na;1;2",
        '"id","S1","S2"\n"a","1","2"\n',
        "id,S1,S2\r\na,1,2\r\n",
        "id,S1,S2\ra,1,2\r",
        "\ufeffid,S1,S2\na, 1 ,2e0\n\n\n",
        gzip.compress(b"id,S1,S2\na,1,2\n", mtime=0),
    ],
)
def test_layouts_of_strangers(text):
    data = read(text)
    assert data.sample_ids == ("S1", "S2")
    assert data.feature_ids == ("a",)
    assert data.x.tolist() == [[1.0], [2.0]]


def test_the_words_for_no_value_are_declared():
    assert np.isnan(read("id,S1\na,\nb,NA\nc,NaN\nd,N/A\n").x).all()
    with pytest.raises(FormatError, match="line 2, column 2: no number"):
        read("id,S1\na,ND\n")
    table = FeatureTable(samples="columns", missing=("ND",))
    assert np.isnan(read("id,S1\na,ND\n", table).x).all()


def test_text_in_quotes_and_of_other_encodings_stays_itself():
    data = read('id,S1\n"a, ""b""",1\nNA,2\n')
    assert data.feature_ids == ('a, "b"', "NA")
    found = COLUMNS.inspect_bytes("a", "id,S1\nβ-µ,1\n".replace("β", "b").encode("latin-1"))
    assert (found.verdict, found.problems) == ("warnings", ("not UTF-8, read as latin-1",))


def test_repeated_features_are_made_unique():
    data = read("id,S1\na,1\na,2\na#2,3\na,4\nb,5\n")
    assert data.feature_ids == ("a", "a#3", "a#2", "a#4", "b")
    assert data.facts["repeated_features"] == 1
    two = FeatureTable(samples="columns", feature_columns=("id", "name"))
    data = read("id,S1,name\na,1,x\na,2,\na,3,x\n", two)
    assert data.feature_ids == ("a|x", "a|", "a|x#2")


@pytest.mark.parametrize(
    ("text", "table", "problem"),
    [
        ("", COLUMNS, "an empty file"),
        ("\n\n", COLUMNS, "an empty file"),
        ("id,S1\n", COLUMNS, "no line below the header"),
        ("#id,S1\n#\n", COLUMNS, "no line below the header"),
        ("id,S1,S2\na,1,2\nb,1\n", COLUMNS, "line 3: 2 cells instead of 3"),
        ("id,S1,S2\na,1,2\n\nb,1,2\n", COLUMNS, "line 3: 0 cells instead of 3"),
        ("#c\nid,S1\na,1\nb,GID7\n", COLUMNS, "line 4, column 2: no number"),
        ("id,S1\na,1\nb,1_000\n", COLUMNS, "line 3, column 2: no number"),
        ("id,S1\na,1\nb,-2\n", COLUMNS, "line 3, column 2: below zero"),
        ("id,S1\na,inf\n", COLUMNS, "line 2, column 2: not finite"),
        ("id,S1\na,1e999\n", COLUMNS, "line 2, column 2: not finite"),
        ("id,S1,S1\na,1,2\n", COLUMNS, "line 1: 1 sample names repeat"),
        ("id,S1,\na,1,2\n", COLUMNS, "line 1: column 3 has no heading"),
        ("id\na\n", COLUMNS, "no column of numbers is left"),
        ("s,a\nGID7,1\nx,2\nGID7,3\n", ROWS, "line 4: the sample of line 2 again"),
        ("s,a\nx,1\n,2\n", ROWS, "line 3: the sample has no name"),
        (b"id,S1\na,\x001\n", COLUMNS, "NUL bytes"),
        ('id,S1\n"a,1\n', COLUMNS, "line 2: 1 cells instead of 2"),
        (
            "id,S1\na,1\n",
            FeatureTable(samples="columns", feature_columns=("x",)),
            'the header has 0 columns "x"',
        ),
        (
            "id,S1,y,y\na,1,2,3\n",
            FeatureTable(samples="columns", ignore_columns=("y",)),
            'the header has 2 columns "y"',
        ),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(text, table, problem):
    found = table.inspect_bytes("a", text.encode() if isinstance(text, str) else text)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)
    assert "GID" not in found.problems[0]


def test_numbers_below_zero_where_they_are_possible():
    assert read("id,S1\na,-2.5\n", FeatureTable(samples="columns", negative=True)).x.tolist() == [[-2.5]]


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(ValidationError, match="name the sample_column"):
        FeatureTable(samples="rows", feature_columns=("a",))
    with pytest.raises(ValidationError, match="name the feature_columns"):
        FeatureTable(samples="columns", sample_column="a")


def test_a_wide_table_of_long_lines():
    names = ",".join(f"feature_{number}" for number in range(20_000))
    cells = ",".join(str(number / 8) for number in range(20_000))
    data = read(f"s,{names}\nx,{cells}\ny,{cells}\n", ROWS)
    assert data.x.shape == (2, 20_000)
    assert data.x[1, 19_999] == 19_999 / 8


@pytest.mark.parametrize(
    ("ids", "system"),
    [
        (["ENSG00000000003", "ENSG00000000005.2"], "ensembl_human"),
        (["ACTB", "GAPDH", "TP53"], "symbol"),
        (["Alanine", "Butyrate"], None),
        (["1", "2", "3"], None),
        (["P01834", "Q9Y6R7"], "uniprot"),
    ],
)
def test_the_gene_id_system_is_a_fact_where_it_is_certain(ids, system):
    data = read("id,S1\n" + "".join(f"{one},1\n" for one in ids))
    assert data.facts.get("gene_ids") == system


def endless(block: bytes):
    """Yield blocks until a test has gone wrong."""
    for _ in range(50):
        yield block
    pytest.fail("read on to the end")


@pytest.mark.parametrize(("block", "problem"), [(b"a\0" * 50, "NUL"), (b"1\t" * 50, "more than 2 GiB")])
def test_what_cannot_be_a_table_does_not_fill_the_memory(monkeypatch, block, problem):
    monkeypatch.setattr(table_text, "LARGEST", 1000)
    with pytest.raises(FormatError, match=problem):
        table_text.whole(endless(block))


def test_a_table_whose_names_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(table_text, "MOST_FEATURES", 2)
    assert read("id,S1\na,1\nb,2\n").feature_ids == ("a", "b")
    with pytest.raises(FormatError, match="more than 2 rows: no table of features"):
        read("id,S1\na,1\nb,2\nc,3\n")
