"""Delimited text: encodings, separators, line ends, headers, ragged rows, stacking."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import Delimited, Delivery


def example(folder: Path, secret: str) -> tuple[dict[str, object], str]:
    """A declaration and its table, for the contract."""
    rows = "".join(f'{n},"{secret} {n}",{secret}\n' for n in range(20))
    (folder / "people.csv").write_text(f"id,name,note\n{rows}")
    return {"location": "store+here://", "tables": {"people": "people.csv"}}, "people"


@pytest.fixture
def deliver(folder, stores):
    def one(content: bytes | str, **options: object) -> Delivery:
        data = content.encode() if isinstance(content, str) else content
        (folder / "t.csv").write_bytes(data)
        source = Delimited.model_validate({"location": "store+here://t.csv", **options})
        return source.deliver("t", "t", None, stores)

    return one


def cells(delivery: Delivery) -> dict[str, list[str]]:
    return {name: delivery.data[name].to_pylist() for name in delivery.seen}


def notes(delivery: Delivery) -> list[tuple[str, int, str]]:
    return [(finding.message, finding.count, finding.severity) for finding in delivery.findings]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(deliver, separator, end):
    text = (
        end.join(separator.join(row) for row in (["a", "b,b", "c"], ["01", " x ", ""], ["", '"q"', "NA"]))
        + end
    )
    if separator == ",":
        text = text.replace("b,b", '"b,b"')
    delivery = deliver(text)
    assert cells(delivery) == {"a": ["01", ""], "b,b": [" x ", "q"], "c": ["", "NA"]}
    assert delivery.decisions["line ends"] == {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[end]
    assert bool(notes(delivery)) == (end == "\r")
    assert delivery.data["row_number"].to_pylist() == [1, 2]


def test_cells_stay_as_they_are(deliver):
    text = 'id,v\n007,""\n1e5,"two\r\nlines, ""quoted"""\nNULL,nan\ntrue,5" tube\n'
    assert cells(deliver(text)) == {
        "id": ["007", "1e5", "NULL", "true"],
        "v": ["", 'two\r\nlines, "quoted"', "nan", '5" tube'],
    }


@pytest.mark.parametrize(
    ("encoding", "declared", "decided"),
    [
        ("utf-8", None, "utf-8"),
        ("utf-8-sig", None, "utf-8-sig"),
        ("utf-16", None, "utf-16"),
        ("latin-1", "latin1", "iso8859-1"),
        ("cp1252", None, "cp1252 (guessed)"),
    ],
)
def test_encodings(deliver, encoding, declared, decided):
    delivery = deliver("naïve,b\nGrün,µg\n".encode(encoding), encoding=declared)
    assert cells(delivery) == {"naïve": ["Grün"], "b": ["µg"]}
    assert delivery.decisions["encoding"] == decided
    assert ("guess" in str(notes(delivery))) == ("guessed" in decided)


def test_a_wrong_encoding_is_refused(deliver):
    with pytest.raises(DeliveryError, match=r"not text in utf-8"):
        deliver("é,b\n1,2\n".encode("latin-1"), encoding="utf-8")


def test_other_alphabets_are_guessed_from_enough_text(deliver):
    text = "氏名,診断\n" + "".join(f"患者番号{n},クローン病です\n" for n in range(30))
    assert deliver(text.encode("cp932")).seen == ("氏名", "診断")


def test_r_style_header(deliver):
    delivery = deliver("age\tsex\ns1\t3\tf\ns2\t4\tm\n")
    assert cells(delivery) == {"row_name": ["s1", "s2"], "age": ["3", "4"], "sex": ["f", "m"]}
    assert delivery.decisions["header"] == "R style, one name short"


def test_trailing_separators_are_no_r_style_header(deliver):
    assert cells(deliver("a,b\n1,2,\n3,4,\n")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_headers_are_made_unique(deliver):
    delivery = deliver('#SampleID,x,x,,"two\nlines",row_number\n1,2,3,4,5,6\n')
    assert delivery.seen == ("#SampleID", "x", "x#2", "column_4", "two lines", "row_number#2")
    assert notes(delivery) == [
        ("columns without a name were named by their position", 1, "note"),
        ("columns of the same name were numbered: row_number, x", 2, "note"),
    ]


def test_declared_headers_and_skipped_rows(deliver):
    delivery = deliver("made by hand\n\n1,2\n3,4\n", headers=["a", "b"], skip_rows=2)
    assert cells(delivery) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blank_rows_and_columns_are_left_out_and_counted(deliver):
    delivery = deliver("a,b,\n1,2,\n,,\n\n3,,\n")
    assert cells(delivery) == {"a": ["1", "3"], "b": ["2", ""]}
    assert ("blank rows were left out", 2, "note") in notes(delivery)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n6,7,8\n", r"t\.t: rows without 2 cells as in the header: 2 \(lines 3, 5\)"),
        ('a,b\n1,"x\n\ny"\n3\n', r"lines 5"),
        ('a,b\n1,2\n3,"never closed\n4,5\n', r"quote near line 4"),
        ("", "empty"),
        ("\n\n", "empty"),
        ("a,b,c,d\n1,2\n3,4\n", "header has 4 names|rows without 4 cells"),
    ],
)
def test_what_cannot_be_read(deliver, text, message):
    with pytest.raises(DeliveryError, match=message):
        deliver(text)


def test_a_header_alone_is_an_empty_table(deliver):
    delivery = deliver("a,b\n")
    assert delivery.data.num_rows == 0
    assert delivery.seen == ("a", "b")


def test_a_single_column(deliver):
    assert cells(deliver("value\n01\n002\n")) == {"value": ["01", "002"]}


