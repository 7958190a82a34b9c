"""Selecting from a filled installation: comparators and reasons beside variables, datasets, borrowed columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from omics_orchestrator import load
from omics_orchestrator.errors import StorageError, UnknownKey
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.tables import drop_table
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.publishing import published


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Installation]:
    """One installation for the tests of this module, which only read."""
    with published(tmp_path_factory.mktemp("select"), settings, "selecting") as made:
        yield made


def frame(key: str, **words: Any) -> pd.DataFrame:
    found = load(key, **words)
    assert isinstance(found, pd.DataFrame)
    return found


def texts(found: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    rows = found[list(names)].astype(object).where(found[list(names)].notna(), None)
    return [tuple(row) for row in rows.itertuples(index=False)]


@pytest.mark.usefixtures("filled")
class TestComparators:
    @pytest.mark.parametrize("key", ["harmonised/wide/visit", "warehouse/visit"])
    def test_no_plain_number_stands_for_an_inexact_one(self, key: str) -> None:
        found = frame(key, columns=["crp"], where={"participant_id": ["W1", "W2"]})
        assert texts(found, "crp", "crp_comparator") == [(5, "<"), (7.5, None), (None, None)]

    def test_they_come_with_the_variable_whatever_the_data_hold(self) -> None:
        assert list(frame("harmonised/tiny/visit").columns) == [
            "participant_id", "visit_id", "crp", "crp_comparator",
        ]  # fmt: skip
        assert frame("harmonised/tiny/visit")["crp_comparator"].isna().all()
        assert "sampling_abx_comparator" not in frame("harmonised/wide/visit").columns

    def test_of_a_partial_date_they_tell_the_precision(self) -> None:
        found = frame("harmonised/wide/participant", columns=["date_of_diagnosis"])
        assert texts(found, "date_of_diagnosis_comparator") == [("year",), (None,), (None,)]

    def test_borrowed_variables_bring_theirs(self) -> None:
        found = frame("harmonised/wide/sample", columns=["date_of_diagnosis", "crp"])
        assert list(found.columns) == [
            "participant_id", "sample_id",
            "date_of_diagnosis", "date_of_diagnosis_comparator", "crp", "crp_comparator",
        ]  # fmt: skip
        by_tube = found.set_index("sample_id")
        assert by_tube.loc["T9", "crp_comparator"] == "<"
        assert by_tube.loc["T9", "date_of_diagnosis_comparator"] == "year"
        assert by_tube["crp_comparator"].isna()["T12"]

    def test_they_may_be_asked_for(self) -> None:
        exact = frame("warehouse/visit", columns=["crp"], where={"crp_comparator": None}, studies=["wide"])
        assert sorted(exact["crp"].dropna()) == [3, 7.5, 20]
        assert len(frame("warehouse/visit", where={"crp_comparator": "<"})) == 1
        asked = frame("warehouse/visit", columns=["crp_comparator", "crp"])
        assert list(asked.columns)[3:] == ["crp_comparator", "crp"]

    def test_only_condition(self) -> None:
        found = frame("warehouse/visit", columns=["sampling_abx"], where={"crp_comparator": "<"})
        assert list(found.columns)[3:] == ["sampling_abx"]
        assert len(found) == 1

    def test_rows_are_not_multiplied(self) -> None:
        assert len(frame("warehouse/sample", columns=["crp", "date_of_diagnosis"])) == 8

    def test_a_matrix_has_them_too(self) -> None:
        obs = load("matrix/tiny/metabolomics").obs
        assert list(obs["crp_comparator"].isna()) == [True] * 4


@pytest.mark.usefixtures("filled")
class TestReasons:
    def test_they_stand_beside_each_variable(self) -> None:
        found = frame("harmonised/wide/visit", columns=["crp"], reasons=True)
        assert list(found.columns)[2:] == ["crp", "crp_comparator", "crp_missing"]
        assert texts(found, "crp_missing") == [(None,), (None,), ("not_done",), (None,), (None,)]

    def test_keys_have_none(self) -> None:
        names = list(frame("harmonised/wide/participant", reasons=True).columns)
        assert "participant_id_missing" not in names
        assert "sex_missing" in names

    def test_of_borrowed_variables(self) -> None:
        found = frame("harmonised/wide/visit", columns=["sex"], reasons=True)
        assert texts(found, "sex", "sex_missing")[:3] == [("male", None), ("male", None), (None, "refused")]

    def test_of_the_warehouse_they_are_the_studies_own(self) -> None:
        found = frame("warehouse/participant", columns=["study_group"], reasons=True)
        assert len(found) == 6
        wide = found[found["study"] == "wide"]
        assert texts(wide, "study_group", "study_group_missing") == [(None, "not_asked")] * 3

    def test_of_a_dataset_they_bear_the_published_names(self) -> None:
        found = frame("dataset/wide/main", columns=["CRP"], reasons=True)
        assert list(found.columns) == ["study_id", "visit_id", "CRP", "CRP_missing"]
        assert texts(found, "CRP_missing")[2] == ("not_done",)

    def test_they_may_be_asked_for_by_name(self) -> None:
        found = frame("harmonised/wide/visit", columns=["crp"], where={"crp_missing": "not_done"})
        assert len(found) == 1
        assert "crp_missing" not in found.columns

    @pytest.mark.parametrize("key", ["raw/tiny/files/people", "harmonised/wide/visit__missing"])
    def test_what_has_none_says_so(self, key: str) -> None:
        with pytest.raises(UnknownKey, match="no missing reasons beside"):
            load(key, reasons=True)


@pytest.mark.usefixtures("filled")
class TestDatasets:
    def test_a_dataset_is_loaded_as_it_is_published(self) -> None:
        found = frame("dataset/wide/main")
        assert list(found.columns)[:3] == ["study_id", "visit_id", "sample_id"]
        assert list(found["CRP"].dropna()) == ["<5", "7.5", "20", "3"]
        assert "CRP_comparator" not in found.columns
        assert str(found["sampling_abx"].dtype) == "Int64"

    def test_columns_and_where_take_published_names_and_codes(self) -> None:
        found = frame("dataset/wide/main", columns=["CRP"], where={"sex": "M", "sampling_abx": 1})
        assert texts(found, "study_id", "visit_id", "CRP") == [("W1", "1", "<5")]
        with pytest.raises(UnknownKey, match='no column "crp"'):
            load("dataset/wide/main", columns=["crp"])

    def test_keys_are_listed(self) -> None:
        with pytest.raises(UnknownKey) as caught:
            load("dataset/wide")
        listed = '"dataset/wide/columns", "dataset/wide/main", "dataset/wide/people"'
        assert str(caught.value) == f'no asset "dataset/wide"; below it: {listed}'

    def test_its_reasons_are_a_table_of_their_own(self) -> None:
        found = frame("dataset/wide/main__missing", where={"CRP": "not_done"})
        assert len(found) == 1


def test_a_table_without_comparators_beside_it_is_not_shown(installation: Installation) -> None:
    session = Session(installation.workspace())
    assert not session.materialise(session.assets()).failed
    drop_table(installation.workspace().database, "warehouse", "visit__comparators")
    with pytest.raises(StorageError, match="has no comparators beside it; run omics materialize again"):
        load("warehouse/visit")
