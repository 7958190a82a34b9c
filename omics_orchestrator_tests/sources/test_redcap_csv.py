"""A downloaded REDCap project: dictionary and raw records as CSV; labels, damage and doubt are refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_export import RedcapExport
from omics_orchestrator.storage.objects import Stores

HEADER = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels"'
)
DICTIONARY = f"""\
{HEADER}
id,a,,text,Record,
sex,a,,radio,Sex,"1, Male | 2, Female"
ticks,a,,checkbox,Ticks,"1, One | -9, None"
crp,b,,text,CRP,
"""
RECORDS = "id,sex,ticks___1,ticks____9,a_complete,crp,b_complete\nP1,1,0,1,2,5,2\nP2,2,0,0,0,,0\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def rows(stores: Stores, form: str = "a", location: str = "store+here://") -> list[dict[str, object]]:
    found = RedcapExport(location=location).deliver("r", form, None, stores).data.to_pylist()
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("names", [("data", "dictionary"), ("export_of_today", "my_dictionary")])
def test_dictionary_and_records_are_told_by_their_headers(
    folder: Path, stores: Stores, names: tuple[str, str]
) -> None:
    write(folder, **{names[0]: RECORDS, names[1]: DICTIONARY})
    first, second = rows(stores)
    assert (first["record_id"], first["sex"], first["ticks____9"]) == ("P1", "1", "1")
    assert second["sex"] == "2"
    assert [row["crp"] for row in rows(stores, "b")] == ["5"]
    delivery = RedcapExport(location="store+here://").deliver("r", "a", {"sex"}, stores)
    assert delivery.data.column_names == [*delivery.key, "sex"]
    assert delivery.decisions["format"] == "CSV export"
    choices, _ = delivery.beside["choices"]
    assert choices.to_pylist()[1] == {"field_name": "sex", "code": "2", "label": "Female"}


def test_the_api_s_own_header_of_a_dictionary_is_known_too(folder: Path, stores: Stores) -> None:
    header = "field_name,form_name,field_type,field_label,select_choices_or_calculations"
    text = f"{header}\nid,a,text,x,NA\nsex,a,text,y,NA\n"
    write(folder, metadata=text, data="id,sex,a_complete\n1,m,2\n")
    assert rows(stores)[0]["sex"] == "m"


def test_before_anybody_is_recorded_the_columns_are_those_of_the_dictionary(
    folder: Path, stores: Stores
) -> None:
    write(folder, data="\n\n", dictionary=DICTIONARY)
    delivery = RedcapExport(location="store+here://").deliver("r", "a", None, stores)
    assert delivery.data.num_rows == 0
    assert delivery.data.column_names[4:] == ["sex", "ticks___1", "ticks____9"]


def test_events_come_from_the_rows_and_repeats_from_an_answer_beside_them(
    folder: Path, stores: Stores
) -> None:
    records = (
        "id,redcap_repeat_instrument,redcap_repeat_instance,crp,b_complete\n1,,,,\n1,b,1,5,2\n1,b,2,6,2\n"
    )
    write(folder, data=records, dictionary=DICTIONARY)
    with pytest.raises(DeliveryError, match="no file says which forms do"):
        rows(stores, "b")
    write(folder, repeatingFormsEvents="form_name,custom_form_label\nb,\n")
    assert [(row["form_instance"], row["crp"]) for row in rows(stores, "b")] == [(1, "5"), (2, "6")]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"data": RECORDS}, "no data dictionary"),
        ({"data": RECORDS, "dictionary": HEADER + "\n"}, "names no field"),
        ({"dictionary": DICTIONARY}, "no data.csv lies there: export it"),
        ({"data": "", "dictionary": DICTIONARY}, "the file of records has 0 bytes"),
        ({"data": RECORDS + "," * 6 + "\n", "dictionary": DICTIONARY}, "1 of the records bear no record id"),
        ({"one": RECORDS, "two": RECORDS, "dictionary": DICTIONARY}, "2 CSV files that could be the records"),
        ({"data": RECORDS.replace("id,", "Record,", 1), "dictionary": DICTIONARY}, "raw data"),
        ({"data": RECORDS.replace("P1,1", "P1,Male").replace("P2,2", "P2,Female"), "dictionary": DICTIONARY}, "labels"),
        ({"data": RECORDS.replace("crp", "sex"), "dictionary": DICTIONARY}, "columns twice: sex"),
        ({"data": RECORDS + "P3,1\n", "dictionary": DICTIONARY}, "not as many cells"),
        ({"data": RECORDS + 'P3,"SECRET', "dictionary": DICTIONARY}, "a quote is left open"),
        ({}, "no REDCap project lies there"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_words(
    folder: Path, stores: Stores, files: dict[str, str], says: str
) -> None:
    write(folder, **files)
    with pytest.raises(DeliveryError, match=says) as told:
        rows(stores)
    assert not any(word in str(told.value) for word in ("SECRET", "P1", "P3"))


def test_bytes_of_another_encoding_are_told(folder: Path, stores: Stores) -> None:
    write(folder, dictionary=DICTIONARY)
    (folder / "data.csv").write_bytes(RECORDS.replace("P1", "Ü").encode("latin-1"))
    with pytest.raises(DeliveryError, match="not UTF-8"):
        rows(stores)


def test_of_several_exports_in_a_folder_one_can_be_named(folder: Path, stores: Stores) -> None:
    write(folder, monday=RECORDS, tuesday=RECORDS.replace("P2", "P7"), dictionary=DICTIONARY)
    found = rows(stores, location="store+here://tuesday.csv")
    assert [row["record_id"] for row in found] == ["P1", "P7"]
