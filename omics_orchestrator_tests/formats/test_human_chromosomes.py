"""Names of human chromosomes, the build, and the pseudo-autosomal regions."""

import pytest

from omics_orchestrator.formats.human_chromosomes import PSEUDO_AUTOSOMAL, chromosome_of, human_build


@pytest.mark.parametrize(
    ("contig", "chromosome"),
    [
        ("1", "1"),
        ("chr22", "22"),
        ("CHR9", "9"),
        ("01", "1"),
        ("23", "X"),
        ("chrY", "Y"),
        ("NC_000023.11", "X"),
        ("CM000686.2", "Y"),
        ("CM000684.2", "22"),
        ("25", ""),
        ("0", ""),
        ("chrX_KI270880v1_alt", ""),
        ("MT", ""),
        ("NC_012920.1", ""),
        ("", ""),
    ],
)
def test_contigs(contig, chromosome):
    assert chromosome_of(contig) == chromosome


def test_build_by_length_before_words():
    assert human_build({"chr1": 248_956_422}, "hg19.fa") == "GRCh38"
    assert human_build({}, "file:///ref/human_g1k_v37.fasta") == "GRCh37"
    assert human_build({}, "file:///ref/hg38.fa") == "GRCh38"
    assert human_build({}, "lifted from hg19 to hg38") == ""
    assert human_build({"chr1": 195_471_971}) == ""  # a mouse
    assert human_build({"chr1": 5}, "") == ""


@pytest.mark.parametrize(("build", "first"), [("GRCh37", 2_640_000), ("GRCh38", 2_771_478)])
def test_regions_of_x_and_y_are_equally_long(build, first):
    lengths = {
        chromosome: [last - start for start, last in regions]
        for chromosome, regions in PSEUDO_AUTOSOMAL[build].items()
    }
    assert lengths["X"] == lengths["Y"]
    assert lengths["X"][0] == pytest.approx(first, rel=0.001)
