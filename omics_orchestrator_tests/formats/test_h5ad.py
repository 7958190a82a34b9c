"""h5ad: real AnnData files, generated ones in today's and in old writing, every way to be wrong."""

import io
import os
import pickle
import random
from typing import Any

import anndata
import h5py
import numpy as np
import pytest

from omics_orchestrator.formats import Format, hdf5
from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.formats.h5ad import H5ad
from omics_orchestrator.formats.hdf5 import MAGIC
from omics_orchestrator.formats.recognise import recognise
from omics_orchestrator_tests.formats import test_h5mu, test_loom, test_tenx
from omics_orchestrator_tests.formats.hdf5_changes import put, remove
from omics_orchestrator_tests.formats.onfile import OnFile


def write(change: Any = None) -> bytes:
    """Return an AnnData file of 3 cells × 2 genes, after `change` had its hands on it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["encoding-version"] = "0.1.0"
        for name, index, columns in (("obs", ["c1", "c2", "c3"], ["sample"]), ("var", ["g1", "g2"], [])):
            frame = file.create_group(name)
            frame.attrs["_index"] = "_index"
            frame.attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype())
            frame["_index"] = index
        column = file["obs"].create_group("sample")
        column["categories"] = ["S2", "unused", "S1"]
        column["codes"] = np.array([2, 0, -1], dtype="i1")
        file["X"] = np.ones((3, 2), dtype="f4")
        if change:
            change(file)
    return buffer.getvalue()


def tiny() -> tuple[Format, str, bytes]:
    return H5ad(sample_column="sample"), "a.h5ad", write()


def look(raw: bytes, sample_column: str | None = "sample") -> Inspection:
    return H5ad(sample_column=sample_column).inspect_bytes("a.h5ad", raw)


def test_shape_and_samples_that_have_cells():
    found = look(write())
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["x"]) == (3, 2, "dense")
    assert found.samples == ("S2", "S1")
    assert look(write(), None).samples == ()


def test_real_files(shared_data):
    folder = shared_data / "single_cell" / "h5ad"
    found = H5ad(sample_column="bulk_labels").inspect(OnFile(folder / "pbmc68k_reduced.h5ad"))
    assert found.verdict == "valid"
    assert (found.facts["n_obs"], found.facts["n_vars"]) == (700, 765)
    assert found.facts["obsm"] == ["X_pca", "X_umap"]
    assert found.facts["raw"] is True
    assert len(found.samples) == 10
    found = H5ad().inspect(OnFile(folder / "example.h5ad"))
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["x"]) == (50, 100, "csr_matrix")
    assert found.facts["layers"] == ["counts", "csc_counts", "dense_X", "dense_counts"]
    other = shared_data / "single_cell" / "10x" / "1.2.0" / "multiple_genomes.h5"
    assert H5ad().inspect(OnFile(other)).problems == ("no obs: not an AnnData file",)


def test_what_anndata_writes(tmp_path):
    import pandas as pd
    from scipy import sparse

    obs = pd.DataFrame({"donor": ["b", "a", "b"], "plain": ["x", "y", "x"]}, index=list("123"))
    obs["donor"] = obs["donor"].astype("category")
    data = anndata.AnnData(sparse.csc_matrix(np.eye(3)), obs=obs)
    data.write_h5ad(tmp_path / "a.h5ad")
    raw = (tmp_path / "a.h5ad").read_bytes()
    assert look(raw, "donor").samples == ("a", "b")
    assert set(look(raw, "plain").samples) == {"x", "y"}
    assert look(raw).facts["x"] == "csc_matrix"


def test_text_that_may_be_missing_is_read():
    """The layout of anndata 0.13, whatever version this machine has."""

    def nullable(file: Any) -> None:
        del file["obs"]["_index"], file["obs"]["sample"]
        for name, texts in (("_index", ["c1", "c2", "c3"]), ("sample", ["S1", "S2", "S1"])):
            group = file["obs"].create_group(name)
            group.attrs["encoding-type"], group.attrs["encoding-version"] = "nullable-string-array", "0.1.0"
            group["values"], group["mask"] = texts, np.zeros(3, dtype=bool)

    found = look(write(nullable))
    assert (found.verdict, found.facts["n_obs"], found.samples) == ("valid", 3, ("S1", "S2"))


def test_files_of_old_anndata_are_read():
    def compound(file: Any) -> None:
        del file["obs"], file["X"]
        file["obs"] = np.array([(b"c1", b"S1"), (b"c2", b"S2")], dtype=[("index", "S2"), ("sample", "S2")])
        sparse = file.create_group("X")
        sparse.attrs["h5sparse_shape"], sparse.attrs["h5sparse_format"] = (2, 2), "csr"
        sparse["data"], sparse["indices"], sparse["indptr"] = [1.0, 2.0], [0, 1], [0, 1, 2]
        file["obsm"] = np.zeros(2, dtype=[("X_pca", "f4", 3)])

    found = look(write(compound))
    assert (found.verdict, found.facts["n_obs"], found.samples) == ("valid", 2, ("S1", "S2"))
    assert (found.facts["layout"], found.facts["obsm"]) == ("before 0.7", ["X_pca"])

    def old_categories(file: Any) -> None:
        del file["obs/sample"]
        file["obs/sample"] = np.array([1, 0, 1], dtype="i1")
        file["obs"].create_group("__categories")["sample"] = ["S1", "S2"]

    assert look(write(old_categories)).samples == ("S1", "S2")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not an HDF5 file"),
        (b"PK\3\4" + b"0" * 100, "not an HDF5 file"),
        (write()[:-100], "cut off, damaged or no AnnData"),
        (write()[:600], "cut off, damaged or no AnnData"),
        (write(remove("X")), "no X: not an AnnData file"),
        (write(remove("obs")), "no obs: not an AnnData file"),
        (write(remove("obs/_index")), "obs has no index"),
        (write(lambda file: (remove("X")(file), file.create_group("X"))), "X is neither an array nor"),
        (
            write(lambda file: (remove("X")(file), file.create_dataset("X", (4, 2), "f4"))),
            "X has the shape (4, 2)",
        ),
        (write(remove("obs/sample/codes")), "column 1 of obs holds no values"),
    ],
)
def test_what_is_wrong_is_said(raw, problem):
    found = look(raw)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


def test_a_column_that_is_not_there_is_named():
    assert look(write(), "donor").problems == ('obs has no column "donor"',)


def test_what_was_never_written_is_told_and_not_read():
    """A file that claims 80 GB (never written) is inspected at once."""

    def huge(file: Any) -> None:
        del file["X"], file["obs/sample"]
        file["obs"].attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
        del file["obs/_index"]
        file["obs"].create_dataset("_index", (10_000_000,), dtype="S1", chunks=(1000,))
        file.create_dataset("X", (10_000_000, 2), dtype="f4", chunks=(1000, 2))

    found = look(write(huge), None)
    assert found.facts["n_obs"] == 10_000_000
    assert found.problems == ("the names of obs were never stored", "the values of X were never stored")


def test_long_lists_that_were_never_stored_do_not_hang():
    def endless(file: Any) -> None:
        sparse = file.create_group("obsp/near")
        sparse.attrs["shape"], sparse["indptr"] = (3, 3), [0, 0, 0, 10**13]
        for name in ("data", "indices"):
            sparse.create_dataset(name, (10**13,), dtype="i4", chunks=(1000,))

    assert look(write(endless)).problems == ("a list of which no value was ever stored",)


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("omics_orchestrator.formats.hdf5.BOMB", 4_000_000)

    def bomb(file: Any) -> None:
        del file["X"], file["obs"]
        _rows(file, 1_000_000)
        file.create_dataset("X", (1_000_000, 2), "f4", data=np.zeros((1_000_000, 2)), chunks=(500_000, 2),
                            compression="gzip", compression_opts=9)  # fmt: skip

    found = look(write(bomb), None)
    assert found.problems[-1] == "values inflate to more than 200 times their size: a decompression bomb?"


def test_texts_of_fixed_length_are_read_in_bounded_pieces(monkeypatch):
    def long(length: int) -> Any:
        def change(file: Any) -> None:
            del file["obs/_index"]
            file["obs"].create_dataset("_index", data=np.array([b"a", b"b", b"c"], f"S{length}"), chunks=(1,),
                                       compression="gzip")  # fmt: skip

        return change

    assert look(write(long(2**20 + 1))).problems == ("a dataset has texts of more than 1 MiB each",)
    taken = []
    read = hdf5.pieces

    def counted(dataset: Any) -> Any:
        for piece in read(dataset):
            taken.append(piece.nbytes)
            yield piece

    monkeypatch.setattr(hdf5, "PIECE_BYTES", 2**21)
    monkeypatch.setattr(hdf5, "pieces", counted)
    assert look(write(long(2**20))).verdict == "valid"
    assert max(taken) <= 2**21


def _rows(file: Any, count: int) -> None:
    frame = file.create_group("obs")
    frame.attrs["_index"], frame.attrs["column-order"] = "_index", np.array([], dtype=h5py.string_dtype())
    frame["_index"] = np.arange(count).astype("S7")


def test_names_of_links_that_are_no_text_are_answered():
    """libhdf5 hands them to h5py, which fails inside of a loop of HDF5's own."""
    raw = write(lambda file: file.create_group("uns").create_group("odd_name"))
    assert look(raw.replace(b"odd_name", b"odd_\xf9ame")).verdict == "invalid"


