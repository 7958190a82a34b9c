"""The conformed union over studies."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.errors import StorageError
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.warehouse import conform, unite_comparators
from omics_orchestrator.warehouse.union import schema_of


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load_dictionary(WORKING_COPY / "data_dictionary")


def people(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


def test_columns_are_the_dictionarys_whatever_a_study_has(dictionary: Dictionary) -> None:
    one = conform(dictionary, "participant", {"a": people(participant_id=["1"], sex=["male"])})
    two = conform(dictionary, "participant", {"a": people(participant_id=["1"], age=[40.5])})
    assert one.table.schema == two.table.schema == schema_of(dictionary, "participant")
    names = {variable.name for variable in dictionary.of_entity("participant")}
    assert set(one.table.column_names) == names | {"study", "participant_id"}


def test_rows_of_all_studies_keep_their_study(dictionary: Dictionary) -> None:
    union = conform(
        dictionary,
        "participant",
        {
            "b": people(participant_id=["1"], age=[30.0]),
            "a": people(participant_id=["1", "2"], sex=["male", None]),
        },
    )
    rows = [(row["study"], row["participant_id"], row["sex"], row["age"]) for row in union.table.to_pylist()]
    assert rows == [("a", "1", "male", None), ("a", "2", None, None), ("b", "1", None, 30.0)]
    assert union.key == ("study", "participant_id")
    assert union.findings == ()


def test_repeated_key_is_an_error(dictionary: Dictionary) -> None:
    (finding,) = conform(dictionary, "participant", {"a": people(participant_id=["1", "1"])}).findings
    assert (finding.check, finding.severity, finding.count) == ("grain", "error", 1)


def test_visit_of_an_unknown_participant_is_told(dictionary: Dictionary) -> None:
    participants = conform(dictionary, "participant", {"a": people(participant_id=["1"])}).table
    visits = {
        "a": people(participant_id=["1", "2"], visit_id=["v", "v"]),
        "b": people(participant_id=["1"], visit_id=["v"]),
    }
    (finding,) = conform(dictionary, "visit", visits, participants).findings
    assert (finding.check, finding.severity, finding.count) == ("references", "warning", 2)


def test_no_study_gives_an_empty_table(dictionary: Dictionary) -> None:
    assert conform(dictionary, "sample", {}).table.num_rows == 0


def test_values_of_another_type_are_told_without_a_value(dictionary: Dictionary) -> None:
    with pytest.raises(StorageError, match="a: age was harmonised as string") as caught:
        conform(dictionary, "participant", {"a": people(participant_id=["1"], age=["SECRET"])})
    assert "SECRET" not in str(caught.value)
    with pytest.raises(StorageError, match="a: sex was harmonised as double"):  # 1.0 is no code
        conform(dictionary, "participant", {"a": people(participant_id=["1"], sex=[1.0])})


def test_comparators_are_united_with_their_study() -> None:
    one = people(participant_id=["1"], visit_id=["v"], variable=["crp"], comparator=["<"])
    two = people(participant_id=["1"], visit_id=["v"], variable=["calprotectin"], comparator=[">"])
    union = unite_comparators("visit", {"b": two, "a": one})
    assert union.key == ("study", "participant_id", "visit_id", "variable")
    assert [tuple(row.values()) for row in union.table.to_pylist()] == [
        ("a", "1", "v", "crp", "<"),
        ("b", "1", "v", "calprotectin", ">"),
    ]
    assert unite_comparators("visit", {}).table.schema == union.table.schema
