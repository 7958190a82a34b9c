"""What the XML of a sheet tells: error cells, formulas never computed, hidden parts; an .xls as well."""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.sources.workbook import facts_of, is_protected

# an .xls as xlwt 1.3 writes it: columns id (format 0000), share (0%), x (two errors), when; a hidden row and column
OLD = zlib.decompress(
    base64.b85decode(
        "c-rk)O-"
        "NKx6#nk}aeh)~95v8D1}Q63=x0%j^i@!<GHX*rP}&SB<`|Pv3Yld>n?h<;xDhO9W3{pW=m#PwFltc*k(RqwK}8Gob?$lZ+4!2k0T"
        "YyWhI`(*=id9h@11+@y>H&@;k=RlTg9VrNi|eVngL{`_ym=JQwf9GO;eiA)lbFrWL`<YPZOD?<9^O7pPWNE-=k1)Q+q-h_)KLVj-"
        "a+R5s%KHY+(-dLUO1Q8s(mXJ}S8=VqOu}2U+K{zQKJTu-"
        "?R;^Q^0=?}*roVWYNugPq5Flu~ZXB`t89$9!PV8WiG%%;QtN!s@GIbF!)a@PcnB(XufBN`jhrBA%4>0Ios<R+E%yAzVWcXeX&`X{"
        "n6GMo>W6GJqdu6!`9J3y-"
        "6oe{TH(<o`9@@B4?}Pcxd%AD~}4e~>2K?Z2c@PISRMAmrNVK@KixvPDNt^5>_xboBZx$Bwqfcyb&|$pjZ#VNEeIjyBdO<CK0UXyo"
        "z6c!JE1pgdi8HwsVNjdFO6W|NK~#C9I9)G$5G`1NmZwl~xn``OdQCy-2Ofn|~<Oq`Y@vQN@@>Akop#HSdPTsZiUIgWBhSjGAb-"
        "(?Bg#jFd6JzdM{3T<OsH}^Tqtz~rIbu4d<<tg?GvU|Snyi?Ni#aK!9V9jVp!QeZiAEgxU7&8*+Mun&lS1wDrYdBY7?{FVk7yY%{`"
        "IWHE-Lwzq5GLdTCCOuL)nv59R86sCXVp}ysWz5K!HN=ArxIje1Ts=8#Y=L{ce22++Et3o&@+V*6c?L^_7g-"
        "XhLZImYqL@O<dr<ig~U)8<DQM7x-"
        "eu9l`+a}7HSHM_l87M8O<lGz7p+`ji#kxq%qoBX7rL7NmPw7`i|k;#<BIC5=mpEr#6zFhL_Gr)iy6Zh1Zy2dEA&fV?HO$Y9)dp85"
        "}yP{>W^u0Jv6wlks9o&)19>X)|6vD@PUSqUwn!o_OMkC!WCdO-JE(LF+wOx8FH@_II5LDwE!4k_9Wf&`Q5H`j5923A!fHo>BfRhA"
        "tc|F~c#=_d+SV>F!B1qk(xeXPm$E&L~o!XT}4=v$upYz5iq;Jpc3ke*@{(GF|"
    )
)


def workbook(*rows: Any, name: str = "Sheet", hide: str = "") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = name
    for row in rows:
        sheet.append(row)
    if hide == "row":
        sheet.row_dimensions[2].hidden = True
    if hide == "column":
        sheet.column_dimensions["B"].hidden = True
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def test_errors_and_formulas_are_counted_by_column() -> None:
    facts = facts_of(workbook(["a", "b"], ["#N/A", "=1+1"], ["#REF!", 3], [1, "=B3"]), "Sheet")
    assert facts is not None
    assert dict(facts.errors) == {"A": [2, 3]}
    assert dict(facts.uncomputed) == {"B": [2, 4]}  # openpyxl computes nothing


def test_hidden_parts_are_counted() -> None:
    for part, word in (("row", "row"), ("column", "col")):
        facts = facts_of(workbook(["a", "b"], [1, 2], hide=part), "Sheet")
        assert facts is not None
        assert facts.hidden[word] == 1


def test_the_sheet_is_found_by_its_name() -> None:
    assert facts_of(workbook(["a"], name="Größe & <Alter>"), "Größe & <Alter>") is not None
    assert facts_of(workbook(["a"]), "another") is None


@pytest.mark.parametrize("cut", [0, 10, 500, 3000])
def test_damage_is_no_error_here(cut: int) -> None:
    blob = workbook(["a", "b"], [1, 2])
    found = facts_of(blob[:cut] + b"x" * 20 + blob[cut + 20 :], "Sheet")
    assert found is None or not found.errors


def test_places_that_are_not_written_down_are_counted() -> None:
    plain = workbook(["a", "b"], ["x", "#N/A"], [1, "#REF!"])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, re.sub(rb' r="[A-Z]*[0-9]+"', b"", text) if "sheet1" in name else text)
    facts = facts_of(stream.getvalue(), "Sheet")
    assert facts is not None
    assert dict(facts.errors) == {"B": [2, 3]}


def test_an_xls_tells_as_much() -> None:
    facts = facts_of(OLD, "Größe")
    assert facts is not None
    assert dict(facts.errors) == {"C": [3, 4]}
    assert facts.hidden == {"row": 1, "col": 1}
    assert {place: len(rows) for place, rows in facts.shown.items()} == {
        ("A", "zeros"): 5,
        ("B", "percent"): 5,
    }
    assert (facts.height, facts.columns) == (6, frozenset("ABCD"))
    assert facts_of(OLD, "another") is None


@given(place=st.integers(0, len(OLD) - 1), size=st.integers(0, 600), cut=st.booleans())
def test_a_damaged_xls_is_no_error_here(place: int, size: int, cut: bool) -> None:
    blob = OLD[:place] + (b"" if cut else b"\xff" * size + OLD[place + size :])
    found = facts_of(blob, "Größe")
    assert found is None or found.height <= 65536


def test_a_password_is_seen() -> None:
    assert is_protected(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"))
    assert not is_protected(workbook(["a"]))