def full(tmp_path: Any) -> bytes:
    """Return what anndata writes with every slot filled: 30 cells × 20 genes."""
    import pandas as pd
    from scipy import sparse

    dice = np.random.default_rng(1)
    counts = sparse.csr_matrix(dice.poisson(1, (30, 20)).astype("f4"))
    cells, genes = [f"c{i}" for i in range(30)], [f"ENSG{i:011}" for i in range(20)]
    obs = pd.DataFrame(
        {
            "kind": pd.Categorical(["a", "b", None] * 10),
            "count": pd.array([1, None, 3] * 10, dtype="Int64"),
            "flag": pd.array([True, None, False] * 10, dtype="boolean"),
            "plain": ["x"] * 30,
        },
        index=cells,
    )
    var = pd.DataFrame({"feature_types": pd.Categorical(["Gene Expression"] * 20)}, index=genes)
    whole = anndata.AnnData(counts, obs=obs, var=var)
    whole.raw = whole
    whole.layers["csc"] = sparse.csc_matrix(counts)
    whole.layers["dense"] = counts.toarray()
    whole.obsm["X_pca"], whole.obsm["table"] = (
        dice.random((30, 5)),
        pd.DataFrame({"a": range(30)}, index=cells),
    )
    whole.varm["PCs"] = dice.random((20, 5))
    whole.obsp["near"] = sparse.csr_matrix(np.eye(30))
    whole.varp["near"] = np.eye(20)
    whole.uns["nested"] = {"number": 1, "text": "x", "list": np.array(["a", "b"])}
    whole.write_h5ad(tmp_path / "full.h5ad", compression="gzip")
    return bytes((tmp_path / "full.h5ad").read_bytes())


