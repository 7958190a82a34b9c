"""`omics new-study` as a data manager meets it: what was found, what comes next, and refusals that write nothing."""

from __future__ import annotations

import shutil

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.new_study.test_new_study import BOOK, CLINIC
from omics_orchestrator_tests.test_docs import blocks


def test_from_a_file_to_a_raw_table(installation: Installation) -> None:
    (installation.source / "clinic.csv").write_text(CLINIC)
    (installation.source / "codes.csv").write_text(BOOK)
    asked = (
        "--file",
        str(installation.source / "clinic.csv"),
        "--codebook",
        str(installation.source / "codes.csv"),
    )
    told = omics(installation, "new-study", "tiny2", *asked)
    assert told.returncode == 0, told.stderr
    assert "clinic: 4 rows, 8 columns" in told.stdout
    assert "visit           clinic: patient repeats, and date tells its rows apart" in told.stdout
    assert "participant id  NC-(?P<number>[0-9]+)" in told.stdout
    assert "identifiers     1 column: mail" in told.stdout
    assert f"export OMICS_STORE_TINY2_URL={installation.source.as_uri()}" in told.stdout
    assert not any(value in told.stdout for value in ("ann@", "Hallmark", "NC-0", "2024-01"))
    assert omics(installation, "check", "tiny2").stdout == "tiny2 is fine\n"
    again = omics(installation, "new-study", "tiny2", *asked)
    assert again.returncode == 1
    assert "there is such a folder already" in again.stderr


def test_refusals_write_nothing(installation: Installation) -> None:
    (installation.source / "bare.csv").write_text("1,2\n3,4\n")
    bare = str(installation.source / "bare.csv")
    none = omics(installation, "new-study", "north")
    both = omics(installation, "new-study", "north", "--file", bare, "--redcap-dictionary", bare)
    no_header = omics(installation, "new-study", "north", "--file", bare)
    lone_book = omics(installation, "new-study", "north", "--redcap-dictionary", bare, "--codebook", bare)
    lone_schema = omics(installation, "new-study", "north", "--file", bare, "--schema", "x")
    no_secret = omics(installation, "new-study", "north", "--redcap")
    assert [one.returncode for one in (none, both, no_header, lone_book, lone_schema, no_secret)] == [1] * 6
    assert "give one of" in none.stderr
    assert "give one of" in both.stderr
    assert "seems to hold data" in no_header.stderr
    assert "--codebook belongs to --file" in lone_book.stderr
    assert "--schema belongs to --sql" in lone_schema.stderr
    assert "NORTH_REDCAP_URL" in no_secret.stderr
    assert not (installation.dictionary / "studies" / "north").exists()


def test_the_page_prints_what_comes(installation: Installation) -> None:
    page = WORKING_COPY / "docs" / "add-a-study.md"
    rows, codes = blocks(page, "csv")
    (installation.source / "clinic.csv").write_text(rows)
    (installation.source / "codes.csv").write_text(codes)
    for folder in sorted((WORKING_COPY / "data_dictionary" / "studies").iterdir()):
        shutil.copytree(folder, installation.dictionary / "studies" / folder.name)
    asked = (
        "--file",
        str(installation.source / "clinic.csv"),
        "--codebook",
        str(installation.source / "codes.csv"),
    )
    told = omics(installation, "new-study", "north", *asked)
    assert told.stdout.startswith(next(text for text in blocks(page, "text") if text.startswith("source ")))
    assert "next:" in told.stdout
