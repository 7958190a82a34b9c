"""The header of VCF, one broken line at a time; htslib tells whether it is a warning or a refusal."""

import pytest

from omics_orchestrator.formats.vcf_rules import RULES
from omics_orchestrator_tests.formats.test_vcf_rules import FIRST, LAST, META, NAMES, look, read_by_htslib

HEADERS = [
    (b'##INFO=<Number=1,Type=Integer,Description="x">', "no_id"),
    (b"##contig=<length=4>", "no_id"),
    (b"##TOOL=<Version=4>", "no_id"),
    (b'##INFO=<ID=X,Number=1,Description="x">', "incomplete"),
    (b'##INFO=<ID=X,Type=Integer,Description="x">', "incomplete"),
    (b"##FILTER=<ID=X>", "incomplete"),
    (b'##INFO=<ID=X,Number=1,Type=Int,Description="x">', "bad_type"),
    (b'##FORMAT=<ID=X,Number=0,Type=Flag,Description="x">', "bad_type"),
    (b'##INFO=<ID=X,Number=-1,Type=Integer,Description="x">', "bad_number"),
    (b'##FORMAT=<ID=X,Number=LA,Type=Integer,Description="x">', "bad_number"),
    (b'##INFO=<ID=X,Number=1,Type=Flag,Description="x">', "flag_number"),
    (b'##INFO=<ID=X,Number=0,Type=Integer,Description="x">', "flag_number"),
    (b"##INFO=<ID=X,Number=1,Type=Integer,Description=x y>", "unquoted"),
    (b'##INFO=<ID=X,Number=1,Type=Integer,Description="x>', "malformed"),
    (b'##INFO=<ID=X,Number=1,Type=Integer,Description="x"', "malformed"),
    (b'##INFO=<ID=X,Number=1,Type=Integer,Foo,Description="x">', "malformed"),
    (b'##INFO=<ID=X,ID=Y,Number=1,Type=Integer,Description="x">', "malformed"),
    (b'##INFO=<ID=X,Number=1,Type=Integer,Description="x">junk', "malformed"),
    (b"##INFO=text", "malformed"),
    (b"##text", "malformed"),
    (b"##text=", "malformed"),
    (b'##INFO=<ID=DP,Number=1,Type=Integer,Description="again">', "declared_twice"),
    (b"##contig=<ID=1,length=9>", "declared_twice"),
    (b'##INFO=<ID=NS,Number=1,Type=Float,Description="x">', "reserved"),
    (b'##FORMAT=<ID=PQ,Number=G,Type=Integer,Description="x">', "reserved"),
    (b"##contig=<ID=*7,length=9>", "contig_name"),
    (b"##contig=<ID=7,length=long>", "contig_length"),
    (b'##ALT=<ID=DEL:A B,Description="x">', "bad_id"),
    (b'##FILTER=<ID=0,Description="x">', "bad_id"),
    (b'##FORMAT=<ID=9X,Number=1,Type=Integer,Description="x">', "bad_id"),
    (b"##fileformat=VCFv4.3", "second_version"),
    (b"", "blank"),
    (b"##source=\xe9", "utf8"),
]


@pytest.mark.parametrize(("line", "rule"), HEADERS, ids=[f"{rule}-{line[:30]!r}" for line, rule in HEADERS])
def test_a_broken_header_line(line, rule, tmp_path):
    raw = META + line + b"\n" + NAMES + FIRST + LAST
    found = look(raw)
    assert found.problems == (f"line 20: {RULES[rule].says}",)
    assert found.verdict == "warnings"
    if rule != "utf8":
        assert read_by_htslib(raw, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"VCFv4.3", b"VCFv4.0", "version"),
        (b"VCFv4.3", b"VCFv4.9", "version"),
        (b"VCFv4.3", b"VCF4.3", "spelling"),
        (b"FORMAT\tS1\tS2", b"FORMAT\tS1\tS2", ""),
        (b"\tINFO\tFORMAT\tS1\tS2\n", b"\tINFO\t\n", "header_tab"),
    ],
)
def test_the_first_and_the_last_line_of_the_header(old, new, rule):
    head = (META + NAMES).replace(old, new)
    found = look(head)
    assert found.verdict == ("warnings" if rule else "valid")
    assert not rule or RULES[rule].says in found.problems[0]


def test_genotypes_declared_as_numbers_cannot_be_read(tmp_path):
    raw = (META + NAMES + FIRST + LAST).replace(b"GT,Number=1,Type=String", b"GT,Number=1,Type=Integer")
    assert RULES["genotype_declared"].says in look(raw).problems[0]
    assert not read_by_htslib(raw, tmp_path)


def test_old_versions_are_held_to_their_own_rules():
    old = META.replace(b"v4.3", b"v4.1").replace(
        b"##contig", b"##SAMPLE=<Name=S1>\n##pedigreeDB=<url>\n##contig"
    )
    raw = (old + NAMES + FIRST + LAST).replace(b"Number=R", b"Number=.")
    assert look(raw).problems == ()
    assert look(raw.replace(b"AD,Number=.", b"AD,Number=R")).problems == (
        f"line 6: {RULES['bad_number'].says} (2 lines)",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"Type=Integer", b"Type=[Integer", "line 4: a bracket that is not closed"),
        (b"\tS1\t", b"\t \t", "line 20: sample 1 has no name"),
        (b"Type=Integer", b"Type=\0", "line 4: a NUL byte"),
    ],
)
def test_headers_that_htslib_refuses(old, new, problem, tmp_path):
    raw = (META + NAMES).replace(old, new, 1) + FIRST + LAST
    assert look(raw).problems[0] == problem
    assert not read_by_htslib(raw, tmp_path)