def changed(raw: bytes, change: Any) -> bytes:
    buffer = io.BytesIO(raw)
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def part(name: str, at: Any, value: Any) -> Any:
    return lambda file: file[name].__setitem__(at, value)


def attribute(name: str, key: str, value: Any) -> Any:
    return lambda file: file[name].attrs.__setitem__(key, value)


def test_content_tells_more_than_the_name(tmp_path):
    raw = full(tmp_path)[:65536]
    assert recognise("renamed.h5", raw).format == "h5ad"
    assert recognise("a.h5ad", test_loom.write()[:65536]).format == "loom"
    assert recognise("a.h5ad", test_h5mu.write()[:65536]).format == "h5mu"
    assert recognise("a.h5", test_tenx.h5()[:65536]).format == "tenx"
    assert recognise("a.h5", MAGIC + b"other" * 100).format == "opaque"


def test_every_slot_that_anndata_writes_is_valid(tmp_path):
    found = look(full(tmp_path), None)
    assert (found.verdict, found.problems) == ("valid", ())
    facts = found.facts
    assert (facts["layers"], facts["obsm"]) == (["csc", "dense"], ["X_pca", "table"])
    assert (facts["varm"], facts["obsp"], facts["varp"]) == (["PCs"], ["near"], ["near"])
    assert (facts["gene_ids"], facts["feature_types"]) == ("ensembl_human", {"Gene Expression": 20})
    assert facts["integer_counts_in"] == ["raw X", "X"]


