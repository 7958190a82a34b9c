"""Properties of Office documents: authors told by place; bombs, entities and damage answered."""

from __future__ import annotations

import io
import zipfile

import pytest

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.office import office_properties
from omics_orchestrator.formats.opaque import Opaque

CORE = (
    '<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:creator>{author}</dc:creator><dc:title>{title}</dc:title>'
    "<cp:lastModifiedBy>{author}</cp:lastModifiedBy></cp:coreProperties>"
)


def document(**parts: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<w/>")
        for name, content in parts.items():
            archive.writestr(f"docProps/{name}.xml", content)
    return out.getvalue()


def test_an_author_is_told_by_place_only():
    raw = document(core=CORE.format(author="Jane Doe", title="patient: Jane Doe, DOB 11/02/1957"))
    found = Opaque().inspect_bytes("protocol.docx", raw)
    assert found.verdict == "valid"
    assert "docProps/core.xml creator: names of people" in found.identifying
    assert "docProps/core.xml lastModifiedBy: names of people" in found.identifying
    assert "docProps/core.xml title: dates of birth" in found.identifying
    assert "Doe" not in repr(found)


def test_own_properties_are_called_by_their_names():
    custom = '<Properties><property name="NHS number"><v>9434765919</v></property></Properties>'
    assert ("docProps/custom.xml property", "NHS number", "9434765919") in office_properties(
        document(custom=custom)
    )
    assert Opaque().inspect_bytes("a.xlsx", document(custom=custom)).identifying


def test_a_workbook_of_openpyxl_names_its_author(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.save(tmp_path / "a.xlsx")
    assert Opaque().inspect_bytes("a.xlsx", (tmp_path / "a.xlsx").read_bytes()).identifying == ()
    book.properties.creator = "Jane Doe"
    book.save(tmp_path / "a.xlsx")
    assert ("docProps/core.xml creator", "creator", "Jane Doe") in office_properties(tmp_path / "a.xlsx")


BAD = {
    "a bomb": document(core=b"<a>" + b" " * 50_000_000),
    "entities": document(core='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "broken": document(core="<a>"),
    "UTF-16": document(core='<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16-le")),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_safely_is_a_warning(case):
    with pytest.raises(FormatError):
        office_properties(BAD[case])
    (problem,) = Opaque().inspect_bytes("a.docx", BAD[case]).problems
    assert problem.startswith("its properties are not looked at")
    assert "root:" not in problem


def test_what_is_no_archive_is_just_a_file():
    for raw in (b"PK\x03\x04 something", b"text", document(core="<a/>")[:-30]):
        assert Opaque().inspect_bytes("a.docx", raw).verdict == "valid"
    assert Opaque().inspect_bytes("a.docx", b"").problems == ("the file is empty",)
