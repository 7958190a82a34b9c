"""BAM and CRAM: files written by pysam, read back against its own counts, and every way to be wrong."""

import gzip
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omics_orchestrator.formats import Format
from omics_orchestrator.formats.bam import Bam
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.bgzf import Blocks
from omics_orchestrator.formats.text import BGZF_END
from omics_orchestrator_tests.formats.onfile import OnFile
from omics_orchestrator_tests.formats.test_base import bgzip

TEXT = (
    b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:248956422\n@SQ\tSN:chrX\tLN:1000\n"
    b"@RG\tID:L1\tSM:S1\tPL:ILLUMINA\n@RG\tID:L2\tSM:S2\n@PG\tID:bwa\tPN:bwa\n"
)
REFERENCES = (("chr1", 248956422), ("chrX", 1000))


def record(
    reference: int = 0,
    position: int = 10,
    name: bytes = b"r1",
    flag: int = 0,
    cigar: tuple[tuple[int, int], ...] = ((4, 0),),
    bases: int = 4,
    quality: bytes | None = None,
    tags: bytes = b"RGZL1\0",
    mate: tuple[int, int] = (-1, -1),
) -> bytes:
    body = struct.pack(
        "<iiBBHHHiiii", reference, position, len(name) + 1, 60, 4681, len(cigar), flag, bases, *mate, 0
    )
    body += name + b"\0" + b"".join(struct.pack("<I", length << 4 | kind) for length, kind in cigar)
    body += b"\x11" * ((bases + 1) // 2) + (bytes([30]) * bases if quality is None else quality) + tags
    return struct.pack("<i", len(body)) + body


def bam(
    *records: bytes,
    text: bytes = TEXT,
    references: tuple[tuple[str, int], ...] = REFERENCES,
    end: bool = True,
) -> bytes:
    binary = b"".join(
        struct.pack("<i", len(name) + 1) + name.encode() + b"\0" + struct.pack("<i", length)
        for name, length in references
    )
    content = b"BAM\1" + struct.pack("<i", len(text)) + text + struct.pack("<i", len(references)) + binary
    return bgzip(content + b"".join(records), end=end)


def tiny() -> tuple[Format, str, bytes]:
    return Bam(), "a.bam", bam(record(), record(position=20, name=b"r2"))


def look(raw: bytes, name: str = "a.bam") -> Inspection:
    return Bam().inspect_bytes(name, raw)


def written(path: Path, mode: str = "wb", reads: int = 600, *, order: str = "coordinate", **more) -> Path:
    """Write reads on chr1 and chrX, a tenth of them unmapped, with pysam."""
    chance = random.Random(5)
    header = {
        "HD": {"VN": "1.6", "SO": order},
        "SQ": [{"SN": "chr1", "LN": 10_000, "M5": "0" * 32}, {"SN": "chrX", "LN": 9_000, "M5": "1" * 32}],
        "RG": [{"ID": "L1", "SM": "S1", "PL": "ILLUMINA"}, {"ID": "L2", "SM": "S1"}],
        "PG": [{"ID": "bwa", "PN": "bwa", "VN": "0.7"}, {"ID": "sort", "PN": "samtools", "PP": "bwa"}],
    }
    with pysam.AlignmentFile(str(path), mode, header=header, **more) as stream:
        for number in range(reads):
            read = pysam.AlignedSegment(stream.header)
            read.query_name = f"read:{number}"
            length = chance.randint(30, 90)
            read.query_sequence = "".join(chance.choices("ACGTN", k=length))
            read.query_qualities = pysam.qualitystring_to_array("".join(chance.choices("#5I", k=length)))
            read.set_tags([("RG", "L1"), ("NM", 3), ("XB", [1, 2, 300]), ("XF", 0.5), ("XA", "x", "A")])
            if number < reads * 0.9:
                read.reference_id = int(number > reads / 2)
                read.reference_start = 10 + number
                read.cigartuples = [(4, 5), (0, length - 10), (2, 7), (0, 5)]
                read.flag = chance.choice([0, 16, 99, 147, 1024, 256, 2048, 512])
            else:
                read.flag = 4
            stream.write(read)
    return path


def test_every_count_is_that_of_pysam(tmp_path):
    path = written(tmp_path / "a.bam")
    found = Bam().inspect(OnFile(path))
    assert (found.verdict, found.problems, found.samples) == ("valid", (), ("S1",))
    with pysam.AlignmentFile(str(path)) as stream:
        reads = list(stream)
    primary = [read for read in reads if not read.is_secondary and not read.is_supplementary]
    assert found.facts == {
        "format": "BAM",
        "version": "1.6",
        "sort_order": "coordinate",
        "references": 2,
        "references_with_md5": 2,
        "reference_build": "",
        "read_groups": 2,
        "platforms": ["ILLUMINA"],
        "programs": ["bwa", "samtools"],
        "records": 600,
        "reads": len(primary),
        "mapped": sum(not read.is_unmapped for read in reads),
        "unmapped": 60,
        "unplaced": 60,
        "secondary": sum(read.is_secondary for read in reads),
        "supplementary": sum(read.is_supplementary for read in reads),
        "duplicates": sum(read.is_duplicate for read in reads),
        "failed_quality": sum(read.is_qcfail for read in reads),
        "paired": sum(read.is_paired for read in primary),
        "properly_paired": sum(read.is_proper_pair for read in primary),
        "bases": sum(read.query_length for read in primary),
        "mapped_x": sum(not read.is_unmapped and read.reference_name == "chrX" for read in reads),
        "in_coordinate_order": True,
        "end_marker": True,
    }


def test_blocks_of_any_size_say_the_same(tmp_path):
    path = written(tmp_path / "a.bam", reads=5_000)
    whole = look(path.read_bytes())
    assert whole.facts["records"] == 5_000
    for block in (64 * 1024, 100_003):
        assert Bam().inspect(OnFile(path, block)) == whole


@pytest.mark.parametrize(
    ("name", "text", "build"),
    [("chr1", 248956422, "GRCh38"), ("1", 249250621, "GRCh37"), ("chr1", 248387328, "T2T-CHM13")]
    + [("chr1", 195154279, "GRCm39"), ("chr2", 248956422, ""), ("CM000663.2", 248956422, "GRCh38")],
)
def test_the_reference_is_guessed_by_its_first_chromosome(name, text, build):
    found = look(bam(text=f"@SQ\tSN:{name}\tLN:{text}\n".encode(), references=((name, text),)))
    assert found.facts["reference_build"] == build


def test_unaligned_reads_need_no_reference():
    read = record(-1, -1, flag=4, cigar=(), bases=5)
    found = look(bam(read, read, text=b"@HD\tVN:1.6\tSO:unsorted\n@RG\tID:L1\tSM:S1\n", references=()))
    assert (found.verdict, found.facts["unplaced"], found.samples) == ("valid", 2, ("S1",))


def test_a_very_long_read_goes_over_many_blocks():
    long = record(-1, -1, flag=4, cigar=(), bases=6_000_000)
    raw = bam(long, record(-1, -1, flag=4), text=b"", references=())
    assert look(raw).facts["bases"] == 6_000_004
    assert look(bgzip(b"BAM\1" + bytes(8) + long[:-9])).problems == ("record 1: the file ends in it",)


HEAD = TEXT.split(b"@RG")[0]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "an empty file"),
        (b"BAM\1" + bytes(30), "not compressed as BGZF"),
        (gzip.compress(b"BAM\1" + bytes(99), mtime=0), "gzip instead of BGZF"),
        (bgzip(b"BAM\2" + bytes(99)), "a BAM begins with BAM\\1"),
        (bgzip(b""), "an empty file"),
        (bgzip(b"BAM\1\xff\xff\xff\xff"), "the header is longer than 128 MiB"),
        (bgzip(b"BAM\1\xff\xff\xff\x7f"), "the header is longer than 128 MiB"),
        (bgzip(b"BAM\1\x00\x00\x00\x00\x02\x00\x00\x00"), "the file ends in its header"),
        (bam(text=HEAD.replace(b"chrX", b"chrY")), "the @SQ lines of the header are not the references"),
        (bam(references=(("a", 5), ("a", 5))), "reference 2 of the binary list stands there twice"),
        (bam(references=(("a", 0),)), "reference 1 of the binary list is damaged"),
        (bam(text=HEAD + b"@SQ\tSN:chr1\tLN:5\n"), "header line 4: this @SQ SN stands there twice"),
        (bam(text=HEAD + b"@RG\tID:a\n@RG\tID:a\n"), "header line 5: this @RG ID stands there twice"),
        (bam(text=HEAD + b"@RG\tSM:a\n"), "header line 4: @RG without ID"),
        (bam(text=b"@SQ\tSN:a\tLN:5e3\n"), "header line 1: @SQ LN is no whole number"),
        (bam(text=b"@SQ\tSN:a\tLN:2147483648\n"), "header line 1: @SQ LN is no whole number"),
        (bam(text=b"@HD VN:1.6\n"), "header line 1: not @XX and fields TAG:value"),
        (bam(text=TEXT + b"GID7\n"), "header line 7: not @XX and fields TAG:value"),
        (bam(text=b"\n" + TEXT), "header line 1: not @XX and fields TAG:value"),
        (bam(text=TEXT + b"\n@CO\tx\n"), "header line 7: not @XX and fields TAG:value"),
        (bam(record(), record()[:-1]), "record 2: the file ends in it"),
        (bam(record(), b"\x05\0\0\0aaaaa"), "record 2: its size is not that of a record"),
        (bam(struct.pack("<i", -1)), "record 1: its size is not that of a record"),
        (bam(record(bases=4, quality=b"")), "record 1: its tags are damaged"),
        (bam(record(bases=9000, quality=b"", cigar=())[:90]), "record 1: the file ends in it"),
        (bam(record(2)), "record 1: a reference that the header does not have"),
        (bam(record(-2)), "record 1: a reference that the header does not have"),
        (bam(record(mate=(2, 0))), "record 1: a reference that the header does not have"),
        (bam(record(position=-2)), "record 1: a position below zero"),
        (bam(record(cigar=((4, 9),))), "record 1: an unknown CIGAR operation"),
        (bam(record(cigar=((5, 0),))), "record 1: CIGAR and sequence have different lengths"),
        (bam(record(tags=b"NMi\1\0")), "record 1: its tags are damaged"),
        (bam(record(tags=b"RGZL1")), "record 1: its tags are damaged"),
        (bam(record(tags=b"XBBi\xff\xff\xff\xff")), "record 1: its tags are damaged"),
        (bam(record(tags=b"XQ?1")), "record 1: its tags are damaged"),
        (bam(record().replace(b"r1\0", b"r1x")), "record 1: its name does not end where it says"),
    ],
)
def test_what_is_wrong_is_said_with_the_line_or_record(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)
    assert not any(word in found.problems[0] for word in ("S1", "GID7", "chr"))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            bam(record(position=20), record()),
            "record 2: not in the order that the header tells (@HD SO:coord",
        ),
        (bam(record(-1, -1, flag=4), record()), "record 2: not in the order"),
        (bam(record(position=248956419)), "record 1: it ends beyond its reference"),
        (bam(record(quality=b"\x5e" * 4)), "record 1: a quality above 93"),
        (bam(record(name=b"a b")), "record 1: a character that a read's name may not have"),
        (bam(record(-1, -1)), "record 1: mapped, but to no reference"),
        (bam(record(tags=b"RGZL3\0")), "record 1: a read group that the header does not have"),
        (bam(record(flag=4, cigar=((5, 0),))), "record 1: unmapped, CIGAR and sequence"),
        (bam(record(), end=False), "the BGZF end marker is missing"),
        (bam(record(), text=TEXT.replace(b"VN:1.6", b"VN:x")), "header line 1: @HD VN is no version"),
        (bam(record(), text=TEXT.replace(b"coordinate", b"Position")), "header line 1: @HD SO is none of"),
        (bam(record(), text=TEXT + b"@HD\tVN:1.6\n"), "header line 7: @HD is not the first line"),
        (bam(record(), text=TEXT + b"@PG\tID:bwa\n"), "@PG IDs repeat"),
        (bam(record(), text=TEXT + b"@CO made by hand\n"), "header line 7: @CO without a tab"),
        (bam(record(), text=TEXT + b"@PG\tID:b\t\n"), "header line 7: an empty field"),
        (bam(record(), text=TEXT + b"@PG\tID:b\tPP:c\n"), "@PG PP names a program"),
        (bam(record(), text=TEXT.replace(b"\tPL", b"\tSM:S3\tPL")), "header line 4: a tag stands twice"),
        (bam(record(), text=TEXT[:-1] + b"\0\n@CO\tx\n"), "the text of the header holds NUL"),
        (bam(record(), text=TEXT.replace(b"N:1000", b"N:1000\tM5:12")), "header line 3: @SQ M5 is no MD5"),
    ],
)
def test_what_tools_can_read_is_a_warning(raw, problem):
    found = look(raw)
    assert found.verdict == "warnings"
    assert [text for text in found.problems if text.startswith(problem)], found.problems


