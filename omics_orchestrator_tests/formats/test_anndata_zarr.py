"""AnnData in Zarr: stores of both formats, real ones of MuData, parts that lack, damaged chunks, planted pickles."""

import json
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import mudata
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import Format
from omics_orchestrator.formats.anndata_zarr import AnndataZarr
from omics_orchestrator.formats.base import Inspection, MemoryFile

ROOT = b'{"attributes": {"encoding-type": "anndata", "encoding-version": "0.1.0"}, '
ROOT += b'"zarr_format": 3, "node_type": "group"}'


def tiny() -> tuple[Format, str, bytes]:
    return AnndataZarr(), "zarr.json", ROOT


def judged(store: dict[str, bytes], sample_column: str | None = None) -> Inspection:
    files = {path: MemoryFile(path.rpartition("/")[2], raw) for path, raw in store.items()}
    members = {path: AnndataZarr().inspect(file) for path, file in files.items()}
    return AnndataZarr(sample_column=sample_column).judge(members, files)


@pytest.fixture(scope="module", params=[2, 3])
def store(request, tmp_path_factory) -> dict[str, bytes]:
    """Return what anndata writes: path → content, of 30 cells × 20 genes."""
    import pandas as pd
    from scipy import sparse

    folder = tmp_path_factory.mktemp("zarr") / "a.zarr"
    counts = sparse.csr_matrix(np.random.default_rng(1).poisson(1, (30, 20)).astype("f4"))
    obs = pd.DataFrame({"kind": pd.Categorical(["a", "b", "c"] * 10)}, index=[f"c{i}" for i in range(30)])
    whole = anndata.AnnData(counts, obs=obs)
    whole.obsm["X_pca"], whole.layers["dense"] = np.ones((30, 5)), counts.toarray() + 1
    whole.raw = whole
    group = zarr.open_group(folder, mode="w", zarr_format=request.param)
    anndata.io.write_elem(group, "/", whole)
    return {
        f"a.zarr/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_store_is_valid_and_one_file_set(store):
    assert AnndataZarr.file_set(store) == [tuple(store)]
    for path, raw in store.items():
        name = path.rpartition("/")[2]
        assert AnndataZarr.bears_suffix(name)
        assert AnndataZarr.sniff(name, raw[:65536])
        assert AnndataZarr().inspect_bytes(name, raw).verdict == "valid"
    found = judged(store)
    assert (found.verdict, found.problems) == ("valid", ())
    assert (found.facts["n_obs"], found.facts["n_vars"], found.facts["x"]) == (30, 20, "csr_matrix")
    assert (found.facts["obsm"], found.facts["layers"], found.facts["raw"]) == (["X_pca"], ["dense"], True)
    assert found.facts["chunks_missing"] == 0


def test_a_column_of_obs_names_the_samples(store):
    assert judged(store, "kind").samples == ("a", "b", "c")
    assert judged(store, "kinds").problems == ('obs has no column "kinds"',)


def metadata(
    store: dict[str, bytes], node: str, change: Callable[[dict[str, Any]], None]
) -> dict[str, bytes]:
    """Return the store after `change` had its hands on the metadata of an array."""
    path = next(one for one in (f"a.zarr/{node}/zarr.json", f"a.zarr/{node}/.zarray") if one in store)
    stated = json.loads(store[path])
    change(stated)
    return {**store, path: json.dumps(stated).encode()}


def without(store: dict[str, bytes], part: Callable[[str], bool]) -> dict[str, bytes]:
    return {path: raw for path, raw in store.items() if not part(path)}


def is_chunk_of(node: str) -> Callable[[str], bool]:
    def tell(path: str) -> bool:
        return path.startswith(f"a.zarr/{node}/") and not path.endswith(
            (".zgroup", ".zarray", ".zattrs", "zarr.json")
        )

    return tell


def test_what_lacks_is_said(store):
    found = judged(without(store, is_chunk_of("layers/dense")))  # zarr stores no chunk of fill values only
    assert (found.verdict, found.facts["chunks_missing"]) == ("valid", 1)
    assert judged(without(store, is_chunk_of("X/data"))).problems == (
        "1 chunks of sparse matrices are not there and read as the fill value",
    )
    assert judged(without(store, is_chunk_of("obs/_index"))).problems == (
        "the names of a frame lack 1 of 1 chunks",
    )
    assert judged(without(store, lambda path: "/var/" in path)).problems == ("no var: not an AnnData file",)
    assert judged({path: raw for path, raw in store.items() if is_chunk_of("X")(path)}).problems == (
        "no metadata in the store",
    )
    assert judged({**store, "a.zarr/X/data/99": b"x"}).problems == (
        "1 files are no chunk that an array names",
    )
    root = [path for path in store if path.count("/") == 1 and path.endswith((".zgroup", "zarr.json"))]
    assert judged(without(store, lambda path: path in root)).verdict == "invalid"


def test_sides_that_do_not_fit_are_said(store):
    found = judged(metadata(store, "layers/dense", lambda stated: stated.update(shape=[30, 19])))
    assert found.problems[0].startswith("layers entry 1 has the shape (30, 19)")
    found = judged(metadata(store, "X/indptr", lambda stated: stated.update(shape=[30])))
    assert found.problems == ("X: indptr has 30 entries instead of 31",)
    found = judged(metadata(store, "obs/_index", lambda stated: stated.update(shape=[29])))
    assert found.problems[0].startswith("column 1 of obs has 30 rows instead of 29")
    found = judged(metadata(store, "X/data", lambda stated: stated.pop("shape")))
    assert found.problems == ("an array without its sides, chunks or kind of values",)


def test_a_pickle_codec_is_refused_and_nothing_runs(tmp_path):
    mark = tmp_path / "it ran"

    class Planted:
        def __reduce__(self) -> Any:
            return Path.mkdir, (mark,)

    chunk = pickle.dumps(Planted())
    assert AnndataZarr().inspect_bytes("0", chunk).verdict == "valid"  # never opened
    array = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "compressor": None, "order": "C",
             "fill_value": 0, "filters": [{"id": "pickle", "protocol": 5}]}  # fmt: skip
    new = {"zarr_format": 3, "node_type": "array", "shape": [1], "codecs": [{"name": "numcodecs.pickle"}]}
    inner = {"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"metadata": {"a": new}}}
    for name, stated in ((".zarray", array), ("zarr.json", new), ("zarr.json", inner)):
        found = AnndataZarr().inspect_bytes(name, json.dumps(stated).encode())
        assert found.verdict == "invalid"
        assert found.problems[0].startswith("an array of Python pickles")
    assert not mark.exists()
    pickle.loads(chunk)
    assert mark.exists()  # the plant would have worked


def chunks(store: dict[str, bytes]) -> list[str]:
    return [path for path in store if not path.endswith((".zgroup", ".zarray", ".zattrs", "zarr.json"))]


def test_every_chunk_that_is_cut_off_is_named_by_array_and_number(store):
    for path in chunks(store):
        for length in (1, len(store[path]) // 2, len(store[path]) - 1):
            found = judged({**store, path: store[path][:length]})
            assert found.verdict == "invalid", (path, length)
            assert ", chunk 0" in found.problems[0]
    path = next(path for path in chunks(store) if "/X/indices/" in path)
    assert judged({**store, path: b"x"}).problems == ("X/indices, chunk 0: cut off or damaged",)
    path = next(path for path in chunks(store) if "/obs/kind/codes/" in path)
    assert judged({**store, path: b"x"}).problems == ("obs/entry 2/codes, chunk 0: cut off or damaged",)


def replaced(store: dict[str, bytes], node: str, values: Any) -> dict[str, bytes]:
    """Return the store with other values in the one chunk of an array; its codec is left out."""
    path = next(one for one in chunks(store) if one.startswith(f"a.zarr/{node}/"))

    def plain(stated: dict[str, Any]) -> None:
        if stated["zarr_format"] == 2:
            stated["compressor"] = None
        else:
            stated["codecs"] = stated["codecs"][:1]

    return {**metadata(store, node, plain), path: values.tobytes()}


def test_values_are_held_to_each_other_as_in_a_h5ad(store):
    bounds = np.arange(31, dtype="i4")
    assert judged(replaced(store, "X/indptr", bounds)).problems == (
        "X: indptr does not lead from 0 to the number of entries",
    )
    codes = np.full(30, 3, "i1")
    assert judged(replaced(store, "obs/kind/codes", codes)).problems == (
        "column 1 of obs: a code that no category has",
    )
    path = next(one for one in chunks(store) if "/X/indices/" in one)
    kept = judged(store).facts
    entries = int(str(kept["entries"]))
    assert judged(replaced(store, "X/indices", np.full(entries, 20, "i4"))).problems == (
        "X: an index outside of the matrix",
    )
    assert judged(replaced(store, "X/indices", np.zeros(entries + 1, "i4"))).problems == (
        f"X/indices, chunk 0: {4 * entries + 4} bytes instead of {4 * entries}",
    )
    assert path in store
    assert (kept["integer_counts"], kept["integer_counts_in"]) == (True, ["raw X", "X"])
    assert kept["arrays_not_decoded"] == 0


def test_a_flipped_bit_is_answered_and_mostly_found(store):
    """Codecs of Zarr's defaults hold no digest: a changed number that is still a number gives nothing away."""
    chance, found, looked = random.Random(3), 0, 0
    for path in chunks(store):
        raw = bytearray(store[path])
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        looked += 1
        found += judged({**store, path: bytes(raw)}).verdict == "invalid"
    assert found > looked / 2


def test_an_array_of_endless_length_that_stores_nothing_is_answered(store):
    def endless(stated: dict[str, Any]) -> None:
        stated["shape"] = [2**50]

    for node in ("X/data", "X/indices"):
        store = metadata(store, node, endless)
    assert judged(store).problems == ("X: indptr does not lead from 0 to the number of entries",)
    found = judged(metadata(store, "layers/dense", lambda stated: stated.update(shape=[2**40, 2**40])))
    assert found.verdict == "invalid"


def test_what_codec_is_not_known_is_not_decoded_and_told_as_a_fact(store):
    def unknown(stated: dict[str, Any]) -> None:
        if stated["zarr_format"] == 2:
            stated["compressor"] = {"id": "own"}
        else:
            stated["codecs"] = [{"name": "own"}]

    found = judged(metadata(store, "obsm/X_pca", unknown))
    assert (found.verdict, found.facts["arrays_not_decoded"]) == ("valid", 1)
    with pytest.raises(FormatError, match="a codec, values or chunks"):
        cells_of(metadata(store, "obsm/X_pca", unknown))


def cells_of(store: dict[str, bytes], **options: Any) -> Any:
    files = {path: MemoryFile(path.rpartition("/")[2], raw) for path, raw in store.items()}
    return AnndataZarr(**options).read_cells(files)


def test_it_becomes_what_anndata_reads(store, tmp_path):
    import anndata

    for path, raw in store.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(raw)
    expected, found = anndata.io.read_zarr(tmp_path / "a.zarr"), cells_of(store)
    assert (found.X != expected.X).nnz == 0
    assert np.array_equal(found.layers["dense"], expected.layers["dense"])
    assert np.array_equal(found.obsm["X_pca"], expected.obsm["X_pca"])
    assert found.obs.equals(expected.obs)
    assert found.var.equals(expected.var)
    with pytest.raises(FormatError, match="one AnnData and no modalities"):
        cells_of(store, modality="rna")


@pytest.mark.parametrize("name", ["mdata_axis0", "mdata_axis1"])
def test_real_stores_of_mudata(shared_data, name, tmp_path):
    with zipfile.ZipFile(shared_data / "single_cell" / "h5mu" / "v0.3.10" / f"{name}.zarr.zip") as packed:
        store = {f"{name}.zarr/{one}": packed.read(one) for one in dict.fromkeys(packed.namelist())}
        packed.extractall(tmp_path)
    found = judged(store)
    assert (found.verdict, found.facts["arrays_not_decoded"]) == ("valid", 0)
    modalities: Any = found.facts["modalities"]
    assert {one: facts["n_vars"] for one, facts in modalities.items()} == {"mod1": 20, "mod2": 30}
    for modality, expected in mudata.read_zarr(tmp_path).mod.items():
        read = cells_of(store, modality=modality)
        assert np.array_equal(read.X, expected.X)
        assert list(read.obs_names) == list(expected.obs_names)
        assert read.var.equals(expected.var)


def test_files_by_name():
    assert AnndataZarr.set_key("run/a.zarr/obs/.zattrs") == "run/a.zarr"
    assert AnndataZarr.set_key("obs/.zattrs") == AnndataZarr.set_key(".zgroup")
    assert not AnndataZarr.sniff("zarr.json", b'{"zarr_format": 3, "attributes": {"multiscales": []}}')
    assert AnndataZarr().inspect_bytes("README.md", b"x").problems == (
        "neither metadata nor a chunk of Zarr by its name",
    )


words = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 40) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_metadata_is_answered(store, data):
    """One word of the metadata of a good store stands for anything."""
    path = data.draw(
        st.sampled_from([one for one in store if one.endswith((".zarray", ".zattrs", "zarr.json"))])
    )
    stated = json.loads(store[path])
    if stated:
        place = stated
        key = data.draw(st.sampled_from(sorted(stated)))
        if isinstance(stated[key], dict) and stated[key] and data.draw(st.booleans()):
            place, key = stated[key], data.draw(st.sampled_from(sorted(stated[key])))
        place[key] = data.draw(words)
    assert judged({**store, path: json.dumps(stated).encode()}).verdict in ("valid", "warnings", "invalid")


def test_metadata_that_are_no_json():
    for raw in (b"[" * 100_000, b"{", b"[]", b"\0", b"\xff"):
        assert AnndataZarr().inspect(MemoryFile("zarr.json", raw)).verdict == "invalid"