DAMAGES = [
    (put("obs/plain", ["x"] * 29), "column 4 of obs has 29 rows instead of 30"),
    (put("obs/count/mask", np.zeros(29, bool)), "column 2 of obs: values and mask differ in length"),
    (part("obs/kind/codes", 3, 2), "column 1 of obs: a code that no category has"),
    (part("obs/kind/codes", 3, -2), "column 1 of obs: a code that no category has"),
    (put("obs/kind/categories", ["a", "a"]), "column 1 of obs: a category twice"),
    (remove("var/feature_types"), "column 1 of var is not there"),
    (part("X/indices", 5, 20), "X: an index outside of the matrix"),
    (part("X/indices", 5, -1), "X: an index outside of the matrix"),
    (part("X/indptr", 3, 100_000), "record 4: X: indptr goes back"),
    (part("X/indptr", 0, 1), "X: indptr does not lead from 0 to the number of entries"),
    (part("X/indptr", 30, 1), "X: indptr does not lead from 0 to the number of entries"),
    (put("X/indptr", np.zeros(30, "i4")), "X: indptr has 30 entries instead of 31"),
    (put("X/data", np.ones(3)), "X: data and indices differ in length"),
    (attribute("X", "shape", (30, 21)), "X has the shape (30, 21), but obs and var have 30 and 20 rows"),
    (attribute("layers/csc", "shape", (20, 30)), "layers entry 1: indptr has 21 entries instead of 31"),
    (part("layers/csc/indices", 0, 30), "layers entry 1: an index outside of the matrix"),
    (put("layers/dense", np.zeros((30, 19))), "layers entry 2 has the shape (30, 19), but its first"),
    (
        put("obsm/X_pca", np.zeros((29, 5))),
        "obsm entry 1 has the shape (29, 5), but its first sides must be 30",
    ),
    (put("varm/PCs", np.zeros((30, 5))), "varm entry 1 has the shape (30, 5)"),
    (put("varp/near", np.zeros((20, 19))), "varp entry 1 has the shape (20, 19)"),
    (put("varp/near", np.zeros((20, 20, 2))), "varp entry 1 has the shape (20, 20, 2)"),
    (attribute("raw/X", "shape", (29, 20)), "raw X: indptr has 31 entries instead of 30"),
    (remove("raw/var"), "raw has no var"),
    (put("layers/dense", np.zeros(())), "layers entry 2 has the shape ()"),
]


@pytest.mark.parametrize(("change", "problem"), DAMAGES)
def test_every_inconsistency_is_found(tmp_path, change, problem):
    found = look(changed(full(tmp_path), change), None)
    assert found.verdict == "invalid"
    assert found.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (part("obs/_index", 3, "c1"), "1 names of obs repeat earlier ones"),
        (part("var/_index", slice(0, 3), "a"), "2 names of var repeat earlier ones"),
        (attribute("X", "encoding-version", "9.9"), "X: a version of its encoding that is not known here"),
        (
            attribute("/", "encoding-version", "0.2.0"),
            "the file: a version of its encoding that is not known",
        ),
        (
            attribute("obsm/table", "encoding-type", "tensor"),
            "obsm entry 2: an encoding that the specification",
        ),
        (
            lambda file: file["obs"].create_dataset("more", data=[1] * 30),
            "obs holds 1 columns that its column-",
        ),
        (part("layers/dense", 0, np.nan), None),
        (part("X/data", 0, np.inf), "X: 1 values are no finite numbers"),
    ],
)
def test_what_is_odd_is_a_warning(tmp_path, change, problem):
    found = look(changed(full(tmp_path), change), None)
    assert found.verdict == ("warnings" if problem else "valid")
    assert not problem or found.problems[0].startswith(problem)


def test_an_entry_twice_in_a_sparse_matrix_is_told(tmp_path):
    def twice(file: Any) -> None:
        bounds = file["X/indptr"][:]
        row = int(np.argmax(np.diff(bounds)))
        file["X/indices"][bounds[row] + 1] = file["X/indices"][bounds[row]]

    found = look(changed(full(tmp_path), twice), None)
    assert (found.verdict, found.problems) == ("warnings", ("X: 1 entries are there twice",))


def test_a_matrix_larger_than_a_piece_is_read_as_anndata_reads_it(tmp_path, monkeypatch):
    """Pieces end anywhere: in the middle of a cell, of a chunk."""
    raw = full(tmp_path)
    whole = look(raw, None)
    monkeypatch.setattr("omics_orchestrator.formats.hdf5.PIECE", 7)
    assert look(raw, None) == whole
    read = anndata.read_h5ad(tmp_path / "full.h5ad")
    totals = np.asarray(read.raw.X.sum(axis=1)).ravel()
    assert whole.facts["median_counts_per_cell"] == np.median(totals)
    assert whole.facts["entries"] == read.raw.X.nnz
    assert whole.facts["sparsity"] == pytest.approx(1 - read.raw.X.nnz / 600, abs=1e-6)