@pytest.mark.parametrize("mode", ["w", "wb", "wc"])
def test_a_header_alone_is_valid_as_it_is_in_vcf(mode, tmp_path):
    path = written(tmp_path / "a", mode, reads=0)
    found = Bam().inspect(OnFile(path))
    assert (found.verdict, found.problems, found.facts["records"]) == ("valid", (), 0)
    with pysam.AlignmentFile(str(path)) as stream:
        assert not list(stream)
    cut = path.read_bytes()[:-28]
    if mode != "w":  # a file that was cut off behind its header is still told
        assert Bam().inspect(MemoryFile("a", cut)).verdict != "valid"


def test_what_is_rare_and_right_is_valid():
    long = b"@CO\t" + b"x" * 10_000 + b"\n"
    good = [
        bam(record(quality=b"\xff" * 4)),
        bam(record(), text=TEXT + b"\0\0\0"),
        bam(record(), text=long + TEXT.replace(b"@HD\tVN:1.6\tSO:coordinate\n", b"")),
        bam(record(), text=b"@RG\tID:L1\tSM:S1\n"),
        bam(record(bases=0, cigar=((4, 0),))),
        bam(record(position=248956418)),
        bam(record(cigar=((4, 4), (90, 3)))),
        bam(record(tags=b"XBBS\2\0\0\0abcdXHH1A\0XAAzXsS\1\1")),
    ]
    assert [look(raw).problems for raw in good] == [()] * len(good)


