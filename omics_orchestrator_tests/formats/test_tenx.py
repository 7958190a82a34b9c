"""10x: real folders and .h5 of Cell Ranger 1 to 3, made ones, every way that parts do not fit."""

import gzip
import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scanpy
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import Format, tenx_mtx
from omics_orchestrator.formats.base import Inspection, MemoryFile
from omics_orchestrator.formats.tenx import Tenx
from omics_orchestrator_tests.formats.hdf5_changes import put
from omics_orchestrator_tests.formats.onfile import OnFile

MATRIX = b"%%MatrixMarket matrix coordinate integer general\n%\n3 2 4\n1 1 5\n3 1 1\n2 2 7\n3 2 2\n"
BARCODES = b"AAACCC-1\nAAACGG-1\n"
FEATURES = b"ENSG00000000001\tA\tGene Expression\nENSG00000000002\tB\tGene Expression\n"
FEATURES += b"CD3\tCD3_TotalSeqB\tAntibody Capture\n"


def tiny() -> tuple[Format, str, bytes]:
    return Tenx(), "matrix.mtx", MATRIX


def look(raw: bytes, name: str = "matrix.mtx") -> Inspection:
    return Tenx().inspect_bytes(name, raw)


def judged(**parts: bytes) -> Inspection:
    names = {
        "matrix": "s/matrix.mtx",
        "barcodes": "s/barcodes.tsv",
        "features": "s/features.tsv",
        "genes": "s/genes.tsv",
    }
    files = {names[part]: MemoryFile(names[part], raw) for part, raw in parts.items()}
    members = {path: Tenx().inspect(file) for path, file in files.items()}
    return Tenx().judge(members, files)


def test_a_folder_as_a_whole():
    found = judged(matrix=MATRIX, barcodes=BARCODES, features=FEATURES)
    assert (found.verdict, found.problems) == ("valid", ())
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["entries"]) == (2, 3, 4)
    assert found.facts["feature_types"] == {"Gene Expression": 2, "Antibody Capture": 1}
    assert (found.facts["gene_ids"], found.facts["layout"]) == ("ensembl_human", "Cell Ranger 3 and later")
    assert found.facts["median_counts_per_cell"] == 7.5
    assert found.facts["sparsity"] == pytest.approx(1 / 3, abs=1e-6)
    genes = FEATURES.replace(b"\tGene Expression", b"").replace(b"\tAntibody Capture", b"")
    assert judged(matrix=MATRIX, barcodes=BARCODES, genes=genes).facts["layout"] == "Cell Ranger before 3"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"matrix": MATRIX, "features": FEATURES}, "no barcodes in the set"),
        ({"matrix": MATRIX, "barcodes": BARCODES}, "no features in the set"),
        ({"barcodes": BARCODES, "features": FEATURES}, "no matrix in the set"),
        (
            {"matrix": MATRIX, "barcodes": b"A-1\n", "features": FEATURES},
            "1 barcodes, but the matrix has 2 columns",
        ),
        (
            {"matrix": MATRIX, "barcodes": BARCODES, "features": FEATURES + b"x\ty\tz\n"},
            "4 features, but the matrix has 3 rows",
        ),
        (
            {"matrix": MATRIX, "barcodes": BARCODES + b"A\n", "features": FEATURES[: FEATURES.index(b"CD3")]},
            "3 barcodes, but the matrix has 2 columns: rows and columns are exchanged",
        ),
    ],
)
def test_parts_that_do_not_fit(parts, problem):
    found = judged(**parts)
    assert (found.verdict, found.problems) == ("invalid", (problem,))


def test_a_part_that_is_there_twice_is_told():
    names = ("matrix.mtx", "matrix.mtx.gz", "barcodes.tsv", "features.tsv")
    raws = (MATRIX, gzip.compress(MATRIX, mtime=0), BARCODES, FEATURES)
    files = {name: MemoryFile(name, raw) for name, raw in zip(names, raws, strict=True)}
    found = Tenx().judge({name: Tenx().inspect(file) for name, file in files.items()}, files)
    assert (found.verdict, found.problems) == ("warnings", ("2 files with the matrix",))


