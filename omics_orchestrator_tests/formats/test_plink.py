"""PLINK sets: public ones, files written by PLINK's own library, and every way to be wrong."""

import gzip
import random
import struct
from pathlib import Path

import numpy as np
import pgenlib
import pyarrow as pa
import pytest

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.plink import Plink
from omics_orchestrator.formats.plink_genotypes import bed_size
from omics_orchestrator_tests.formats.onfile import OnFile

FAM = b"F1 S1 0 0 1 -9\nF1 S2 0 0 2 -9\nF2 S3 S1 S2 0 -9\n"
BIM = b"1\trs1\t0\t100\tA\tC\n1\trs2\t0\t200\tA\tC\nX\t.\t0.5\t5\tAT\tC\n"
BED = b"\x6c\x1b\x01" + bytes(3)
PSAM = b"#FID\tIID\tSEX\tPHENO1\nF1\tS1\t1\t0.1\nF1\tS2\tNA\t0.2\n"
PVAR = b"##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\n1\t100\trs1\tA\tC\n1\t200\t.\tA\tC,G\n"


def tiny() -> tuple[Format, str, bytes]:
    return Plink(), "a.fam", FAM


def look(name: str, raw: bytes) -> Inspection:
    return Plink().inspect_bytes(name, raw)


def zstd(raw: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(raw, asbytes=True))


def judged(**parts: bytes) -> Inspection:
    files = {f"x/a.{part.replace('_', '.')}": raw for part, raw in parts.items()}
    members = {path: look(path.rpartition("/")[2], raw) for path, raw in files.items()}
    return Plink().judge(members, {path: MemoryFile(path, raw) for path, raw in files.items()})


def pgen(path: Path, samples: int, variants: int, *, phased: bool = False, dosages: bool = False) -> bytes:
    chance = np.random.default_rng(4)
    writer = pgenlib.PgenWriter(
        str(path).encode(),
        samples,
        variant_ct=variants,
        nonref_flags=False,
        hardcall_phase_present=phased,
        dosage_present=dosages,
    )
    for _ in range(variants):
        if dosages:
            writer.append_dosages(chance.random(samples).astype(np.float32))
        elif phased:
            writer.append_alleles(chance.integers(0, 2, 2 * samples).astype(np.int32), all_phased=True)
        else:
            writer.append_biallelic(chance.integers(0, 3, samples).astype(np.int8))
    writer.close()
    return path.read_bytes()


def test_what_plink_refuses_is_told():
    short = FAM.replace(b" 2 -9", b" 2")
    assert look("a.fam", short).problems == ("line 2: 5 columns instead of 6: PLINK refuses that",)
    assert look("a.psam", short).verdict == "valid"
    assert look("a.bim", BIM.replace(b"AT\tC", b"C\tC")).problems == ("record 3: both alleles are the same",)
    assert look("a.bim", BIM.replace(b"AT\tC", b"0\t0")).verdict == "valid"
    assert look("a.pvar", PVAR.replace(b"A\tC\n", b"A\tA\n")).problems == (
        "record 1: both alleles are the same",
    )


def test_facts_and_samples():
    fam, bim, bed = look("a.fam", FAM), look("a.bim", BIM), look("a.bed", BED)
    assert fam.samples == ("S1", "S2", "S3")
    assert fam.facts == {"kind": "samples", "samples": 3, "males": 1, "females": 1, "sex_unknown": 1}
    assert bim.facts == {
        "kind": "variants",
        "variants": 3,
        "chromosomes": 2,
        "multiallelic": 0,
        "in_order": True,
    }
    assert bed.facts == {"kind": "genotypes", "mode": 1, "layout": "bed"}
    assert [one.verdict for one in (fam, bim, bed)] == ["valid"] * 3
    assert look("a.psam", PSAM).facts["sex_unknown"] == 1
    assert look("a.pvar", PVAR).facts == bim.facts | {"variants": 2, "chromosomes": 1, "multiallelic": 1}
    assert judged(bed=BED, bim=BIM, fam=FAM).facts == {
        "parts": ["bed", "bim", "fam"],
        "variants": 3,
        "samples": 3,
    }


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_tables_may_be_compressed(pack):
    for name, raw in (("a.pvar.zst", PVAR), ("a.bim.gz", BIM), ("a.psam", PSAM)):
        plain = look(name, raw)
        assert plain.verdict == "valid"
        assert look(name, pack(raw)) == plain
        assert Plink.sniff(name, pack(raw))
        long = pack(
            raw + raw.splitlines(keepends=True)[-1].replace(b"S2", b"S9") * (1 if b"S2" in raw else 90_000)
        )
        assert look(name, long[: len(long) - 9]).verdict == "invalid"