@pytest.mark.parametrize(
    ("names", "sub_order", "bad"),
    [
        (["r9", "r10", "r11"], "", 0),
        (["r10", "r11", "r9"], "", 0),
        (["r10", "r11", "r9"], "\tSS:queryname:natural", 3),
        (["r2", "r1"], "", 2),
        (["r1", "r1", "r1/2"], "", 0),
        (["r" + "9" * 90, "s", "r"], "", 3),
    ],
)
def test_reads_by_name_come_in_one_of_the_two_orders(names, sub_order, bad):
    text = TEXT.replace(b"coordinate", f"queryname{sub_order}".encode())
    found = look(bam(*(record(name=name.encode()) for name in names), text=text))
    told = f"record {bad}: not in the order that the header tells (@HD SO:queryname)"
    assert found.problems == ((told,) if bad else ())


def test_identifiers_in_the_header_are_told_by_their_place():
    planted = TEXT + (
        b"@RG\tID:L3\tSM:Patient_Jane_Doe\tDS:NHS number 943 476 5919\tCN:sent by jane.doe@example.org\n"
        b"@PG\tID:x\tCL:align --dob=1957-02-11 --out a.bam\n@CO\tpatient: Jane Doe, born 11 Feb 1957\n"
    )
    found = look(bam(record(), text=planted))
    assert found.verdict == "valid"
    assert found.identifying == (
        "@RG line 7, SM: names of people",
        "@RG line 7, DS: NHS numbers (check digit)",
        "@RG line 7, CN: e-mail addresses",
        "@PG line 8, CL: dates of birth",
        "@CO line 9: names of people",
        "@CO line 9: dates of birth",
    )
    assert look(bam(record())).identifying == ()