def test_files_that_belong_together():
    names = ["a/matrix.mtx.gz", "a/barcodes.tsv.gz", "a/features.tsv.gz", "b/genes.tsv", "b/matrix.mtx"]
    names += ["GSM1_S1_matrix.mtx.gz", "GSM1_S1_barcodes.tsv.gz", "raw_feature_bc_matrix.h5", "c.h5"]
    sets = Tenx.file_set(names)
    assert [len(one) for one in sets] == [3, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"%%MatrixMarket matrix array real general\n", "line 1: not `matrix coordinate integer general`"),
        (MATRIX.replace(b"general", b"symmetric"), "line 1: not `matrix coordinate integer general`"),
        (MATRIX.replace(b"integer", b"pattern"), "line 1: not `matrix coordinate integer general`"),
        (MATRIX[:50], "no line with rows, columns and entries: cut off?"),
        (MATRIX.replace(b"3 2 4", b"3 2"), "line 3: not rows, columns and entries"),
        (MATRIX.replace(b"3 2 4", b"3 -2 4"), "line 3: not rows, columns and entries"),
        (MATRIX.replace(b"3 2 4", b"3 2 5"), "4 entries instead of the 5 of line 3: cut off?"),
        (MATRIX.replace(b"3 2 4", b"3 2 3"), "more entries than the 3 of line 3"),
        (MATRIX.replace(b"2 2 7", b"4 2 7"), "line 6: an entry outside of the matrix"),
        (MATRIX.replace(b"2 2 7", b"2 0 7"), "line 6: an entry outside of the matrix"),
        (MATRIX.replace(b"2 2 7", b"2 2 x"), "line 6: the value is no number of the stated kind"),
        (MATRIX.replace(b"2 2 7", b"2 2 7.5"), "line 6: the value is no number of the stated kind"),
        (MATRIX.replace(b"2 2 7", b"2 2 0x7"), "line 6: the value is no number of the stated kind"),
        (MATRIX.replace(b"2 2 7", b"2 2"), "line 6: not row, column and value"),
        (MATRIX.replace(b"2 2 7", b"2 2 7 7"), "line 6: not row, column and value"),
        (MATRIX.replace(b"2 2 7", b"2 \x002 7"), "line 6: not row, column and value"),
        (MATRIX.replace(b"2 2 7", b"9" * 10_000), "line 6: not row, column and value"),
        (gzip.compress(MATRIX, mtime=0)[:-9], "the gzip stream ends early: the file is cut off"),
    ],
)
def test_a_matrix_that_is_wrong(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (MATRIX.replace(b"3 1 1", b"1 1 1"), "1 entries are there twice"),
        (MATRIX.replace(b"2 2 7", b"2 2 -7"), "1 values below zero: no counts"),
        (
            MATRIX.replace(b"integer", b"real").replace(b"2 2 7", b"2 2 7.5"),
            "values that are no whole numbers",
        ),
    ],
)
def test_a_matrix_that_is_odd(raw, problem):
    found = look(raw)
    assert found.verdict == "warnings"
    assert found.problems[0].startswith(problem)


def test_what_is_told_of_a_matrix():
    assert look(MATRIX.replace(b"integer", b"real")).verdict == "valid"
    unsorted = b"%%MatrixMarket matrix coordinate integer general\n3 2 4\n2 2 7\n3 1 0\n1 1 5\n3 2 2\n"
    found = look(unsorted)
    assert (found.verdict, found.facts["sorted_by_cell"], found.facts["stored_zeros"]) == ("valid", False, 1)
    empty = look(b"%%MatrixMarket matrix coordinate integer general\n3 2 0\n")
    assert (empty.verdict, empty.facts["n_obs"], empty.facts["entries"]) == ("valid", 2, 0)
    huge = look(b"%%MatrixMarket matrix coordinate integer general\n999999999999 999999999999 1\n1 1 1\n")
    assert huge.verdict == "valid"
    assert "median_counts_per_cell" not in huge.facts