def test_public_sets_are_recognised_and_agree(shared_data):
    sets = 0
    for folder in ("gwas/regenie", "vcf/bio2zarr_plink"):
        files = {file.name: OnFile(file) for file in sorted((shared_data / folder).iterdir())}
        for names in Plink.file_set(name for name in files if Plink.bears_suffix(name)):
            members = {name: Plink().inspect(files[name]) for name in names}
            assert {one.verdict for one in members.values()} == {"valid"}, names
            for name in names:
                assert Plink.sniff(name, files[name].path().read_bytes()[: 64 * 1024]), name
            found = Plink().judge(members, files)
            assert found.verdict == "valid"
            lines = files[f"{Plink.set_key(names[0])}.fam"].path().read_bytes().count(b"\n")
            assert found.facts["samples"] == lines
            sets += 1
    assert sets == 6


def test_nothing_else_among_the_public_data_is_taken_for_a_set(shared_data):
    known = {"bed", "bim", "fam", "pgen", "psam", "pvar"}
    for file in sorted(shared_data.rglob("*")):
        if file.is_file() and file.suffix[1:] not in known:
            with file.open("rb") as stream:
                assert not Plink.sniff(file.name, stream.read(64 * 1024)), file.name


@pytest.mark.parametrize(
    ("name", "raw", "problem"),
    [
        ("a.bed", b"", "an empty file"),
        ("a.bed", b"chr1\t0\t100\n", "it does not begin with 6c 1b and a mode"),
        ("a.bed", b"\x6c\x1b\x07abc", "it does not begin with 6c 1b and a mode"),
        ("a.pgen", b"\x6c\x1b\x10\1\0", "the file is cut off in its header"),
        ("a.pgen", b"\x6c\x1b\x02" + bytes(9), "the header tells no samples or no variants"),
        (
            "a.pgen",
            b"\x6c\x1b\x02" + struct.pack("<IIB", 3, 5, 64) + bytes(5),
            "by its header the file has 18 b",
        ),
        ("a.pgen", b"\x6c\x1b\x10" + struct.pack("<IIB", 1 << 31, 5, 64), "the header is cut off"),
        (
            "a.pgen",
            b"\x6c\x1b\x10" + struct.pack("<IIBQ", 1, 5, 76, 21) + bytes(5),
            "the lengths of its records",
        ),
        (
            "a.pgen",
            b"\x6c\x1b\x10" + struct.pack("<IIBQ", 1, 5, 64, 21) + b"\0\2\0\0",
            "the first record does not",
        ),
        ("a.fam", b"", "an empty file"),
        ("a.psam", b"#IID\n", "no rows"),
        ("a.fam", FAM + b"F9 GID7 0 0\n", "line 4: 4 columns instead of 6"),
        ("a.fam", FAM + b"F1 S2 0 0 2 -9\n", "line 4: a sample that stands there already"),
        ("a.fam", FAM + b"F1 0 0 0 2 -9\n", "line 4: a sample's id is 0"),
        ("a.fam", FAM + b"F1 S\0 0 0 2 -9\n", "line 4: NUL bytes"),
        ("a.fam", b"x" * 10_000, "line 1: 1 columns"),
        ("a.psam", b"#FID\tSEX\n", "line 1: the header line names no IID"),
        ("a.psam", b"#IID\tSEX\tSEX\n", "line 1: names of columns repeat"),
        ("a.psam", PSAM + b"F1\tS3\n", "line 4: 2 columns instead of 4"),
        ("a.bim", BIM + b"1 rs3 0 GID7 A C\n", "line 4: the position is no whole number"),
        ("a.bim", BIM + b"1 rs3 0 4\n", "line 4: 4 columns instead of 6"),
        ("a.pvar", PVAR.replace(b"\tREF", b"\tRF"), "line 2: the header line names no REF"),
        ("a.pvar", zstd(PVAR)[:-3], "the Zstandard stream is damaged or cut off"),
        ("a.pvar", b"\x28\xb5\x2f\xfd" + b"GID7" * 9, "the Zstandard stream is damaged or cut off"),
        ("a.bim", gzip.compress(BIM, mtime=0)[:-3], "the gzip stream ends early"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(name, raw, problem):
    found = look(name, raw)
    assert (found.verdict, len(found.problems)) == ("invalid", 1)
    assert found.problems[0].startswith(problem)
    assert "GID7" not in found.problems[0]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"bim": BIM, "fam": FAM}, "the genotypes are missing"),
        ({"bed": BED, "fam": FAM}, "the variants are missing: no .bim beside the .bed"),
        ({"bed": BED, "bim": BIM}, "the samples are missing: no .fam beside the .bed"),
        ({"bed": BED[:-1], "bim": BIM, "fam": FAM}, "the .bed has 5 bytes; 3 samples and 3 variants make 6"),
        ({"bed": BED + b"\0", "bim": BIM, "fam": FAM}, "the .bed has 7 bytes"),
        (
            {"bed": BED, "bim": BIM + b"X . 0 9 A C\n", "fam": FAM},
            "the .bed has 6 bytes; 3 samples and 4 variants make 7",
        ),
    ],
)
def test_what_is_wrong_with_a_set_is_said(parts, problem):
    found = judged(**parts)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_samples_whose_ids_repeat_bear_the_family_too():
    assert look("a.fam", b"A 1 0 0 1 -9\nB 1 0 0 1 -9\n").samples == ("A_1", "B_1")