def test_a_flipped_byte_anywhere_is_found(tmp_path):
    raw = written(tmp_path / "a.bam", reads=100).read_bytes()
    cram = written(tmp_path / "a.cram", "wc", reads=100, format_options=[b"no_ref=1"]).read_bytes()
    chance = random.Random(3)
    for content, free in ((raw, range(4, 10)), (cram, range(6, 26))):
        good = look(content)
        assert good.verdict == "valid"
        for _ in range(150):
            at = chance.randrange(len(content) - len(BGZF_END) * 2)
            bad = bytearray(content)
            bad[at] ^= 1 << chance.randrange(8)
            found = look(bytes(bad))
            unchecked = at in free or (content is raw and found.facts == good.facts)  # time, system: no CRC
            assert found.verdict == "invalid" or unchecked, at


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_records_of_any_bytes_are_answered(draw):
    raw = bytearray(record() + record(tags=b"XBBS\2\0\0\0abcdXHH1A\0") + record(flag=4))
    for _ in range(draw.draw(st.integers(1, 4))):
        raw[draw.draw(st.integers(0, len(raw) - 1))] = draw.draw(st.integers(0, 255))
    found = look(bam(bytes(raw) + draw.draw(st.binary(max_size=40))))
    assert (found.verdict == "valid") == (not found.problems)
    assert int(str(found.facts["records"])) <= 3 or found.verdict != "invalid"