@pytest.mark.parametrize(
    ("name", "raw", "problem"),
    [
        ("barcodes.tsv", b"A-1\n\nC-1\n", "line 2: no barcode"),
        ("barcodes.tsv", b"A-1\nC\x00\n", "line 2: no text of a 10x file"),
        ("barcodes.tsv", b"A" * 10_001, "line 1: no text of a 10x file"),
        ("features.tsv", b"a\tb\tc\nd\te\n", "line 2: 2 columns instead of 3"),
        ("features.tsv", b"a\n", "line 1: 1 columns instead of 2"),
        ("genes.tsv", b"a\tb\n\tb\n", "line 2: a feature without an id"),
        ("features.tsv.gz", gzip.compress(FEATURES, mtime=0)[:-4], "the gzip stream ends early"),
        ("other.tsv", FEATURES, "neither a matrix nor named barcodes.tsv"),
        ("matrix.mtx", FEATURES, "line 1: not the first line of a Matrix Market file"),
    ],
)
def test_names_that_are_wrong(name, raw, problem):
    found = look(raw, name)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_names_that_repeat_are_told():
    assert look(b"A-1\nA-1\nA-1\n", "barcodes.tsv").problems == ("2 barcodes repeat earlier ones",)
    assert look(b"a\tx\na\ty\n", "genes.tsv").problems == ("1 feature ids repeat earlier ones",)
    mixed = b"GRCh38_ENSG00000000001\tA\tGene Expression\nmm10___ENSMUSG00000000001\tb\tGene Expression\n"
    assert look(mixed, "features.tsv").facts["genome"] == {"GRCh38": 1, "mm10": 1}
    assert look(BARCODES.replace(b"\n", b"\r\n"), "barcodes.tsv").facts["sequence_barcodes"] == 1.0


