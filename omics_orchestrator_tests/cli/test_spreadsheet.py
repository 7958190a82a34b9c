"""`omics dictionary export` and `import` as a person meets them."""

from __future__ import annotations

import subprocess

from openpyxl import load_workbook

from omics_orchestrator.storage.database import Database
from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import Installation


def test_out_and_in_again(installation: Installation, database: Database) -> None:
    book = str(installation.folder / "book.xlsx")
    assert omics(installation, "materialize").returncode == 0
    told = omics(installation, "dictionary", "export", book)
    assert (told.returncode, told.stdout) == (0, f"written: {book}, with the coverage of tiny\n"), told.stderr
    again = omics(installation, "dictionary", "export", book)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    assert omics(installation, "dictionary", "export", book, "--replace").returncode == 0
    same = omics(installation, "dictionary", "import", book)
    assert (same.returncode, same.stdout) == (0, "\nthe dictionary stays as it is\n")

    file = installation.dictionary / "variables.csv"
    before = file.read_text()
    opened = load_workbook(book)
    header, *rows = ([cell or "" for cell in row] for row in opened["mappings"].values)
    told_of = {row[2]: row[header.index("shown: codes in the data")] for row in rows}
    assert (told_of["sex"], told_of["age"]) == ("m, f", "")  # two men, one woman
    sheet = opened["variables"]
    row = next(cell.row for cell in sheet["A"] if cell.value == "crp")
    sheet[f"J{row}"], sheet[f"M{row}"], sheet[f"N{row}"] = "CRP!", "in plasma?", "Ann"
    opened.save(book)
    dry = omics(installation, "dictionary", "import", book, "--dry-run")
    assert f"\nvariables!J{row}  crp: label: " in dry.stdout
    assert f"\nreview\nvariables!M{row}  crp: in plasma? (Ann)\n" in dry.stdout
    assert dry.stdout.endswith("nothing is written (--dry-run); variables.csv would change\n")
    assert file.read_text() == before
    done = omics(installation, "dictionary", "import", book)
    assert done.stdout.endswith("\nwritten: variables.csv\n")
    assert file.read_text().count("CRP!") == 1

    sheet[f"E{row}"] = "mgl"
    opened.save(book)
    wrong = omics(installation, "dictionary", "import", book)
    assert wrong.returncode == 1
    assert f"variables!E{row}: crp: 'mgl' is not a unit of units.csv" in wrong.stdout
    assert wrong.stdout.endswith("nothing is written\n")


def test_suggestions_are_decided_in_the_workbook(installation: Installation, database: Database) -> None:
    for words in (("init", "-q"), ("config", "user.email", "ann@example.org")):
        subprocess.run(["git", "-C", str(installation.dictionary), *words], check=True)
    book, codes = str(installation.folder / "book.xlsx"), installation.folder / "codes.csv"
    codes.write_text('name,label,choices\nnote,Sex of the participant,"1=Male; 2=Female"\n')
    asked = ("dictionary", "suggest", "tiny", "note", "crp", "--save", "--codebook", str(codes))
    assert omics(installation, *asked).returncode == 0
    assert omics(installation, "dictionary", "export", book).returncode == 0
    opened = load_workbook(book)
    sheet = opened["suggestions"]
    header, *rows = ([cell or "" for cell in row] for row in sheet.values)
    line = dict(zip(header, next(row for row in rows if row[2] == "crp"), strict=True))
    assert (line["column"], line["state"], line["by"]) == ("files.visits.crp", "proposed", "omics")
    assert float(line["shown: score"]) >= 0.4
    assert (line["shown: variable's label"], line["shown: rule"]) == (
        *("C-reactive protein", "crp: {number: crp}    # in which unit? the dictionary has mg/L"),
    )
    assert "words crp" in line["shown: why"]
    places = {sheet[f"C{row}"].value: row for row in range(2, sheet.max_row + 1)}
    sheet[f"D{places['crp']}"], sheet[f"D{places['sex']}"] = "approved", "rejected"
    opened.save(book)
    told = omics(installation, "dictionary", "import", book)
    assert (
        f"suggestions!D{places['crp']}  tiny files.visits.crp crp: proposed → approved (ann@example.org, "
        in (told.stdout)
    )
    assert told.stdout.endswith("\nwritten: tiny/suggestions.csv\n")
    kept = (installation.dictionary / "studies" / "tiny" / "suggestions.csv").read_text().splitlines()
    assert kept[1].startswith("files.people.note,sex,rejected,ann@example.org,2")
    assert kept[2].startswith("files.visits.crp,crp,approved,ann@example.org,2")
    again = omics(installation, "dictionary", "suggest", "tiny", "note", "--codebook", str(codes))
    assert "sex: {recode" not in again.stdout
    same = omics(installation, "dictionary", "import", book)
    assert (same.returncode, same.stdout) == (0, "\nthe dictionary stays as it is\n")


def test_names_that_do_not_fit(installation: Installation) -> None:
    for arguments, says in (
        (("export", "book.xls"), "the workbook's name ends in .xlsx"),
        (("export", "/nowhere/book.xlsx"), "there is no folder /nowhere"),
        (("import", "/nowhere/book.xlsx"), "cannot be read: No such file"),
    ):
        told = omics(installation, "dictionary", *arguments)
        assert (told.returncode, says in told.stderr) == (1, True), told.stderr
