"""Labels, boxes and decimal characters come as a request wants them; raw is the rule."""

from __future__ import annotations

import requests

from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.demo.redcap_store import METADATA, Key, RedcapProject
from omics_orchestrator.demo.redcap_wording import choices_of


def entry(name: str, kind: str = "text", choices: str = "", validation: str = "") -> dict[str, str]:
    words = {"field_name": name, "form_name": "one", "field_type": kind, "field_label": name.upper()}
    words |= {"select_choices_or_calculations": choices}
    words |= {"text_validation_type_or_show_slider_number": validation}
    return dict.fromkeys(METADATA, "") | words


def asked(**words: str) -> str:
    """Return the answer of a project with one record."""
    fields = [
        entry("id"), entry("sex", "radio", "1, A, b | 2, B"), entry("ok", "yesno"),
        entry("box", "checkbox", "1, X | 2, Y"), entry("crp", validation="number_1dp_comma_decimal"),
        entry("free"),
    ]  # fmt: skip
    cells = {"sex": "1", "ok": "0", "box___1": "1", "crp": "1,5", "free": "1,5", "one_complete": "2"}
    with RedcapServer({"T": RedcapProject(fields, rows={Key("7"): cells})}) as server:
        sent = {"token": "T", "content": "record", "format": "csv", **words}
        return requests.post(server.url, data=sent, timeout=10).text


def test_raw_is_the_rule() -> None:
    assert asked() == 'id,sex,ok,box___1,box___2,crp,free,one_complete\n7,1,0,1,0,"1,5","1,5",2\n'


def test_labels_of_cells() -> None:
    told = asked(rawOrLabel="label").splitlines()[1]
    assert told == '7,"A, b",No,Checked,Unchecked,"1,5","1,5",Complete'
    told = asked(rawOrLabel="label", exportCheckboxLabel="true").splitlines()[1]
    assert told == '7,"A, b",No,X,,"1,5","1,5",Complete'


def test_labels_of_headers() -> None:
    told = asked(rawOrLabelHeaders="label").splitlines()[0]
    assert told == "ID,SEX,OK,BOX (choice=X),BOX (choice=Y),CRP,FREE,Complete?"


def test_the_decimal_character_is_that_of_numbers_only() -> None:
    assert asked(decimalCharacter=".").splitlines()[1] == '7,1,0,1,0,1.5,"1,5",2'


def test_the_delimiter() -> None:
    assert asked(csvDelimiter=";").splitlines()[1] == "7;1;0;1;0;1,5;1,5;2"
    assert asked(csvDelimiter="tab").splitlines()[1].split("\t")[5] == "1,5"


def test_only_the_first_comma_of_a_choice_divides() -> None:
    assert choices_of("1, A, b|2,C | | ") == {"1": "A, b", "2": "C"}
