"""Which naming system gene ids follow: by shape, on real lists and on made ones."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.formats.gene_ids import gene_id_system


@pytest.mark.parametrize(
    ("ids", "system"),
    [
        (["ENSG00000000003", "ENSG00000000005.6"], "ensembl_human"),
        (["GRCh38_ENSG00000000003", "hg19_chr21_ENSG00000000005"], "ensembl_human"),
        (["ENSG00000182378_PAR_Y", "ENSG00000182378.15_PAR_Y", "ENSG00000000003|TSPAN6"], "ensembl_human"),
        (["ENSMUSG00000051951", "mm10_ENSMUSG00000051951"], "ensembl_mouse"),
        (["ENST00000456328.2"], "ensembl_human_transcript"),
        (["ENSMUST00000193812"], "ensembl_mouse_transcript"),
        (["ENSRNOG00000046319", "ENSDARG00000099104"], "ensembl_other"),
        (["7105", "64102"], "entrez"),
        (["NM_003270.4", "XR_001737578"], "refseq"),
        (["P04637", "A0A024R1R8", "Q9Y6K9-2"], "uniprot"),
        (["TSPAN6", "HLA-DRA", "MT-CO1", "CH507-9B2.2", "Xkr4", "C1orf112", "NKX2-5"], "symbol"),
        (["k__Bacteria|p__Firmicutes", "s 1", ""], "unknown"),
        ([], "unknown"),
    ],
)
def test_each_system_is_known(ids, system):
    assert gene_id_system(ids).system == system


def test_the_share_is_told_and_half_is_needed():
    assert gene_id_system(["ENSG00000000003"] * 9 + ["CD3"]) == ("ensembl_human", 0.9)
    assert gene_id_system(["ENSG00000000003", "7105", "CD3"]).system == "unknown"
    assert gene_id_system(["?"] * 4) == ("unknown", 1.0)
    assert gene_id_system(iter(["7105", "?"])) == ("entrez", 0.5)


@given(st.lists(st.text(max_size=30)))
def test_any_text_is_answered(ids):
    system, share = gene_id_system(ids)
    assert system
    assert 0 <= share <= 1


def test_a_very_long_id_takes_no_time():
    assert gene_id_system(["A_" * 100_000, "a-" * 99 + "?"]).system == "unknown"


def test_real_gene_lists(shared_data):
    tenx = shared_data / "single_cell" / "10x"
    with gzip.open(tenx / "3.0.0/filtered_feature_bc_matrix/features.tsv.gz", "rt") as file:
        rows = [line.split("\t") for line in file]
    genes = [row[0] for row in rows if row[2].strip() == "Gene Expression"]
    assert gene_id_system(genes) == ("ensembl_human", 1.0)
    assert gene_id_system(row[1] for row in rows).system == "symbol"
    old = (tenx / "1.2.0/filtered_gene_bc_matrices/hg19_chr21/genes.tsv").read_text().splitlines()
    assert gene_id_system(line.split("\t")[0] for line in old) == (
        "symbol",
        0.9971,
    )  # one looks like a UniProt accession