@pytest.mark.parametrize("name", ["example.h5ad", "pbmc68k_reduced.h5ad"])
def test_facts_are_what_anndata_reads(shared_data, name):
    path = shared_data / "single_cell" / "h5ad" / name
    facts, read = H5ad().inspect(OnFile(path)).facts, anndata.read_h5ad(path)
    assert (facts["n_obs"], facts["n_vars"]) == read.shape
    assert facts["obs_columns"] == list(read.obs.columns)
    assert facts["var_columns"] == list(read.var.columns)
    for slot in ("layers", "obsm", "varm", "obsp", "varp"):
        assert facts[slot] == sorted(getattr(read, slot))
    assert facts["raw"] == (read.raw is not None)
    if "counts" in read.layers:
        totals = np.asarray(read.layers["counts"].sum(axis=1)).ravel()
        assert facts["median_counts_per_cell"] == np.median(totals)


class Planted:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Any) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def _opaque(file: Any, raw: bytes) -> None:
    file.create_group("uns")["model"] = np.void(raw)


def _text(file: Any, raw: bytes) -> None:
    file.create_group("uns")["model"] = np.array([raw], dtype=f"S{len(raw)}")


def _bytes(file: Any, raw: bytes) -> None:
    file.create_group("uns")["model"] = np.frombuffer(raw, np.uint8)


def _attribute(file: Any, raw: bytes) -> None:
    file["obs"].attrs["FIELD_0_FILL"] = np.void(raw)


def _pytables(file: Any, raw: bytes) -> None:
    rows = file.create_group("uns").create_dataset("model", (1,), dtype=h5py.vlen_dtype(np.uint8))
    rows[0] = np.frombuffer(raw, np.uint8)
    rows.attrs["PSEUDOATOM"] = np.bytes_(b"object")


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("plant", [_opaque, _text, _bytes, _attribute, _pytables])
def test_a_planted_pickle_is_refused_and_never_runs(tmp_path, plant, protocol):
    mark = tmp_path / "it ran"
    raw = pickle.dumps(Planted(mark), protocol)
    found = look(write(lambda file: plant(file, raw)))
    assert found.verdict == "invalid"
    assert found.problems[0].startswith("it holds a Python pickle")
    assert not mark.exists()
    pickle.loads(raw)
    assert mark.exists()  # the plant would have worked


def test_texts_that_look_a_little_like_pickles_are_not_refused():
    def plain(file: Any) -> None:
        file.create_group("uns")["note"] = np.array(["(see paper).", ".", "I1\n.", "N."], dtype=object)

    assert look(write(plain)).verdict == "valid"


def test_what_leads_out_of_the_file_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"0" * 800)

    def link(file: Any) -> None:
        file["uns"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/X")

    def outside(file: Any) -> None:
        file.create_group("uns").create_dataset(
            "a", (100,), "f8", external=[(str(tmp_path / "secret"), 0, 800)]
        )

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "a", (3,))
        file.create_group("uns").create_virtual_dataset("a", layout)

    assert look(write(link)).problems == ("it links to another file: refused",)
    for change in (outside, virtual):
        assert look(write(change)).problems == ("the values of a dataset lie in another file: refused",)


def test_identifiers_in_the_header_are_found_and_not_repeated():
    def personal(file: Any) -> None:
        file.attrs["patient_name"] = "Erika Mustermann"
        file.create_group("uns")["e_mail"] = "erika.mustermann@example.org"
        file["obs/date_of_birth"] = ["1980-02-03", "1981-02-03", "1979-02-03"]
        file["obs"].attrs["column-order"] = ["sample", "date_of_birth"]

    found = look(write(personal))
    assert [place.partition(":")[0] for place in found.identifying if "obs" in place]
    told = " ".join(found.identifying)
    assert "uns entry 1" in told
    assert "obs column 2" in told
    assert "usterman" not in told
    assert "1980" not in told


def test_flipped_bits_are_answered(tmp_path):
    raw = full(tmp_path)
    dice = random.Random(5)
    for _ in range(30):
        broken = bytearray(raw)
        for _ in range(dice.choice([1, 1, 8])):
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        assert look(bytes(broken), None).verdict in ("valid", "warnings", "invalid")


def test_categories_of_endless_length_are_not_taken_into_memory():
    def change(file: Any) -> None:
        del file["obs/sample/categories"]
        file["obs/sample"].create_dataset("categories", (2**33,), "i1", chunks=(2**20,), compression="gzip")

    assert look(write(change)).problems == ("a list of which no value was ever stored",)
