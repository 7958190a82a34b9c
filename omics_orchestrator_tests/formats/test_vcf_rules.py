"""Each rule of VCF, one broken record or header line at a time; htslib tells whether it is a warning or a refusal."""

import re

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_rules import CELLS, INFO, RULES, Tally

META = b"""##fileformat=VCFv4.3
##FILTER=<ID=q10,Description="Quality below 10">
##ALT=<ID=DEL,Description="Deletion">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency">
##INFO=<ID=AD,Number=R,Type=Integer,Description="Depths">
##INFO=<ID=DB,Number=0,Type=Flag,Description="dbSNP">
##INFO=<ID=GG,Number=G,Type=Float,Description="any">
##INFO=<ID=CH,Number=1,Type=Character,Description="one letter">
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##INFO=<ID=TX,Number=1,Type=String,Description="Text, with a \\"quote\\" and a comma">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
##FORMAT=<ID=CU,Number=A,Type=Float,Description="own">
##FORMAT=<ID=HQ,Number=2,Type=Integer,Description="Haplotypes">
##FORMAT=<ID=CH,Number=1,Type=Character,Description="one letter">
##contig=<ID=1,length=1000>
"""
NAMES = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
FIRST = b"1\t10\trs1;rs2\tA\tC,G\t5.5e1\tPASS\tDP=3;DB\tGT:DP\t0/1:3\t1|2:.\n"
LAST = b"1\t20\t.\tA\t.\t.\t.\t.\tGT:DP\t0/0\t.\n"
noisy = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def look(raw: bytes) -> Inspection:
    return Vcf().inspect_bytes("a.vcf", raw)


def read_by_htslib(raw: bytes, folder) -> bool:
    """Tell whether htslib reads the file to its end."""
    pysam.set_verbosity(0)
    (folder / "a.vcf").write_bytes(raw)
    try:
        with pysam.VariantFile(str(folder / "a.vcf")) as calls:
            return sum(bool(str(record)) for record in calls) == 2
    except (OSError, ValueError):
        return False


def test_what_the_specification_allows_is_valid():
    lines = [
        b"1\t0\t.\tacgtN\t*\t.\t.\t.\tGT:HQ:PL\t0/0/1:1,2:0,1,2,3\t0:.:0,1\n",
        b"1\t5\t.\tA\t<DEL>,<*>\t-1\tq10\tEND=9;DP=.;AF=.,.\tAD:PL\t1,2,3:1,2,3,4,5,6\t.\n",
        b"1\t5\t.\tA\tG]1:5],]1:7]A,C[<asm>:3[,.A,A.\t0\tq10\tGG=1;TX=a b%3Bc\tGT\t./1\t3|4\n",
        b"1\t1001\t.\tA\tACGT\tINF\tPASS\tAF=-1.5E-3;AD=1,2;CH=%3B\tGT:CU:CH\t.:nan:x\t.|.\n",
        b"<asm>\t5\t.\tA\tC\t.\t.\t.\t.\t.\t.\n",
    ]
    found = look(META + NAMES + b"".join(lines))
    assert (found.problems, found.facts["records"]) == ((), 5)


