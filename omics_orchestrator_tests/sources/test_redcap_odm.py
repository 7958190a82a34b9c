"""CDISC ODM XML into the answers of REDCap's API: line breaks, boxes, repeats, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_export import RedcapExport
from omics_orchestrator.sources.redcap_odm import is_odm, read_odm
from omics_orchestrator.storage.objects import Stores

HEAD = '<?xml version="1.0"?><ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:redcap="https://projectredcap.org">'
ITEM = (
    '<ItemDef OID="{0}" Name="{0}" redcap:Variable="{1}" redcap:FieldType="{2}"{4}>'
    "<Question><TranslatedText>{0}</TranslatedText></Question>{3}</ItemDef>"
)


def item(oid: str, field: str = "", kind: str = "text", inside: str = "", words: str = "") -> str:
    return ITEM.format(oid, field or oid, kind, inside, words)


def odm(data: str = "", repeats: str = "", events: str = "", missing: str = "") -> bytes:
    fields = {
        "id": "id",
        "note": "note",
        "ticks___1": "ticks",
        "ticks___2": "ticks",
        "a_complete": "a_complete",
    }
    members = {"a": list(fields), "b": ["crp", "b_complete"]}
    groups = "".join(
        f'<ItemGroupDef OID="{form}.g" Name="{form}">'
        + "".join(f'<ItemRef ItemOID="{oid}" redcap:Variable="{fields.get(oid, oid)}"/>' for oid in oids)
        + "</ItemGroupDef>"
        for form, oids in members.items()
    )
    forms = "".join(
        f'<FormDef OID="Form.{form}" redcap:FormName="{form}"><ItemGroupRef ItemGroupOID="{form}.g"/></FormDef>'
        for form in members
    )
    items = (
        item("id") + item("note", kind="textarea", words=' redcap:FieldNote="one\ntwo"')
        + item("ticks___1", "ticks", "checkbox", '<CodeListRef CodeListOID="t"/>')
        + item("ticks___2", "ticks", "checkbox", '<CodeListRef CodeListOID="t"/>')
        + item("crp", words=' redcap:TextValidationType="float" redcap:Identifier="y"')
        + item("a_complete", kind="select") + item("b_complete", kind="select")
    )  # fmt: skip
    lists = '<CodeList OID="t" redcap:CheckboxChoices="1, One|2, Two, or more"/>'
    version = f'<MetaDataVersion OID="v">{events}{forms}{groups}{items}{lists}</MetaDataVersion>'
    own = f"<redcap:MissingDataCodes>{missing}</redcap:MissingDataCodes>"
    return (
        f"{HEAD}<Study><GlobalVariables>{own}{repeats}</GlobalVariables>{version}</Study>"
        f"<ClinicalData>{data}</ClinicalData></ODM>"
    ).encode()


def subject(record: str, *forms: str) -> str:
    return f'<SubjectData SubjectKey="{record}">{"".join(forms)}</SubjectData>'


def form(name: str, repeat: int = 1, **cells: str) -> str:
    data = "".join(f'<ItemData ItemOID="{oid}" Value="{value}"/>' for oid, value in cells.items())
    return f'<FormData FormOID="Form.{name}" FormRepeatKey="{repeat}"><ItemGroupData>{data}</ItemGroupData></FormData>'


REPEATS = (
    "<redcap:RepeatingInstrumentsAndEvents><redcap:RepeatingInstruments>"
    '<redcap:RepeatingInstrument redcap:UniqueEventName="{}" redcap:RepeatInstrument="b"/>'
    "</redcap:RepeatingInstruments></redcap:RepeatingInstrumentsAndEvents>"
)


def records(blob: bytes) -> list[dict[str, Any]]:
    found = read_odm(blob)["records"]
    assert isinstance(found, list)
    return found


def test_the_dictionary_is_told_as_the_api_tells_it() -> None:
    found = {row["field_name"]: row for row in read_odm(odm())["metadata"]}
    assert list(found) == ["id", "note", "ticks", "crp"]
    assert (found["note"]["field_type"], found["note"]["field_note"]) == ("notes", "one\ntwo")
    assert found["ticks"]["select_choices_or_calculations"] == "1, One | 2, Two, or more"
    assert (found["crp"]["form_name"], found["crp"]["identifier"]) == ("b", "y")
    assert found["crp"]["text_validation_type_or_show_slider_number"] == "number"


def test_line_breaks_in_cells_stay_line_breaks_and_quotes_in_texts_hurt_nothing() -> None:
    data = subject("1", form("a", note="first\nsecond\r\nthird, say &quot;so&quot;"))
    text = odm(data).decode().replace("<TranslatedText>id<", '<TranslatedText>he said "id\n" and 3 > 2<')
    assert records(text.encode())[0]["note"] == 'first\nsecond\nthird, say "so"'


def test_a_box_that_is_not_mentioned_in_an_opened_form_is_not_ticked() -> None:
    (row,) = records(odm(subject("1", form("a", ticks___2="1"))))
    assert (row["ticks___1"], row["ticks___2"]) == ("0", "1")
    (row,) = records(odm(subject("1", form("b", crp="5"))))
    assert (row["ticks___1"], row["crp"]) == ("", "5")


def test_what_repeats_is_declared_and_not_what_the_file_numbers() -> None:
    data = subject("1", form("a", note="x"), form("b", 1, crp="5"), form("b", 2, crp="6"))
    rows = records(odm(data, REPEATS.format("event_1_arm_1")))
    assert [(r["redcap_repeat_instrument"], r["redcap_repeat_instance"], r["crp"]) for r in rows] == [
        ("", "", ""), ("b", "1", "5"), ("b", "2", "6"),
    ]  # fmt: skip
    assert len(records(odm(subject("1", form("a", note="x"), form("b", 1, crp="5"))))) == 1


def test_repeating_events_number_their_rows(folder: Path, stores: Stores) -> None:
    event = (
        '<StudyEventDef OID="E" redcap:UniqueEventName="visit_arm_1"><FormRef redcap:FormName="a"/>'
        '<FormRef redcap:FormName="b"/></StudyEventDef>'
    )
    repeats = (
        "<redcap:RepeatingInstrumentsAndEvents><redcap:RepeatingEvents>"
        '<redcap:RepeatingEvent redcap:UniqueEventName="visit_arm_1"/>'
        "</redcap:RepeatingEvents></redcap:RepeatingInstrumentsAndEvents>"
    )
    visits = "".join(
        f'<StudyEventData StudyEventRepeatKey="{n}" redcap:UniqueEventName="visit_arm_1">'
        f"{form('a', note=str(n))}{form('b', crp=str(n))}</StudyEventData>"
        for n in (1, 2)
    )
    (folder / "project.xml").write_bytes(odm(subject("1", visits), repeats, event))
    source = RedcapExport(location="store+here://")
    for name in ("a", "b"):
        rows = source.deliver("r", name, None, stores).data.to_pylist()
        assert [(r["event_name"], r["event_instance"], r["form_instance"]) for r in rows] == [
            ("visit_arm_1", 1, 0), ("visit_arm_1", 2, 0),
        ]  # fmt: skip


def test_missing_data_codes_are_no_parse_issue(folder: Path, stores: Stores) -> None:
    data = subject("1", form("b", crp="-99")) + subject("2", form("b", crp="much"))
    (folder / "project.xml").write_bytes(odm(data, missing="-99, Unknown | ND, Not done"))
    delivery = RedcapExport(location="store+here://").deliver("r", "b", None, stores)
    issues, key = delivery.beside["parse_issues"]
    assert [(row["record_id"], row["field"]) for row in issues.to_pylist()] == [("2", "crp")]
    assert key[-1] == "field"
    assert not any("much" in finding.message for finding in delivery.findings)


@pytest.mark.parametrize("cut", [200, 900, 1500, 2500])
def test_a_file_that_breaks_off_is_told_and_no_cell_with_it(cut: int) -> None:
    blob = odm(subject("SECRET", form("a", note="SECRET")) * 20)
    with pytest.raises(DeliveryError, match="not whole XML") as told:
        read_odm(blob[:cut])
    assert "SECRET" not in str(told.value)


def test_another_xml_is_no_project() -> None:
    assert not is_odm(b"<?xml version='1.0'?><html>")
    with pytest.raises(DeliveryError, match="no project"):
        read_odm(HEAD.encode() + b"<Study/></ODM>")


def test_entities_that_grow_without_end_are_refused() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    text = odm().decode().replace("<ODM ", f'<!DOCTYPE ODM [<!ENTITY e0 "xxxxxxxxxx">{bomb}]><ODM ', 1)
    with pytest.raises(DeliveryError):
        read_odm(text.replace("<TranslatedText>id<", "<TranslatedText>&e9;<").encode())
