"""The notebook door on a small installation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import omics_orchestrator
from omics_orchestrator import list_studies, load, search
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.installation import Installation


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Installation]:
    """One installation for all tests of this module: they only read."""
    server = ensure_server(settings)
    made = Installation(
        tmp_path_factory.mktemp("loaders"),
        settings,
        database_url=server.url("loaders"),
        dagster_url=server.url("loaders_dagster"),
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        session = Session(made.workspace())
        summary = session.materialise(session.assets())
        assert not summary.failed
        yield made


def test_import_is_light() -> None:
    code = (
        "import sys, omics_orchestrator; "
        "print([name for name in ('dagster', 'pandas', 'anndata', 'pyarrow', 'duckdb') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_loading_imports_no_dagster(filled: Installation) -> None:
    code = (
        "import sys; from omics_orchestrator import load; frame = load('warehouse/participant'); "
        "print(len(frame), 'dagster' in sys.modules, 'anndata' in sys.modules)"
    )
    environment = {**filled.environment(), "PATH": "/usr/bin:/bin"}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert answer.stdout.split() == ["3", "False", "False"]


@pytest.mark.usefixtures("filled")
class TestLoad:
    def test_table_has_types_an_analyst_expects(self) -> None:
        frame = load("harmonised/tiny/participant")
        assert isinstance(frame, pd.DataFrame)
        assert list(frame["participant_id"]) == ["P1", "P2", "P3"]
        assert list(frame["sex"]) == ["male", "female", "male"]

    def test_columns_and_where_may_name_participant_variables(self) -> None:
        frame = load("warehouse/visit", columns=["crp", "sex"], where={"sex": "male"})
        assert list(frame.columns) == ["study", "participant_id", "visit_id", "crp", "crp_comparator", "sex"]
        assert sorted(frame["crp"].dropna()) == [5.5, 7, 12]

    def test_where_takes_lists_and_none(self) -> None:
        assert len(load("warehouse/visit", where={"participant_id": ["P1", "P2"]})) == 3
        assert len(load("warehouse/visit", where={"crp": None})) == 1
        assert len(load("warehouse/visit", where={"participant_id": []})) == 0

    def test_studies_are_chosen(self) -> None:
        assert len(load("warehouse/visit", studies=["tiny"])) == 4
        with pytest.raises(UnknownKey, match='no study "other"; there are: "tiny"'):
            load("warehouse/visit", studies=["other"])

    def test_unknown_code_does_not_pass_as_no_row(self) -> None:
        with pytest.raises(UnknownKey, match='no code of sex "Male"; nearest: "male"'):
            load("warehouse/visit", where={"sex": ["female", "Male"]})

    def test_raw_table_shows_the_cells_as_text(self) -> None:
        frame = load("raw/tiny/files/people")
        assert "note" not in frame.columns  # listed under not_mapped: never stored
        assert list(frame["age"]) == ["40", "51", "33"]

    def test_files_of_a_study_are_the_union_of_its_assays(self) -> None:
        assert set(load("files/tiny")["assay"]) == {"metabolomics"}
        assert len(load("files/tiny/metabolomics", where={"sample_id": "S1"})) == 1

    def test_matrix_carries_sample_visit_and_participant_variables(self) -> None:
        matrix = load("matrix/tiny/metabolomics")
        assert matrix.shape == (4, 2)
        assert list(matrix.obs_names) == ["S1", "S2", "S3", "S4"]
        assert list(matrix.obs["sex"]) == ["male", "male", "female", "male"]
        assert matrix.obs.loc["S2", "crp"] == 7
        assert pd.isna(matrix["S2", "f2"].X).all()

    def test_matrix_is_filtered_by_variables(self) -> None:
        matrix = load("matrix/tiny/metabolomics", where={"sex": "female"}, columns=["sex"])
        assert list(matrix.obs_names) == ["S3"]
        assert list(matrix.obs.columns) == ["participant_id", "sex"]

    def test_unknown_key_answers_with_the_nearest(self) -> None:
        with pytest.raises(UnknownKey, match='no asset "warehouse/visits"; nearest: "warehouse/visit"'):
            load("warehouse/visits")

    def test_prefix_answers_with_the_keys_below_it(self) -> None:
        with pytest.raises(
            UnknownKey, match='below it: "harmonised/tiny/participant", "harmonised/tiny/sample"'
        ):
            load("harmonised/tiny")

    @pytest.mark.parametrize("key", ["", "matrix/tiny/none", "files/none", "raw/a/b/c/d", "nonsense"])
    def test_other_unknown_keys(self, key: str) -> None:
        with pytest.raises(UnknownKey):
            load(key)

    def test_unknown_column_answers_with_the_nearest(self) -> None:
        with pytest.raises(UnknownKey, match='no column "sexx"; nearest: "sex"'):
            load("warehouse/visit", columns=["sexx"])

    def test_a_name_cannot_carry_sql(self) -> None:
        with pytest.raises(UnknownKey):
            load("warehouse/visit", columns=['crp" from pg_authid --'])
        assert len(load("warehouse/visit", where={"participant_id": "' or true --"})) == 0


@pytest.mark.usefixtures("filled")
def test_search_tells_unit_and_coverage() -> None:
    found = search("c-reactive")
    assert found.index[0] == "crp"
    assert found.loc["crp", "unit"] == "mg/L"
    assert found.loc["crp", "tiny"] == 0.75
    assert set(search("tiny").index) == {"age", "sex", "crp", "visit_id"}  # the variables of that study


@pytest.mark.usefixtures("filled")
def test_search_finds_all_of_nothing_and_nothing_of_nonsense() -> None:
    columns = ["entity", "type", "unit", "label", "tiny"]
    assert search("tiny crp").attrs["studies"] == ["tiny"]
    assert search("crp").attrs["studies"] == []
    assert len(search("")) > 500
    nothing = search("xyzzy")
    assert (len(nothing), list(nothing.columns), str(nothing["tiny"].dtype)) == (0, columns, "float64")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"crp": [5.5, None]}, 2),
        ({"crp": [None]}, 1),
        ({"crp": np.float64(7)}, 1),
        ({"crp": np.array([7.0, 12.0])}, 2),
        ({"participant_id": pd.Series(["P1", "P2"])}, 3),
        ({"crp": range(13)}, 2),
        ({"sampling_abx": True}, 0),
    ],
)
def test_conditions_as_notebooks_have_them(where: dict[str, object], rows: int) -> None:
    assert len(load("warehouse/visit", where=where)) == rows


@pytest.mark.usefixtures("filled")
def test_one_text_is_one_name() -> None:
    frame = load("warehouse/visit", columns="crp", studies="tiny")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["study", "participant_id", "visit_id", "crp", "crp_comparator"]


@pytest.mark.usefixtures("filled")
def test_list_studies_counts() -> None:
    tiny = list_studies().loc["tiny"]
    assert (tiny["participants"], tiny["visits"], tiny["samples"], tiny["files"]) == (3, 4, 4, 1)
    assert tiny["state"] == "available"


def test_public_names_are_no_modules() -> None:
    assert set(omics_orchestrator.__all__) <= set(dir(omics_orchestrator))
    with pytest.raises(ImportError):
        __import__("omics_orchestrator.load")


def test_dictionary_without_studies_lists_none(
    filled: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = shutil.ignore_patterns("studies")
    monkeypatch.setenv(
        "OMICS_DICTIONARY", str(shutil.copytree(filled.dictionary, tmp_path / "d", ignore=ignored))
    )
    assert list_studies().empty
