"""A delivered table as it is stored raw."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from omics_orchestrator.findings import Finding
from omics_orchestrator.sources.base import Delivery
from omics_orchestrator.sources.delimited import Delimited
from omics_orchestrator.steps.extract import ORIGINAL, extract, with_original_names
from omics_orchestrator_tests.installation import MAPPING, Installation


def raw(installation: Installation, table: str = "people") -> tuple[pa.Table, tuple[Finding, ...]]:
    workspace = installation.workspace()
    result = extract(workspace, workspace.catalogue.studies["tiny"], "files", table, run_id="r1")
    return result.writes[0].table, result.findings


def test_cells_are_text_and_columns_keep_their_names(installation: Installation) -> None:
    (installation.source / "people.csv").write_text("id,Sex (m/f),AGE,note\nP1,m,040,x\n")
    mapping = MAPPING.replace("recode: sex", 'recode: "Sex (m/f)"').replace("number: age", "number: AGE")
    installation.declare("tiny", mapping=mapping)
    table, findings = raw(installation)
    assert table.column_names == ["row_number", "id", "sex_m_f", "age", "row_hash", "run_id"]
    assert table.column("age").to_pylist() == ["040"]
    assert table.schema.field("sex_m_f").metadata[ORIGINAL] == b"Sex (m/f)"
    assert with_original_names(table).column_names == ["row_number", "id", "Sex (m/f)", "AGE"]
    assert findings == ()


def test_columns_nobody_decided_about_are_drift_and_stay_out(installation: Installation) -> None:
    (installation.source / "people.csv").write_text("id,sex,age,note,phone\nP1,m,40,x,0\n")
    table, (finding,) = raw(installation)
    assert "phone" not in table.column_names
    assert (finding.check, finding.count) == ("drift", 1)
    assert "'phone'" in finding.message


def test_a_column_that_rules_read_and_that_did_not_come_is_drift(installation: Installation) -> None:
    (installation.source / "people.csv").write_text("id,sex,ages,note\nP1,m,40,x\n")
    _, (new, gone) = raw(installation)
    assert new.message.startswith("1 column is neither mapped")
    assert (gone.check, gone.count) == ("drift", 1)
    assert (
        gone.message == "1 column that the mapping reads did not come: 'age'; a new name of it may be 'ages'"
    )


def test_row_hash_tells_cells_apart(installation: Installation) -> None:
    people = installation.source / "people.csv"
    people.write_text("id,sex,age,note\nP1,a,b,\nP1,ab,,\nP1,,ab,\nP1,a,b,other\n")
    hashes = raw(installation)[0].column("row_hash").to_pylist()
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[3]  # a column that stays out changes nothing


def test_run_does_not_change_the_data_version(installation: Installation) -> None:
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    versions = {extract(workspace, study, "files", "people", run_id=run).data_version for run in ("r1", "r2")}
    assert len(versions) == 1


def test_declared_type_of_a_column_is_part_of_the_version(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = installation.workspace()
    study = workspace.catalogue.studies["tiny"]
    deliver = Delimited.deliver

    def version(kind: bytes) -> str:
        def typed(source: Delimited, name: str, table: str, admitted: Any, stores: Any, **_: Any) -> Delivery:
            found = deliver(source, name, table, admitted, stores)
            fields = [field.with_metadata({b"field_type": kind}) for field in found.data.schema]
            return Delivery(found.data.cast(pa.schema(fields)), found.key, found.seen)

        monkeypatch.setattr(Delimited, "deliver", typed)
        return extract(workspace, study, "files", "people", run_id="r").data_version

    assert version(b"yesno") != version(b"text")


def test_delivery_without_rows_is_told(installation: Installation) -> None:
    (installation.source / "people.csv").write_text("id,sex,age,note\n")
    table, (finding,) = raw(installation)
    assert table.num_rows == 0
    assert (finding.check, finding.severity) == ("delivery", "warning")


FIELDS = "field_name,form_name,section_header,field_type,field_label,select_choices_or_calculations\n"


def test_a_redcap_form_of_which_no_rule_reads_a_field_says_why_no_row_comes(
    installation: Installation,
) -> None:
    (installation.source / "data_dictionary.csv").write_text(
        FIELDS + "record_id,people,,text,Record,\nage,people,,text,Age,\n"
    )
    (installation.source / "records.csv").write_text("record_id,age,people_complete\n1,40,0\n2,50,0\n")
    study = (
        "study: tiny\ntitle: T\nstewards: [a@example.org]\nparticipant_id: {pattern: '[0-9]+'}\n"
        "sources: {redcap: {kind: redcap_export, location: 'store+tiny://'}}\n"
    )
    block = "participant:\n  from: redcap.people\n  key: [record_id]\n"

    def told(mapping: str) -> list[str]:
        installation.declare("tiny", study=study, mapping=mapping)
        workspace = installation.workspace()
        found = extract(workspace, workspace.catalogue.studies["tiny"], "redcap", "people", run_id="r1")
        return [one.message for one in found.findings if "without any row" in one.message]

    assert told(block) == [
        "the table was delivered without any row: no rule reads a column of it yet, and a form that is not marked as "
        "complete counts as filled in by the columns that are read alone"
    ]
    assert told(block + "  age: {number: age, unit: a}\n") == []
