"""Detectors: what they find, what they leave alone, and that the studies' admitted columns are clean."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pyarrow as pa
import pytest

from omics_orchestrator.identifiers import detect, speaks_of

DRAW = random.Random(4)
BLANK = ""


def with_check_digit(nine: str) -> str | None:
    check = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
    return None if check == 10 else nine + str(check % 11)


def numbers(made: list[str], count: int) -> list[str]:
    whole = [number for nine in made if (number := with_check_digit(nine))]
    return whole[:count]


NHS = numbers([str(DRAW.randrange(400_000_000, 500_000_000)) for _ in range(20)], 6)
CHI = numbers(
    [
        f"{DRAW.randrange(1, 29):02}{DRAW.randrange(1, 13):02}{DRAW.randrange(30, 99)}{n:03}"
        for n in range(20)
    ],
    6,
)
assert len(NHS) == len(CHI) == 6

FOUND = {
    "e-mail addresses": ("contact_by", "email", ["a@b.org", "c.d@e.co.uk", "f@g.net", "none"]),
    "few e-mail addresses among many blanks": (
        "remark",
        "email",
        ["a@b.org", "c@d.org", "e@f.org", *[BLANK] * 90],
    ),
    "one e-mail address under its name": ("patient_email", "email", ["a@b.org"]),
    "NHS numbers": ("id2", "nhs_number", NHS),
    "NHS numbers in groups": ("id2", "nhs_number", [f"{n[:3]} {n[3:6]} {n[6:]}" for n in NHS]),
    "CHI numbers": ("lab_ref", "chi_number", CHI),
    "CHI numbers that Excel took for numbers": ("lab_ref", "chi_number", [n.removeprefix("0") for n in CHI]),
    "CHI numbers of test patients": ("chi_no", "national_id", ["0101701234", "0202702345"]),
    "hospital numbers": ("hospital_number", "national_id", ["X123456", "X234567"]),
    "US social security numbers": ("code", "national_id", ["123-45-6789", "234-56-7890", "345-67-8901"]),
    "British mobiles": ("reach", "phone", ["07700 900123", "07700900124", "+44 7700 900125"]),
    "American phones": ("reach", "phone", ["(405) 321-1111", "(405) 321-2222", "405-321-3333"]),
    "phones by name": ("telephone_2", "phone", ["321 1111"]),
    "postcodes": ("area", "postcode", ["EH4 2XU", "G12 8QQ", "ab1 0aa", "OX3 9DU"]),
    "postcodes within addresses": (
        "where",
        "postcode",
        ["1 High St, Leith EH6 5AA", "2 Low Rd G1 1AA", "EH1 1AA"],
    ),
    "postcodes by name": ("post_code", "postcode", ["EH42XU"]),
    "dates of birth": ("dob", "date_of_birth", ["1980-02-03", "1971-12-30"]),
    "dates of birth, day first": ("DateOfBirth", "date_of_birth", ["03/02/1980", "30.12.71"]),
    "dates of birth as Excel numbers": ("birth_date", "date_of_birth", ["29254", "26297"]),
    "surnames": ("surname", "name", ["Müller", "O'Neill", "de la Cruz"]),
    "names under a bare name": ("Name", "name", ["Anna Bell", "Carl Dean", "Emma-Jane Fox"]),
    "initials": ("patient_initials", "name", ["AB", "CD"]),
    "addresses": ("home_address", "address", ["14 Rose Cottage St.\nKenning", "2 Low Road"]),
}
CLEAN = {
    "ten digits of a laboratory": ("lab_number", [str(DRAW.randrange(10**9, 10**10)) for _ in range(500)]),
    "seconds since 1970": ("stamp", [str(1_600_000_000 + 977 * n) for n in range(500)]),
    "one number that passes by chance": ("lab_number", [NHS[0]]),
    "a stray e-mail address": ("comment", ["a@b.org", *["seen in clinic"] * 50]),
    "the same address in every row": ("comment", ["help@hospital.org"] * 50),
    "a filler": ("code", ["9999999999"] * 9 + ["0000000000"] * 9),
    "proportions": ("share", ["0.1234567890", "0.7123456789", "0.2345678901", "+1.2345678901"]),
    "dates": ("visit_date", ["1980-02-03", "1971-12-30", "03-02-1980"]),
    "dates and times": ("sampled", ["03-02-2018 15:52", "2018-03-06 15:52:43"]),
    "a year of birth": ("year_of_birth", ["1980", "1971"]),
    "a month of birth": ("birth_month", ["1980-02", "1971-12"]),
    "was given birth": ("given_birth", ["0", "1"]),
    "weight at birth": ("birth_weight", ["3.2", "2.9"]),
    "names of drugs": ("drug_name", ["Infliximab", "Adalimumab", "Methotrexate"]),
    "names of hospitals": ("hospital_name", ["Royal Infirmary", "Western General", "Queen Elizabeth"]),
    "countries": ("name", ["France", "Germany", "Spain", "United Kingdom"]),
    "whether a name is known": ("first_name_known", ["Yes", "No"]),
    "first doses": ("initial_dose", ["5", "10"]),
    "well positions": ("well", ["A1", "B12", "H7"]),
    "sample codes": ("sample", ["B12AB", "S1A2B", "P7-S3", "CSM5FZ3N_P"]),
    "diagnosis codes": ("icd", ["K50.0", "K51.9", "M45"]),
    "phone of what kind": ("phone_code", ["1", "2", "3"]),
    "chi square": ("chi_square", ["3.84146", "5.99146"]),
    "IBAN-like barcodes": ("barcode", ["01234567890", "01234567891", "01234567892"]),
    "nothing": ("email", [BLANK, BLANK]),
}


def table(column: str, cells: list[str], **told: str) -> pa.Table:
    field = pa.field(column, pa.string(), metadata=told)
    return pa.table([pa.array(cells, pa.string())], schema=pa.schema([field]))


@pytest.mark.parametrize("case", FOUND)
def test_identifiers_are_found(case: str) -> None:
    column, kind, cells = FOUND[case]
    (found,) = detect(table(column, cells))
    assert (found.column, found.kind) == (column, kind)
    assert 0 < found.cells <= len(cells)


@pytest.mark.parametrize("case", CLEAN)
def test_other_columns_are_left_alone(case: str) -> None:
    assert detect(table(*CLEAN[case])) == []


def test_no_cell_is_told() -> None:
    for column, _, cells in FOUND.values():
        told = repr(detect(table(column, cells)))
        assert not [cell for cell in cells if len(cell) > 3 and cell in told]


def test_what_redcap_and_the_study_say_counts() -> None:
    flagged = table("x1", ["a"], identifier="y", choices="a, Yes")
    assert [(one.kind, one.cells) for one in detect(flagged)] == [("flagged", 1)]
    assert [one.kind for one in detect(table("x1", ["a"]), ["x1"])] == ["declared"]
    assert [one.kind for one in detect(table("x1", ["a@b.c", "d@e.org"], validation="email"))] == ["email"]
    assert [one.kind for one in detect(table("q7", ["1980-01-02"], label="Date of birth"))] == [
        "date_of_birth"
    ]


def test_codes_of_choices_are_none() -> None:
    assert detect(table("surname", ["abc"], choices="abc, ABC")) == []
    assert detect(table("phone", ["1234567"], field_type="radio")) == []


def test_two_columns_of_one_name_and_numbers_do_no_harm() -> None:
    fields = [("email", pa.string()), ("email", pa.string()), ("row_number", pa.int64())]
    cells = [["a@b.org"], ["x"], [1]]
    assert len(detect(pa.Table.from_arrays([pa.array(c) for c in cells], schema=pa.schema(fields)))) == 1


def test_a_large_column_is_sampled_and_counted_whole() -> None:
    cells = [f"p{n}@example.org" for n in range(100_000)]
    (found,) = detect(table("x", cells))
    assert found.cells == 100_000


def test_flagged_fields_of_the_public_projects_are_known_by_content_too(shared_data: Path) -> None:
    missed, found = [], 0
    for file in sorted(shared_data.glob("redcap/redcapr/projects/*/data.csv")):
        flagged = _flagged(file.with_name("dictionary.csv"))
        rows = list(csv.DictReader(file.open(encoding="utf-8-sig", newline="")))
        if not rows or not flagged:
            continue
        cells = {name: [row[name] or "" for row in rows] for name in rows[0]}
        suspected = {one.column for one in detect(pa.table(cells))}
        filled = {name for name in flagged & cells.keys() if any(cells[name])}
        missed += [(file.parent.name, name) for name in sorted(filled - suspected)]
        found += len(filled & suspected)
    assert found >= 30
    assert missed == EXCUSED


EXCUSED = [  # what nobody could know by its content: fillers, and single words under a bare `name`
    ("dag-write", "last_name"),
    ("decimal-comma-and-dot", "name"),
    ("decimal-dot", "name"),
    ("metadata-write", "address"),
    ("repeating-instruments-sparse", "first_name"),
]


def _flagged(file: Path) -> set[str]:
    if not file.exists():
        return set()
    rows = list(csv.reader(file.open(encoding="utf-8-sig", newline="")))
    return {row[0] for row in rows[1:] if row[10] == "y"}


@pytest.mark.parametrize(
    ("name", "told", "kind"),
    [
        ("email", {}, "email"),
        ("nhs_number", {"field_type": "text"}, "nhs_number"),
        ("contact", {"field_type": "text", "label": "Date of <b>birth</b>"}, "date_of_birth"),
        ("q1", {"field_type": "text", "identifier": "y"}, "flagged"),
        ("q1", {"field_type": "radio", "identifier": "y"}, "flagged"),
        ("q1", {"field_type": "text", "validation": "phone"}, "phone"),
        ("dob", {"field_type": "text", "validation": "date_dmy"}, "date_of_birth"),
        ("blood_test_date", {"label": "NHS bloods date", "validation": "date_dmy"}, None),
        ("phone", {"field_type": "radio", "choices": "1, Yes | 2, No"}, None),
        ("drug_name", {"field_type": "text"}, None),
        ("crp", {}, None),
    ],
)
def test_what_a_declaration_alone_speaks_for(name, told, kind):
    assert speaks_of(name, told) == kind
