"""verdicts.csv: what every file of the public data is by its specification, held against recognise, inspect and judge.

The rows were written from the specifications first, and compared with the code afterwards. Columns: `file` below
shared/data; `format` that recognise() must give; `verdict`; `rule`: where the specification says so; `judged_as`: the
format that is declared where the content alone tells none; `set`, `set_verdict`: files that belong together.
"""

import csv
import gzip
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from omics_orchestrator import formats
from omics_orchestrator.formats import FORMATS
from omics_orchestrator.formats.base import Format, Inspection
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats.onfile import OnFile

TABLE = Path(__file__).parent.parent / "verdicts.csv"
ROWS = {row["file"]: row for row in csv.DictReader(TABLE.read_text("utf-8").splitlines())}
FOLDERS = sorted({file.rpartition("/")[0] for file in ROWS})
WORD = re.compile(rb"[^\s,;:|/=\"<>()\[\]]{3,60}")
SOURCES = Path(formats.__file__).parent
OURS = frozenset(word for source in SOURCES.glob("*.py") for word in WORD.findall(source.read_bytes()))


class Looked(NamedTuple):
    found: str
    kind: Format
    told: Inspection


@cache
def look(file: Path, name: str) -> Looked:
    with file.open("rb") as stream:

        def read(start: int, length: int) -> bytes:
            stream.seek(start)
            return stream.read(length)

        kind = recognise(file.name, read(0, 64 * 1024), read)
    judged = ROWS[name]["judged_as"]
    declared = FORMATS[judged].model_validate({"format": judged}) if judged else kind
    return Looked(kind.format, declared, declared.inspect(OnFile(file)))


def below(folder: str) -> list[str]:
    return [file for file in ROWS if file.rpartition("/")[0] == folder]


def test_every_file_has_a_row_and_every_row_a_file(shared_data):
    files = {str(file.relative_to(shared_data)) for file in shared_data.rglob("*") if file.is_file()}
    with (shared_data / "MANIFEST.csv").open(newline="", encoding="utf-8") as stream:
        listed = {row["file"] for row in csv.DictReader(stream)}
    assert len(ROWS) == len(TABLE.read_text("utf-8").splitlines()) - 1
    assert sorted(files) == sorted(ROWS)
    assert listed <= set(ROWS)


def test_rows_are_complete():
    for file, row in ROWS.items():
        assert row["format"] in FORMATS, file
        assert row["verdict"] in {"valid", "warnings", "invalid"}, file
        assert row["rule"], file
        if row["format"] == "opaque" and not row["judged_as"]:
            assert row["verdict"] == "valid"
            assert row["rule"].startswith("not checked"), file
        else:
            assert not row["rule"].startswith("not checked"), file
        assert bool(row["set"]) == bool(row["set_verdict"]), file
    empty = {file: ROWS[file]["verdict"] for file in ROWS if file.endswith("/empty.vcf")}
    assert sorted(empty.values()) == ["invalid", "valid"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_format_and_verdict_are_those_of_the_specification(shared_data, folder):
    expected = {file: (ROWS[file]["format"], ROWS[file]["verdict"]) for file in below(folder)}
    looks = {file: look(shared_data / file, file) for file in expected}
    assert {file: (one.found, one.told.verdict) for file, one in looks.items()} == expected


def leaked(problem: str, told: Inspection, raw: bytes) -> set[bytes]:
    """Return words of a problem that stand in the file, and not in our own sources; numbers are counts."""
    text = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    words = {word for word in WORD.findall(problem.encode()) if not word.isdigit()}
    return (words - OURS) & {*WORD.findall(text), *(sample.encode() for sample in told.samples)}


def test_a_problem_that_tells_content_would_be_found():
    told = Inspection.of({}, ("NA12878",))
    assert leaked("record 3: the sample NA12878 has no genotype", told, b"nothing") == {b"NA12878"}
    assert leaked("line 2: no such contig: chrQ7", told, b"chrQ7\t1\t.\tA") == {b"chrQ7"}
    assert not leaked("record 30: the quality holds a character", told, b"the record\t30\tholds")


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_problem_tells_what_is_in_the_file(shared_data, folder):
    for name in below(folder):
        told = look(shared_data / name, name).told
        for problem in told.problems:
            assert not leaked(problem, told, (shared_data / name).read_bytes()), (name, problem)


def sets_of(tag: str) -> list[tuple[str, ...]]:
    """Return the sets of several files that the format makes of all its files and companions."""
    kind = FORMATS[tag]
    names = [
        file
        for file, row in ROWS.items()
        if (row["judged_as"] or row["format"]) == tag or kind.is_companion(file)
    ]
    return [members for members in kind.file_set(names) if len(members) > 1]


def test_files_that_belong_together_are_found_together():
    expected: dict[str, list[str]] = {}
    for file, row in ROWS.items():
        if row["set"]:
            expected.setdefault(row["set"], []).append(file)
    made = [sorted(members) for tag, kind in FORMATS.items() if not kind.opaque for members in sets_of(tag)]
    assert sorted(made) == sorted(sorted(members) for members in expected.values())


@pytest.mark.parametrize("tag", ["fastq", "vcf", "plink", "tenx"])
def test_sets_as_a_whole(shared_data, tag):
    sets = sets_of(tag)
    assert sets
    for members in sets:
        calls = {name: look(shared_data / name, name) for name in members}
        kind = next(one.kind for one in calls.values() if one.kind.format == tag)
        told = kind.judge(
            {name: one.told for name, one in calls.items()},
            {name: OnFile(shared_data / name) for name in members},
        )
        assert told.verdict == ROWS[members[0]]["set_verdict"], (members, told.problems)


def test_the_public_data_hold_good_and_bad_files_of_the_streamed_formats():
    verdicts = Counter((row["judged_as"] or row["format"], row["verdict"]) for row in ROWS.values())
    assert verdicts["fastq", "invalid"] == 22
    assert all(verdicts["vcf", verdict] for verdict in ("valid", "warnings", "invalid"))