def damaged_records(many: int = 400) -> list[str]:
    """Return what is said of records with up to three wrong bytes; the same ones each time."""
    chance, said = random.Random(8), []
    whole = record() + record(tags=b"XBBS\2\0\0\0abcdXHH1A\0") + record(flag=4)
    for _ in range(many):
        raw = bytearray(whole)
        for _ in range(chance.randint(0, 3)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        said.append(" ".join(look(bam(bytes(raw))).problems))
    return said


@pytest.mark.parametrize(
    "switch", ["NUMBA_DISABLE_JIT", pytest.param("NUMBA_BOUNDSCHECK", marks=pytest.mark.slow)]
)
def test_the_walk_says_the_same_interpreted_and_with_bounds_checked(switch, tmp_path):
    """Damaged records must lead to no access beyond the buffer, which compiled code would not notice."""
    places = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import *; print(*damaged_records(), sep='\\n')"],
        env={**os.environ, **places, switch: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stderr[-2000:]
    said = damaged_records()
    assert other.stdout.splitlines() == said
    assert sum("record" in one for one in said) > 200


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
def test_damaged_containers_are_answered(draw, cram_without_crc):
    """CRAM 2.1 has no CRC: what is wrong must be seen in the fields, or not at all."""
    raw = bytearray(cram_without_crc)
    for _ in range(draw.draw(st.integers(1, 4))):
        raw[draw.draw(st.integers(0, len(raw) - 1))] = draw.draw(st.integers(0, 255))
    found = look(bytes(raw[: draw.draw(st.integers(len(raw) // 2, len(raw)))]))
    assert (found.verdict == "valid") == (not found.problems)


@pytest.fixture(scope="module")
def cram_without_crc(tmp_path_factory) -> bytes:
    options = [b"version=2.1", b"no_ref=1", b"seqs_per_slice=9"]
    path = written(tmp_path_factory.mktemp("cram") / "a.cram", "wc", reads=30, format_options=options)
    return path.read_bytes()


@pytest.mark.parametrize("version", ["2.1", "3.0", "3.1"])
def test_containers_hold_what_pysam_reads(version, tmp_path):
    options = [f"version={version}".encode(), b"no_ref=1", b"seqs_per_slice=100", b"slices_per_container=2"]
    path = written(tmp_path / "a.cram", "wc", reads=1_000, format_options=options)
    found = Bam().inspect(OnFile(path))
    assert (found.verdict, found.problems, found.samples) == ("valid", (), ("S1",))
    with pysam.AlignmentFile(str(path)) as stream:
        reads = list(stream)
    facts = found.facts
    assert (facts["cram_version"], facts["records"], facts["records_decoded"]) == (version, len(reads), False)
    assert facts["bases"] == sum(read.query_length for read in reads)
    assert (facts["slices"], facts["references"], facts["reference_needed"]) == (11, 2, False)


def test_reads_stored_by_their_reference_need_it(tmp_path):
    (tmp_path / "ref.fa").write_text(">chr1\n" + "ACGT" * 500 + "\n")
    facts = []
    for options in ([], [b"embed_ref=1"]):
        path = tmp_path / f"{len(options)}.cram"
        with pysam.AlignmentFile(
            str(path),
            "wc",
            header={"SQ": [{"SN": "chr1", "LN": 2000}]},
            reference_filename=str(tmp_path / "ref.fa"),
            format_options=options,  # type: ignore[arg-type]
        ) as stream:
            read = pysam.AlignedSegment(stream.header)
            read.query_name, read.query_sequence, read.cigartuples = "r1", "ACGT" * 9, [(0, 36)]
            read.reference_id, read.reference_start = 0, 100
            stream.write(read)
        found = Bam().inspect(OnFile(path))
        assert found.verdict == "valid", found.problems
        facts.append((found.facts["reference_needed"], found.facts["reference_embedded"]))
    assert facts == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda raw: raw[:20], "the file is cut off in its first 26 bytes"),
        (lambda raw: raw[:-38], "container 4: the container that ends a CRAM is missing"),
        (lambda raw: raw[:-60], "container 3: the file is cut off"),
        (lambda raw: raw[:4] + b"\4" + raw[5:], "a CRAM of a version other than"),
        (lambda raw: raw[:26] + b"\1" + raw[27:], "the header: the CRC of its fields does not hold"),
        (lambda raw: raw[:-70] + b"XY" + raw[-68:], "container 3: the CRC of a block does not hold"),
    ],
)
def test_what_is_wrong_with_a_cram_is_said_with_the_container(change, problem, tmp_path):
    options = [b"version=3.0", b"no_ref=1"]
    raw = written(tmp_path / "a.cram", "wc", reads=500, format_options=options).read_bytes()
    found = look(change(raw), "a.cram")
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)
    assert look(raw + b"more").problems == ("something follows the container that ends the file",)


def test_a_block_that_lies_about_its_length_is_refused():
    block = bytearray(bgzip(b"BAM\1" * 500, end=False))
    for at, value, problem in (
        (16, b"\x01\x00", "its length is missing or too small"),
        (len(block) - 4, struct.pack("<I", 70_000), "inflates to more than 64 KiB"),
        (len(block) - 4, struct.pack("<I", 7), "its length or its CRC does not hold"),
        (12, b"XY", "its length is missing or too small"),
    ):
        bad = block.copy()
        bad[at : at + len(value)] = value
        assert problem in look(bytes(bad)).problems[0]


def test_a_bomb_in_a_block_is_refused():
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = squeezed.compress(bytes(50_000_000)) + squeezed.flush()
    head = b"\x1f\x8b\x08\4\0\0\0\0\0\xff\6\0BC\2\0" + struct.pack("<H", len(body) + 25)
    raw = head + body + struct.pack("<II", zlib.crc32(bytes(50_000_000)), 50_000_000 & 0xFFFF)
    assert look(raw).verdict == "invalid"


def test_blocks_with_more_extra_fields_are_read():
    body = zlib.compress(b"text", 9)[2:-4]
    extra = b"AA\1\0xBC\2\0" + struct.pack("<H", len(body) + 12 + 11 + 8 - 1)
    head = b"\x1f\x8b\x08\4\0\0\0\0\0\xff" + struct.pack("<H", len(extra)) + extra
    blocks = Blocks([head + body + struct.pack("<II", zlib.crc32(b"text"), 4) + BGZF_END])
    assert b"".join(blocks) == b"text"
    assert (blocks.count, blocks.whole) == (2, True)


def test_recognition_is_by_content():
    _, _, raw = tiny()
    assert Bam.sniff("reads.dat", raw)
    assert Bam.sniff("x", b"CRAM\3\0" + bytes(20))
    assert not Bam.sniff("a.bam", bgzip(b"##fileformat=VCFv4.2\n"))
    assert not Bam.sniff("a.cram", b"CRAMPS are painful")


LINE = b"r1\t0\tchr1\t11\t60\t4M\t*\t0\t0\tACGT\tIIII\tRG:Z:L1\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bgzip])
def test_a_sam_is_read_too(pack, tmp_path):
    path = written(tmp_path / "a.sam", "w")
    with pysam.AlignmentFile(str(path)) as stream:
        reads = list(stream)
    raw = pack(path.read_bytes())
    assert Bam.sniff("alignments.txt", raw)
    found = look(raw, "a.sam")
    assert (found.verdict, found.samples) == ("valid", ("S1",))
    assert found.facts["records"] == len(reads)
    assert found.facts["mapped"] == sum(not read.is_unmapped for read in reads)
    assert found.facts["in_coordinate_order"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"r1\t0\tchr1\n", "record 2: 3 columns instead of at least 11"),
        (LINE.replace(b"\t11\t", b"\t-1\t"), "record 2: FLAG, POS or MAPQ is no whole number"),
        (LINE.replace(b"chr1", b"GID7"), "record 2: a reference that the header does not have"),
        (LINE.replace(b"4M", b"4Q"), "record 2: a CIGAR that cannot be read"),
        (LINE.replace(b"4M", b"5M"), "record 2: CIGAR and sequence have different lengths"),
        (LINE.replace(b"IIII", b"II"), "record 2: sequence and qualities have different lengths"),
        (b"@CO\tlate\n", "record 2: 2 columns"),
        (b"x" * 10_000, "record 2: 1 columns"),
    ],
)
def test_what_is_wrong_with_a_sam_is_said_with_the_record(line, problem):
    assert look(TEXT + LINE, "a.sam").verdict == "valid"
    found = look(TEXT + LINE + line, "a.sam")
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)
    assert look(TEXT + LINE + LINE.replace(b"11", b"9"), "a.sam").problems[0].startswith("record 2: not in")
    assert look(b"@HD\tVN:1.6\n@SQ\tSN:a\n", "a.sam").problems == ("header line 2: @SQ without LN",)


