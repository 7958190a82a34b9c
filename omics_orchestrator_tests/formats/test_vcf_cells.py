"""Samples' columns: compiled code and plain Python give the same verdict; numba with bounds checks, and without JIT."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omics_orchestrator.formats import vcf_text
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.vcf import Vcf
from omics_orchestrator.formats.vcf_cells import Formats, PlainCells, Row
from omics_orchestrator.formats.vcf_header import Header

META = b"".join(
    b'##FORMAT=<ID=%b,Number=%b,Type=%b,Description="x">\n' % row
    for row in [
        (b"GT", b"1", b"String"),
        (b"DP", b"1", b"Integer"),
        (b"AD", b"R", b"Integer"),
        (b"PL", b"G", b"Integer"),
        (b"AF", b"A", b"Float"),
        (b"F2", b"2", b"Float"),
        (b"FT", b"1", b"String"),
        (b"TX", b".", b"String"),
        (b"CH", b"1", b"Character"),
        (b"LAA", b".", b"Integer"),
        (b"LAD", b"LR", b"Integer"),
        (b"PSO", b"P", b"Integer"),
    ]
)
COLUMNS = b"##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
noisy = settings(deadline=None, suppress_health_check=list(HealthCheck))  # how many: by the profile

alleles = st.sampled_from([b"0", b"1", b"2", b"10", b".", b"00", b"x"])
genotype = st.tuples(
    alleles, st.lists(st.tuples(st.sampled_from(b"/|").map(lambda c: bytes([c])), alleles), max_size=2)
).map(lambda pair: pair[0] + b"".join(a + b for a, b in pair[1]))
number = st.one_of(
    st.integers(-(2**33), 2**33).map(lambda n: b"%d" % n),
    st.integers(0, 60).map(lambda n: b"%d" % n),
    st.floats(width=32).map(lambda f: repr(f).encode()),
    st.sampled_from(
        [b".", b"", b"-", b"+3", b"5.", b".5", b"1e5", b".e5", b"1e", b"-.", b"nan", b"INF", b"0" * 20, b"1 "]
    ),
)
text = st.sampled_from([b"PASS", b"a,b", b".", b"", b"\x01", b"a b", b"\xc3\xa4", b"%3A", b"ab", b"x\r"])
value = st.one_of(st.lists(number, min_size=1, max_size=4).map(b",".join), text, genotype)
cell = st.tuples(genotype, st.lists(value, max_size=4)).map(lambda pair: b":".join([pair[0], *pair[1]]))
key = st.sampled_from(
    [b"DP", b"AD", b"PL", b"AF", b"F2", b"FT", b"TX", b"CH", b"LAA", b"LAD", b"PSO", b"ZZ", b"GT"]
)
form = st.one_of(
    st.lists(key, max_size=4).map(lambda keys: b":".join([b"GT", *keys])),
    st.lists(key, min_size=1, max_size=4).map(b":".join),
    st.just(b"GT"),
    st.just(b"."),
)
alt = st.sampled_from([b"C", b"C,G", b".", b"C,G,T,CC,CT,CA,CG,CCA,CCT,CCG"])
row = st.tuples(alt, form, st.lists(st.one_of(cell, st.just(b"."), value), min_size=1, max_size=3))
version = st.sampled_from([b"4.2", b"4.5"])


def written(version: bytes, rows: list[tuple[bytes, bytes, list[bytes]]]) -> bytes:
    lines = [
        b"1\t%d\t.\tA\t%b\t.\t.\t.\t%b\t%b\n" % (at, alt, form, b"\t".join(cells))
        for at, (alt, form, cells) in enumerate(rows, 1)
    ]
    return b"##fileformat=VCFv" + version + b"\n" + META + COLUMNS + b"".join(lines)


def look(raw: bytes, *, compiled: bool) -> Inspection:
    small, vcf_text.SMALL = vcf_text.SMALL, -1 if compiled else 1 << 60
    try:
        return Vcf().inspect(MemoryFile("a.vcf", raw))
    finally:
        vcf_text.SMALL = small


@noisy
@given(version, st.lists(row, min_size=1, max_size=5))
def test_compiled_and_plain_code_say_the_same(version, rows):
    raw = written(version, rows)
    assert look(raw, compiled=True) == look(raw, compiled=False)


@noisy
@given(version, st.lists(row, min_size=1, max_size=3), st.data())
def test_and_so_they_do_of_damaged_texts(version, rows, data):
    raw = bytearray(written(version, rows))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(len(raw) // 2, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert look(bytes(raw), compiled=True) == look(bytes(raw), compiled=False)


def test_compiled_code_vouches_for_ordinary_records():
    raw = written(
        b"4.5",
        [
            (b"C", b"GT", [b"0/1", b"./."]),
            (b"C,G", b"GT:DP:AD:PL:AF:FT", [b"0|2:3:1,2,3:0,1,2,3,4,5:.5,-1e-3:PASS", b"./.:.:.:.:.:."]),
            (b"C,G,T,CC,CT,CA,CG,CCA,CCT,CCG", b"GT:DP", [b"10/9:-4", b"0"]),
            (b".", b"DP", [b"5", b"."]),
        ],
    )
    asked: list[Row] = []
    plain = PlainCells.check

    def counted(self: PlainCells, text: bytes, rows: list[Row]) -> list[tuple[int, int]]:
        asked.extend(rows)
        return plain(self, text, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainCells, "check", counted)
        found = look(raw, compiled=True)
    assert (found.verdict, found.facts["genotypes"], asked) == ("valid", 6, [])


def test_without_numba_large_files_are_read_by_plain_code(monkeypatch):
    monkeypatch.setattr(vcf_text, "SMALL", -1)
    monkeypatch.setitem(sys.modules, "omics_orchestrator.formats.vcf_compiled", None)
    vcf_text._kernel.cache_clear()
    try:
        assert vcf_text._kernel() is None
        assert (
            Vcf().inspect_bytes("a.vcf", written(b"4.5", [(b"C", b"GT", [b"0/1", b"."])])).verdict == "valid"
        )
    finally:
        vcf_text._kernel.cache_clear()


@pytest.mark.parametrize(
    "variable", ["NUMBA_DISABLE_JIT", pytest.param("NUMBA_BOUNDSCHECK", marks=pytest.mark.slow)]
)
def test_the_kernel_keeps_its_bounds(variable, tmp_path):
    code = (
        "from hypothesis import settings\n"
        "settings.register_profile('few', max_examples=60, database=None)\n"
        "settings.load_profile('few')\n"
        "from omics_orchestrator_tests.formats import test_vcf_cells as cells, test_vcf_genotypes as others\n"
        "for test in (cells.test_compiled_and_plain_code_say_the_same, cells.test_and_so_they_do_of_damaged_texts,\n"
        "             others.test_compiled_and_plain_read_the_same):\n"
        "    test()\n"
        "print('done')\n"
    )
    environment = os.environ | {variable: "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip()[-4:], done.returncode) == ("done", 0), done.stderr[-2000:]


def test_format_columns_are_numbered_once_and_forgotten():
    formats = Formats(Header())
    assert [formats.number(text) for text in (b"GT", b"GT:DP", b"GT")] == [0, 1, 0]
    formats.forget()
    assert (formats.number(b"DP"), list(formats.names)) == (0, [b"GT", b"DP"])