def written(entries: list[tuple[int, int, int]], blank: bytes, end: bytes) -> bytes:
    head = (
        b"%%MatrixMarket matrix coordinate integer general"
        + end
        + b"%"
        + end
        + b"9 7 %d" % len(entries)
        + end
    )
    return head + b"".join(blank.join(b"%d" % number for number in entry) + end for entry in entries)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(0, 10**6)), max_size=40),
    st.sampled_from([b" ", b"  ", b"\t"]),
    st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
    st.sampled_from([80, 100, 10**6]),  # the header is in the first batch
)
def test_any_matrix_is_read_as_written(entries, blank, end, batch):
    raw = written(entries, blank, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenx_mtx, "BATCH", batch)
        text = tenx_mtx.MatrixText([raw[at : at + 11] for at in range(0, len(raw), 11)])
        found = [
            (int(row) + 1, int(column) + 1, int(value))
            for part in text
            for row, column, value in zip(part.genes, part.cells, part.values, strict=True)
        ]
    assert found == entries


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 7), st.just(1)), max_size=40), st.booleans())
def test_repeats_are_counted_where_cells_come_in_order(entries, ascending):
    entries = sorted(entries, key=lambda one: (one[1], one[0] if ascending else 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenx_mtx, "BATCH", 10)
        found = look(written(entries, b" ", b"\n"))
    repeats = len(entries) - len(set(entries))
    assert found.problems == ((f"{repeats} entries are there twice",) if repeats else ())


def test_real_files_are_what_scanpy_reads(shared_data):
    folder = shared_data / "single_cell" / "10x"
    new = folder / "3.0.0" / "filtered_feature_bc_matrix"
    old = folder / "1.2.0" / "filtered_gene_bc_matrices" / "hg19_chr21"
    for path in (new, old):
        files = {one.name: OnFile(one) for one in sorted(path.iterdir())}
        members = {name: Tenx().inspect(file) for name, file in files.items()}
        assert {member.verdict for member in members.values()} == {"valid"}
        found = Tenx().judge(members, files)
        read = scanpy.read_10x_mtx(path)
        check(found, read)
    assert found.facts["layout"] == "Cell Ranger before 3"
    h5 = Tenx().inspect(OnFile(new.with_suffix(".h5")))
    assert (h5.verdict, h5.facts["chemistry_description"]) == ("valid", "Single Cell 3' v3")
    check(h5, scanpy.read_10x_h5(new.with_suffix(".h5")))
    both = Tenx().inspect(OnFile(folder / "1.2.0" / "multiple_genomes.h5"))
    assert both.facts["genome"] == {"another_genome": 343, "hg19_chr21": 343}


def check(found: Inspection, read: Any) -> None:
    totals = np.asarray(read.X.sum(axis=1)).ravel()
    assert found.verdict == "valid"
    assert (found.facts["n_obs"], found.facts["n_vars"]) == read.shape
    assert found.facts["entries"] == read.X.count_nonzero()
    assert found.facts["median_counts_per_cell"] == np.median(totals)


def h5(change: Any = None, *, old: bool = False) -> bytes:
    """Return a 10x .h5 of 3 genes × 2 cells."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("hg19" if old else "matrix")
        group["barcodes"] = np.array([b"AAACCC-1", b"AAACGG-1"])
        group["data"], group["indices"] = np.array([5, 1, 7, 2], "i4"), np.array([0, 2, 1, 2])
        group["indptr"], group["shape"] = np.array([0, 2, 4]), np.array([3, 2], "i4")
        ids, names = np.array([b"ENSG00000000001", b"ENSG00000000002", b"CD3"]), np.array([b"A", b"B", b"C"])
        if old:
            group["genes"], group["gene_names"] = ids, names
        else:
            told = group.create_group("features")
            told["id"], told["name"], told["genome"] = ids, names, np.array([b"GRCh38", b"GRCh38", b""])
            told["feature_type"] = np.array([b"Gene Expression", b"Gene Expression", b"Antibody Capture"])
        if change:
            change(group)
    return buffer.getvalue()


def test_an_h5_of_either_version():
    new, old = look(h5(), "a.h5"), look(h5(old=True), "a.h5")
    assert (new.verdict, old.verdict) == ("valid", "valid")
    assert new.facts["feature_types"] == {"Gene Expression": 2, "Antibody Capture": 1}
    assert (new.facts["genome"], old.facts["genome"]) == ({"GRCh38": 2}, {"hg19": 3})
    assert (new.facts["layout"], old.facts["layout"]) == ("Cell Ranger 3 and later", "Cell Ranger 2")
    assert Tenx.sniff("a.h5", h5()[:65536])
    assert Tenx().judge({"a.h5": new}, {}).problems == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (put("indptr", np.array([0, 2])), "the matrix: indptr has the shape (2,), but there must be 3"),
        (put("indptr", np.array([0, 5, 4])), "record 2: the matrix: indptr goes back"),
        (put("indptr", np.array([0, 2, 3])), "the matrix: indptr does not lead from 0"),
        (put("indices", np.array([0, 2, 1, 3])), "the matrix: an index outside of the matrix"),
        (put("data", np.array([1, 2, 3])), "the matrix: data has the shape (3,), but there must be 4"),
        (put("data", np.array([b"a"] * 4)), "the matrix holds no numbers"),
        (put("barcodes", np.array([b"A"])), "the matrix: barcodes has the shape (1,), but there must be 2"),
        (put("features/name", np.array([b"A"])), "the matrix: features/name has the shape (1,)"),
        (put("shape", np.array([3])), "the matrix: its shape is not two numbers"),
        (lambda group: group.__delitem__("features"), "a matrix of 10x without its features"),
        (lambda group: group.__delitem__("indptr"), "no matrix of 10x"),
    ],
)
def test_an_h5_that_is_wrong(change, problem):
    found = look(h5(change), "a.h5")
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_an_h5_that_is_odd():
    assert look(h5(put("barcodes", np.array([b"A", b"A"]))), "a.h5").problems == (
        "1 names of barcodes repeat earlier ones",
    )
    found = look(h5(put("data", np.array([1, 2, 3, 4.5]))), "a.h5")
    assert found.problems == ("the matrix: values that are no whole numbers: no counts of Cell Ranger",)
    assert look(h5(put("indices", np.array([0, 0, 1, 2]))), "a.h5").problems == (
        "the matrix: 1 entries are there twice",
    )


def test_an_h5_cut_off_anywhere_is_refused():
    raw = h5()
    for cut in range(0, len(raw), 97):
        assert look(raw[:cut], "a.h5").verdict == "invalid"


def test_identifiers_in_library_ids_are_found():
    found = look(h5(lambda group: group.file.attrs.update({"patient_name": "Erika Mustermann"})), "a.h5")
    assert found.identifying == ("the file's attribute 1: names of people",)


def test_a_bomb_is_refused_in_bounded_time(tmp_path: Path):
    raw = gzip.compress(b"%%MatrixMarket matrix coordinate integer general\n" + b" " * 80_000_000, mtime=0)
    found = look(raw)
    assert found.verdict == "invalid"
    with pytest.raises(FormatError):
        list(tenx_mtx.MatrixText([raw]))