def test_an_index_belongs_to_its_file():
    names = ["x/a.bam", "x/a.bam.bai", "b.bai", "b.bam", "c.CRAM", "c.CRAM.crai", "d.crai", "a.bam.csi"]
    assert Bam.file_set(names) == [
        ("x/a.bam", "x/a.bam.bai"),
        ("b.bai", "b.bam"),
        ("c.CRAM", "c.CRAM.crai"),
        ("d.crai",),
        ("a.bam.csi",),
    ]


def judged(path: Path, index: bytes | None, suffix: str) -> Inspection:
    main, beside = path.name, path.name + suffix
    members = {main: Bam().inspect(OnFile(path))}
    files = {main: MemoryFile(main, path.read_bytes())}
    if index is not None:
        members[beside], files[beside] = Inspection.of({}), MemoryFile(beside, index)
    return Bam().judge(members, files)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> dict[str, tuple[Path, bytes]]:
    """One file of each kind with its index: suffix of the index → file, index."""
    folder = tmp_path_factory.mktemp("indexed")
    reads = written(folder / "a.bam")
    pysam.index(str(reads), str(folder / "a.bai"))
    pysam.index("-c", str(reads), str(folder / "a.csi"))
    cram = written(folder / "a.cram", "wc", format_options=[b"no_ref=1"])
    pysam.index(str(cram), str(folder / "a.crai"))
    return {
        suffix: (cram if suffix == ".crai" else reads, (folder / f"a{suffix}").read_bytes())
        for suffix in (".bai", ".csi", ".crai")
    }