def test_what_tools_may_stumble_over_is_a_warning():
    assert look("a.bim", BIM + b"1 rs3 0 4 A C\n").problems == ("record 4: not in order of position",)
    assert look("a.fam", FAM.replace(b"\n", b"\r\n")).problems == ("lines end in CR LF",)
    old = look("a.bed", b"\x6c\x1b\0" + bytes(3))
    assert old.verdict == "warnings"
    assert judged(bed=b"\x6c\x1b\0" + bytes(3), bim=BIM, fam=FAM).verdict == "valid"


@pytest.mark.parametrize(
    ("samples", "variants", "more"),
    [(1, 1, {}), (5, 70_000, {}), (500, 40, {"phased": True}), (33, 40, {"dosages": True})],
)
def test_what_the_library_of_plink_writes_is_read(samples, variants, more, tmp_path):
    raw = pgen(tmp_path / "a.pgen", samples, variants, **more)
    found = look("a.pgen", raw)
    assert (found.verdict, found.problems) == ("valid", ())
    assert (
        found.facts
        == {
            "kind": "genotypes",
            "mode": 16,
            "layout": "pgen",
            "variants": variants,
            "samples": samples,
            "phased": False,
            "dosages": False,
            "multiallelic": False,
            "opened": True,
        }
        | more
    )
    fam = b"".join(b"%d s%d 0 0 1 -9\n" % (number, number) for number in range(samples))
    bim = b"".join(b"1 . 0 %d A C\n" % number for number in range(variants))
    assert judged(pgen=raw, bim=bim, fam=fam).verdict == "valid"
    assert judged(pgen=raw, bim=bim, fam=fam + b"x x 0 0 0 0\n").problems == (
        f"the .pgen holds {samples} samples, the table beside it {samples + 1}",
    )
    for cut in random.Random(2).sample(range(len(raw)), min(20, len(raw))):
        assert look("a.pgen", raw[:cut]).verdict == "invalid", cut


def test_a_damaged_header_of_genotypes_is_answered(tmp_path):
    raw = pgen(tmp_path / "a.pgen", 20, 300)
    chance, refused = random.Random(6), 0
    for _ in range(300):
        bad = bytearray(raw)
        bad[chance.randrange(3, 400)] = chance.randrange(256)
        refused += look("a.pgen", bytes(bad)).verdict == "invalid"
    assert refused > 100


def test_fixed_widths_are_held_to_their_dimensions():
    for mode, width in ((2, 2), (3, 12), (4, 22)):
        raw = bytes((0x6C, 0x1B, mode)) + struct.pack("<IIB", 3, 5, 64) + bytes(3 * width)
        assert look("a.pgen", raw[:-1]).verdict == "invalid"
        assert "by its header" not in " ".join(look("a.pgen", raw).problems)


def test_identifiers_are_told_by_their_place():
    psam = look("a.psam", b"#IID\tSEX\tDOB\nS1\t1\t1957-02-11\n")
    assert psam.identifying == ("column 3: dates of birth",)
    pvar = look("a.pvar", b"##source=made by jane.doe@example.org\n" + PVAR)
    assert pvar.identifying == ("line 1: e-mail addresses",)
    assert look("a.pvar", PVAR).identifying == look("a.psam", PSAM).identifying == ()


def test_parts_of_a_set_share_a_stem():
    names = ["x/a.bed", "x/a.bim", "x/a.fam", "x/b.pgen", "x/b.pvar.zst", "x/b.PSAM", "b.fam", "x/b.pgen.pgi"]
    assert Plink.file_set(names) == [
        ("x/a.bed", "x/a.bim", "x/a.fam"),
        ("x/b.pgen", "x/b.pvar.zst", "x/b.PSAM", "x/b.pgen.pgi"),
        ("b.fam",),
    ]
    assert bed_size(5, 7) == 17
