"""The studies of this repository admit no column that identifies a person; what they leave out would be found."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from omics_orchestrator.identifiers import detect
from omics_orchestrator_tests.data_dictionary.line import Line

FORMS = {"gidamps": "patient_details", "music": "patient_details"}
FLAGGED = {
    "gidamps": {"email", "chi_no", "initial", "dob", "legacy_study_id"},
    "music": {"pt_recorded_patient_id", "chi_no", "initial", "dob", "patemail", "pat_tel_no"},
}


@pytest.mark.parametrize("study", ["hmp2", "prism", "risk"])
def test_admitted_columns_of_the_public_studies(public: Callable[[str], Line], study: str) -> None:
    found = {name: detect(delivery.data) for name, delivery in public(study).deliveries.items()}
    assert found == dict.fromkeys(found, [])


@pytest.mark.parametrize("study", FORMS)
def test_admitted_columns_of_the_redcap_studies(redcap: Callable[[str], Line], study: str) -> None:
    found = {name: detect(delivery.data) for name, delivery in redcap(study).deliveries.items()}
    assert found == dict.fromkeys(found, [])


@pytest.mark.parametrize("study", FORMS)
def test_the_flags_of_redcap_are_known(redcap: Callable[[str], Line], study: str) -> None:
    line = redcap(study)
    whole = line.study.sources["redcap"].deliver("redcap", FORMS[study], None, line.stores)
    found = detect(whole.data)
    assert {one.column for one in found if one.kind == "flagged"} == FLAGGED[study]
    unflagged = pa.schema([field.with_metadata(_without_flag(field)) for field in whole.data.schema])
    by_content = {one.column for one in detect(pa.table(whole.data.columns, schema=unflagged))}
    assert FLAGGED[study] - by_content <= {"legacy_study_id", "pt_recorded_patient_id"}


def _without_flag(field: pa.Field) -> dict[bytes, bytes]:
    return {key: text for key, text in (field.metadata or {}).items() if key != b"identifier"}