@pytest.mark.parametrize("suffix", [".bai", ".csi", ".crai"])
def test_an_index_is_held_to_its_file(suffix, indexed, tmp_path):
    path, index = indexed[suffix]
    assert judged(path, index, suffix).facts == {"has_index": True}
    assert judged(path, index, suffix).verdict == "valid"
    assert judged(path, None, suffix).facts == {"has_index": False}
    other = written(tmp_path / path.name, "wc" if suffix == ".crai" else "wb", 20)
    found = judged(other, index, suffix)
    assert (found.verdict, found.facts) == ("warnings", {"has_index": False})
    assert found.problems[0].startswith(f"the index {suffix} ")
    for bad in (index[:-9], b"", bytes(40), b"BAI\1\xff\xff\xff\x7f", gzip.compress(b"1\t2\n", mtime=0)):
        assert judged(path, bad, suffix).verdict == "warnings"


def test_an_index_of_another_kind_or_alone_is_told(indexed, tmp_path):
    assert "another kind" in judged(indexed[".bai"][0], indexed[".crai"][1], ".crai").problems[0]
    (tmp_path / "a.sam").write_bytes(TEXT + LINE)
    for suffix in (".bai", ".crai"):
        assert "another kind" in judged(tmp_path / "a.sam", indexed[suffix][1], suffix).problems[0]
    alone = Bam().judge({"a.bai": Inspection.of({})}, {"a.bai": MemoryFile("a.bai", b"")})
    assert alone.problems == ("an index without the file that it indexes",)