RECORDS = [  # what is replaced in the first record, by what, the rule
    (b"\t10\t", b"\tx\t", "position"),
    (b"\t10\t", b"\t1.5\t", "position"),
    (b"\t10\t", b"\t.\t", "position"),
    (b"\t10\t", b"\t-1\t", "position"),
    (b"\t10\t", b"\t" + b"9" * 5000 + b"\t", "position"),
    (b"\t10\t", b"\t1002\t", "beyond_contig"),
    (b"\t10\t", b"\t30\t", "unsorted"),
    (b"1\t10\t", b"1\t2147483648\t", "position_range"),
    (b"1\t10\t", b"\t10\t", "contig_empty"),
    (b"1\t10\t", b"7\t10\t", "contig_undeclared"),
    (b"1\t10\t", b"7 7\t10\t", "contig_name"),
    (b"rs1;rs2", b"", "zero_length"),
    (b"rs1;rs2", b"rs 1", "id"),
    (b"rs1;rs2", b"rs1;rs1", "id"),
    (b"\tA\t", b"\tR\t", "ref"),
    (b"\tA\t", b"\t.\t", "ref"),
    (b"\tA\t", b"\t1\t", "ref_broken"),
    (b"\tA\t", b"\tA,C\t", "ref_broken"),
    (b"C,G", b"C,R", "alt"),
    (b"C,G", b"C,.", "alt"),
    (b"C,G", b"C,,G", "alt_broken"),
    (b"C,G", b"C,<G", "alt_broken"),
    (b"C,G", b"C,G[1:5]", "alt_broken"),
    (b"C,G", b"C,0.5", "alt_broken"),
    (b"C,G", b"C,c", "alt_repeats"),
    (b"C,G", b"C,A", "alt_repeats"),
    (b"C,G", b"C,<INV>", "alt_undeclared"),
    (b"5.5e1", b"x", "quality"),
    (b"5.5e1", b"", "quality"),
    (b"5.5e1", b"5.5e", "quality"),
    (b"PASS", b"s50", "filter_undeclared"),
    (b"PASS", b"0", "filter"),
    (b"PASS", b"PASS;q10", "filter"),
    (b"PASS", b"q10;q10", "filter"),
    (b"PASS", b"q10;", "zero_length"),
    (b"PASS", b"", "zero_length"),
    (b"DP=3;DB", b"", "zero_length"),
    (b"DP=3;DB", b"DP=x", "info_type"),
    (b"DP=3;DB", b"DP=1.5", "info_type"),
    (b"DP=3;DB", b"AF=0.1,x", "info_type"),
    (b"DP=3;DB", b"AF=0x10,1", "info_type"),
    (b"DP=3;DB", b"DP=3,4", "info_count"),
    (b"DP=3;DB", b"AF=0.1", "info_count"),
    (b"DP=3;DB", b"AD=1,2", "info_count"),
    (b"DP=3;DB", b"AF=0.1,1.", "info_spelling"),
    (b"DP=3;DB", b"DP=2147483648", "info_range"),
    (b"DP=3;DB", b"DP=-2147483641", "info_range"),
    (b"DP=3;DB", b"DP=" + b"9" * 10_000, "info_range"),
    (b"DP=3;DB", b"CH=ab", "info_character"),
    (b"DP=3;DB", b"DB=1", "info_flag"),
    (b"DP=3;DB", b"DP", "info_flag"),
    (b"DP=3;DB", b"DP=", "info_empty"),
    (b"DP=3;DB", b"DP=3;DP=4", "info_twice"),
    (b"DP=3;DB", b"DP=3;;DB", "info_key"),
    (b"DP=3;DB", b"9Z=3", "info_key"),
    (b"DP=3;DB", b"ZZ=3", "info_undeclared"),
    (b"DP=3;DB", b"TX=a=b", "info_equals"),
    (b"DP=3;DB", b"END=9", "end"),
    (b"DP=3;DB", b"TX=\xe9", "utf8"),
    (b"DP=3;DB", b"TX=\x01", "control"),
    (b"DP=3;DB", b"TX=a\rb", "control"),
    (b"GT:DP", b"", "format_missing"),
    (b"GT:DP", b"GT:DP:DP", "format_twice"),
    (b"GT:DP", b"GT:9Z", "format_key"),
    (b"GT:DP", b"GT:ZZ", "format_undeclared"),
    (b"GT:DP", b"GT:Z Z", "format_undeclared"),
    (b"GT:DP", b"GT:Z<", "unreadable_name"),
    (b"GT:DP", b"GT:.", "unreadable_name"),
    (b"1\t10\t", b"<7\t10\t", "unreadable_name"),
    (b"PASS", b"q10;a,b", "unreadable_name"),
    (b"DP=3;DB", b"DP=3; ZZ=4", "unreadable_name"),
    (b"DP=3;DB", b"[ZZ=4", "unreadable_name"),
    (b"GT:DP\t0/1:3\t1|2:.", b"DP:GT\t3:0/1\t.:1|2", "genotype_first"),
    (b"GT:DP\t0/1:3\t1|2:.", b"DP:GT\t3\t.:1|2", "genotype_absent"),
    (b"0/1:3", b"0/x:3", "genotype"),
    (b"0/1:3", b"0/:3", "genotype"),
    (b"0/1:3", b"0//1:3", "genotype"),
    (b"0/1:3", b"|0/1:3", "genotype"),
    (b"0/1:3", b":3", "genotype"),
    (b"0/1:3", b"", "genotype"),
    (b"0/1:3", b"0\\1:3", "genotype"),
    (b"0/1:3", b"0/3:3", "allele_index"),
    (b"0/1:3", b"9999999999999999999999/0:3", "allele_index"),
    (b"0/1:3", b"0/1:3:4", "too_many"),
    (b"GT:DP\t0/1:3\t1|2:.", b".\t3\t.", "too_many"),
    (b"0/1:3", b"0/1:x", "format_type"),
    (b"0/1:3", b"0/1:19.28", "format_type"),
    (b"0/1:3", b"0/1:3;", "format_type"),
    (b"0/1:3", b"0/1:", "format_empty"),
    (b"0/1:3", b"0/1:1,2", "format_count"),
    (b"0/1:3", b"0/1:99999999999", "format_range"),
    (b"GT:DP\t0/1:3", b"GT:PL\t0/1:1,2,3", "format_count"),
    (b"GT:DP\t0/1:3", b"GT:PL\t0:1,2,3,4,5,6", "format_count"),
    (b"GT:DP\t0/1:3", b"GT:AD\t0/1:1,2", "format_count"),
    (b"GT:DP\t0/1:3", b"GT:CU\t0/1:1,2.", "format_spelling"),
    (b"GT:DP\t0/1:3", b"GT:CH\t0/1:ab", "format_character"),
    (b"\t1|2:.", b"", "columns"),
    (b"\t1|2:.", b"\t1|2:.\t0/0", "columns"),
    (b"\t1|2:.", b"\t1|2:.\t", "trailing_tab"),
    (b"\n", b"\n\n", "columns"),
    (b"\n", b"\n#comment\n", "columns"),
]
MISREAD = {  # htslib reads on, but something else than what stands there
    "contig_empty",
    "ref_broken",
    "alt_broken",
    "quality",
    "info_type",
    "allele_index",
    "columns",
    "too_many",
}