def test_several_files_are_stacked_by_name(folder, stores):
    (folder / "lab_1.csv").write_text("id,crp\n1,5\n2,6\n")
    (folder / "lab_2.csv").write_text("crp;id;new\n7;3;x\n")
    source = Delimited.model_validate({"location": "store+here://", "tables": {"lab": "lab_*.csv"}})
    delivery = source.deliver("files", "lab", None, stores)
    assert cells(delivery) == {"id": ["1", "2", "3"], "crp": ["5", "6", "7"], "new": ["", "", "x"]}
    assert delivery.data["row_number"].to_pylist() == [1, 2, 3]
    assert delivery.decisions["files"] == "2"
    assert [(f.check, f.subject, f.count) for f in delivery.findings] == [("drift", "new", 1)]


def test_a_table_has_options_of_its_own(folder, stores):
    (folder / "a.csv").write_text("x;y\n1;2\n")
    (folder / "b.txt").write_text("1|2\n")
    tables = {"a": "a.csv", "b": {"file": "b.txt", "separator": "pipe", "headers": ["x", "y"]}}
    source = Delimited.model_validate(
        {"location": "store+here://", "separator": "semicolon", "tables": tables}
    )
    assert source.tables() == ("a", "b")
    assert source.locations() == ("store+here://a.csv", "store+here://b.txt")
    assert cells(source.deliver("s", "a", None, stores)) == cells(source.deliver("s", "b", None, stores))


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"location": "store+here://folder/"}, "name its files under tables"),
        ({"location": "/folder/x.csv"}, "pattern"),
        ({"location": "store+here://x.csv", "encoding": "utf-9"}, "no known encoding"),
        ({"location": "store+here://x.csv", "separator": "tabulator"}, "comma, tab, semicolon, pipe"),
        ({"location": "store+here://x.csv", "skip_rows": -1}, "greater than or equal"),
    ],
)
def test_declarations_that_cannot_be(declared, message):
    with pytest.raises(ValidationError, match=message):
        Delimited.model_validate(declared)


def test_wide_files_take_linear_time(deliver):
    width = 6000
    delivery = deliver(",".join(f"c{n}" for n in range(width)) + "\n" + ",".join(["1"] * width) + "\n")
    assert len(delivery.seen) == width


@pytest.mark.parametrize(
    ("file", "shape", "decided"),
    [
        ("demo/risk/pcdai_supplement_cr_lineends.txt", (131, 8), {"line ends": "CR", "separator": "tab"}),
        ("demo/risk/clinical_samples.tsv", (214, 26), {"separator": "tab"}),
        ("ibd/hmp2/maaslin3/HMP2_metadata.tsv", (1527, 16), {"header": "R style, one name short"}),
        ("demo/hmp2/stool_samples.csv", (1131, 30), {"separator": "comma"}),
        ("messy/frictionless/bom.csv", (2, 3), {"encoding": "utf-8-sig"}),
        ("messy/frictionless/accent.csv", (2, 18), {"separator": "semicolon"}),
        ("messy/clinical/stressEcho.csv", (558, 33), {}),
    ],
)
def test_public_files(shared_data, stores, file, shape, decided):
    delivery = Delimited(location=f"store+data://{file}").deliver("s", "s", None, stores)
    assert delivery.data.shape == shape
    assert decided.items() <= delivery.decisions.items()


def test_decimal_commas_below_a_header_with_semicolons(deliver):
    assert cells(deliver("id;v\nA;1,5\nB;2,5\n")) == {"id": ["A", "B"], "v": ["1,5", "2,5"]}
    assert deliver("id;v;w\nA;1,5;2,5\nB;2,5;3,5\n").seen == ("id", "v", "w")


def test_declared_headers_are_never_shifted(deliver):
    with pytest.raises(DeliveryError, match="rows without 2 cells"):
        deliver("A,1,x\nB,2,y\n", headers=["id", "v"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("age,sex\ns1,3,m\ns2,4,f\n", "as R writes it"),
        ("age,sex\n3,m,\n4,f,\n", "ends with a separator"),
        ("a,b;c,d\n1,5;2,3\n", "the separator is a guess"),
    ],
)
def test_what_is_guessed_is_told(folder, stores, text, says):
    (folder / "t.csv").write_text(text)
    delivery = Delimited(location="store+here://t.csv").deliver("t", "t", None, stores)
    assert says in " | ".join(finding.message for finding in delivery.findings)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_seen_and_told(folder, stores, encoding):
    (folder / "t.csv").write_bytes("id,name\n1,Müller\n2,x\n".encode(encoding))
    delivery = Delimited(location="store+here://t.csv").deliver("t", "t", None, stores)
    assert delivery.data["name"].to_pylist() == ["Müller", "x"]
    assert any("guess" in finding.message for finding in delivery.findings)


def test_cells_of_old_macintosh_files_keep_what_they_hold(deliver):
    delivery = deliver('id,note\rP1,"two\rlines"\rP2,"three\nmore\rlines"\r')
    assert cells(delivery)["note"] == ["two\rlines", "three\nmore\rlines"]
    assert delivery.decisions["line ends"] == "CR"


@pytest.mark.parametrize("blank", ["\n", ",\n", "\n\n"])
def test_a_second_table_below_a_blank_line_is_refused(deliver, blank):
    text = f'id,crp\nP1,"a\nb"\n{blank}visit,weight\nV1,70\n'
    with pytest.raises(DeliveryError, match=f"begin at line {4 + blank.count(chr(10))}") as said:
        deliver(text)
    assert "weight" not in str(said.value)


def test_lines_after_a_blank_one_are_told(deliver):
    delivery = deliver("id,crp\nP1,5\n\nP2,6\n")
    assert cells(delivery)["id"] == ["P1", "P2"]
    assert any("line 4" in message for message, _, _ in notes(delivery))
