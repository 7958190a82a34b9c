"""Codebooks as people write them: REDCap's own, a plain table, and what is none."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.steps.suggest.codebook import read_codebook

REDCAP = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number"\n'
    'sex,base,,radio,Sex,"1, Male | 2, Female",,\ncrp,lab,,text,C-reactive protein,,mg/L,number\n'
)


def test_redcap_s_own(tmp_path):
    file = tmp_path / "dictionary.csv"
    file.write_text("\ufeff" + REDCAP, encoding="utf-8")
    found = read_codebook(file)
    assert found["sex"].choices == {"1": "Male", "2": "Female"}
    assert (found["crp"].kind, found["crp"].note, found["crp"].table) == ("number", "mg/L", "lab")


def test_a_plain_table(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text('Name,Label,Values,Unit\nsex,Sex of the patient,"1=Male; 2=Female",\ncrp,CRP,,mg/L\n')
    found = read_codebook(file)
    assert found["sex"].choices == {"1": "Male", "2": "Female"}
    assert found["sex"].kind == "choice"
    assert found["crp"].note == "mg/L"


def test_the_public_isaric_dictionary(shared_data):
    found = read_codebook(shared_data / "redcap" / "isaric_arc" / "ARC.csv")
    assert len(found) > 1_700
    assert all(one.label for one in found.values())
    assert found["demog_birthdate"].kind == "date"
    assert found["pres_adm_time"].kind == ""  # a time of day is no date


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"name\nsex\n", b"name,label\nsex,\xff\xfe\n"])
def test_what_is_no_codebook(tmp_path, content):
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(DeliveryError, match="codebook"):
        read_codebook(file)
    with pytest.raises(DeliveryError, match="FileNotFoundError"):
        read_codebook(tmp_path / "none.csv")