@pytest.mark.parametrize(
    ("old", "new", "rule"), RECORDS, ids=[f"{rule}-{new[:12]!r}" for _, new, rule in RECORDS]
)
def test_a_broken_record(old, new, rule, tmp_path):
    assert old in FIRST
    raw = META + NAMES + FIRST.replace(old, new, 1) + LAST
    found = look(raw)
    said = [problem for problem in found.problems if RULES[rule].says in problem]
    assert said, found.problems
    assert said[0].startswith(
        "record 1: " if rule not in ("unsorted",) and new[:2] != b"\n\n" and b"#" not in new else "record 2: "
    )
    assert (found.verdict == "invalid") == RULES[rule].refuses
    if rule not in MISREAD and rule != "utf8":
        assert read_by_htslib(raw, tmp_path) != RULES[rule].refuses


def test_contigs_that_do_not_stand_together():
    meta = META.replace(b"##contig", b"##contig=<ID=2>\n##contig")
    two = FIRST.replace(b"1\t10", b"2\t10")
    found = look(meta + NAMES + FIRST + two + LAST + two)
    assert found.problems == (f"record 3: {RULES['contig_apart'].says} (2 records)",)


def test_local_alleles_of_version_45():
    meta = (
        (META + NAMES)
        .replace(b"v4.3", b"v4.5")
        .replace(
            b"##contig",
            b'##FORMAT=<ID=LAA,Number=.,Type=Integer,Description="x">\n'
            b'##FORMAT=<ID=LAD,Number=LR,Type=Integer,Description="x">\n'
            b'##FORMAT=<ID=LEC,Number=LA,Type=Integer,Description="x">\n'
            b'##FORMAT=<ID=LPL,Number=LG,Type=Integer,Description="x">\n'
            b'##FORMAT=<ID=PSO,Number=P,Type=Integer,Description="x">\n##contig',
        )
    )
    site = b"1\t5\t.\tG\tA,C,T,<*>\t.\t.\t.\t"
    good = [
        b"GT:LAA:LAD:LPL\t2/4:2,4:20,30,10:90,80,0,100,110,120\t0/0::30:0\n",
        b"LAA:LEC\t:\t1:1\n",
        b"LAA:LEC\t\t.:\n",
        b"GT:PSO\t|0/1/2:1,2,3\t/0:1\n",
    ]
    assert look(meta + b"".join(site + one for one in good)).problems == ()
    bad = {
        b"GT:LAA:LAD\t2/4:2,4:20,30\t.\n": "format_count",
        b"GT:LAA:LEC\t0/1:1:\t.\n": "format_empty",
        b"GT:LAD\t0/1:1\t.\n": "local_alleles",
        b"GT:PSO\t0/1:1\t.\n": "format_count",
    }
    for line, rule in bad.items():
        assert look(meta + site + line).problems == (f"record 1: {RULES[rule].says}",)


def test_the_tally_counts_lines_not_faults():
    tally = Tally("record")
    for number in (3, 3, 5):
        tally.note("genotype", number)
    assert tally.said(refusing=True) == [f"record 3: {RULES['genotype'].says} (2 records)"]
    assert {*CELLS.values(), *INFO.values()} <= RULES.keys()
    assert all(not re.search(r"[.]$", rule.says) for rule in RULES.values())


@noisy
@given(st.data())
def test_any_damage_is_answered(data):
    raw = bytearray(META + NAMES + FIRST + LAST)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=5))
    found = look(bytes(raw))
    assert (found.verdict == "valid") == (not found.problems)
