"""`omics dictionary suggest` as a person meets it: a table, rules to paste, a CSV, decisions, no cell."""

from __future__ import annotations

import csv
import shutil
import subprocess

import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.suggest.vectors import written
from omics_orchestrator_tests.test_docs import blocks

BOOK = 'name,label,choices\nnote,Sex of the participant,"1=Male; 2=Female; 9=Something else"\n'


def test_a_table_rules_and_a_csv(installation: Installation) -> None:
    mapping = (installation.dictionary / "studies" / "tiny" / "mapping.yaml").read_text()
    assert "no column of tiny is undecided" in omics(installation, "dictionary", "suggest", "tiny").stdout
    book, out = installation.folder / "book.csv", installation.folder / "out.csv"
    book.write_text(BOOK)
    asked = ("tiny", "note", "crp", "--codebook", str(book), "--csv", str(out), "--save")
    told = omics(installation, "dictionary", "suggest", *asked)
    assert told.returncode == 0, told.stderr
    assert "3 of" not in told.stdout
    assert "2 of 3 codes by their labels" in told.stdout
    assert (
        "\n# visit, from files.visits\n  crp: {number: crp}    # in which unit? the dictionary has mg/L\n"
        in (told.stdout)
    )
    line = "  sex: {recode: note, map: {1: male, 2: female}}    # fits no code: 9 (Something else)\n"
    assert f"\n# participant, from files.people\n{line}" in told.stdout
    rows = list(csv.DictReader(out.open()))
    assert {row["column"] for row in rows} == {"files.people.note", "files.visits.crp"}
    assert rows[0]["rank"] == "1"
    kept = (installation.dictionary / "studies" / "tiny" / "suggestions.csv").read_text().splitlines()
    assert kept[1].startswith("files.people.note,sex,proposed,omics,")
    assert (installation.dictionary / "studies" / "tiny" / "mapping.yaml").read_text() == mapping
    assert omics(installation, "check", "tiny").stdout == "tiny is fine\n"


def test_with_word_vectors_and_with_a_file_that_is_none(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, here = installation.folder / "book.csv", installation.environment()
    book.write_text("name,label\nnote,Pipe\n")
    asked = ("dictionary", "suggest", "tiny", "note", "--codebook", str(book))
    plain = omics(installation, *asked)
    assert "smok" not in plain.stdout
    assert "means alike" not in plain.stdout
    assert "word vectors" not in plain.stdout
    vectors = written(installation.folder / "vectors.txt")
    monkeypatch.setattr(installation, "environment", lambda: {**here, "OMICS_WORD_VECTORS": str(vectors)})
    told = omics(installation, *asked, "--save")
    assert told.returncode == 0, told.stderr
    assert "means alike: pipe, tobacco" in " ".join(told.stdout.split())
    assert " words of names and labels have one" in told.stdout
    assert "no column of tiny is undecided" in omics(installation, "dictionary", "suggest", "tiny").stdout
    vectors.write_text("smoking 1 0\nstatus 1\n")
    ragged = omics(installation, *asked)
    assert (ragged.returncode, ragged.stdout) == (1, "")
    assert f"{vectors}:2: has 1 numbers, the lines before it 2: copy the file again" in ragged.stderr
    assert "Traceback" not in ragged.stderr
    vectors.unlink()
    assert "cannot be read (No such file or directory)" in omics(installation, *asked).stderr
    assert omics(installation, "check", "tiny").returncode == 0  # nothing else reads it


def test_decisions(installation: Installation) -> None:
    rejected = omics(installation, "dictionary", "suggest", "tiny", "--reject", "crp=crp", "--by", "Ann")
    assert rejected.stdout.startswith("rejected: files.visits.crp = crp (by Ann, ")
    again = omics(installation, "dictionary", "suggest", "tiny", "crp")
    assert "crp: {number: crp}" not in again.stdout
    wrong = omics(installation, "dictionary", "suggest", "tiny", "--approve", "crp")
    assert wrong.returncode == 1
    assert "COLUMN=VARIABLE" in wrong.stderr
    unknown = omics(installation, "dictionary", "suggest", "tiny", "--approve", "crp=crpp")
    assert (unknown.returncode, 'nearest: "crp"' in unknown.stderr) == (1, True)


def test_only_what_scores_well_is_kept_and_long_lists_are_cut(installation: Installation) -> None:
    names = [f"zq{number:03d}" for number in range(40)]
    file = installation.source / "people.csv"
    header, *rows = file.read_text().splitlines()
    cells = ",1" * len(names)
    file.write_text("\n".join([f"{header},{','.join(names)}", *(row + cells for row in rows)]) + "\n")
    out = installation.folder / "out.csv"
    told = omics(installation, "dictionary", "suggest", "tiny", "note", "zq*", "--save", "--csv", str(out))
    assert told.returncode == 0, told.stderr
    assert "more; --csv lists them all" in told.stdout
    assert "zq039" not in told.stdout
    rows_ = list(csv.DictReader(out.open()))
    assert any(row["column"].endswith("zq039") and "nothing in the" in row["remark"] for row in rows_)
    scores = {row["column"]: float(row["score"]) for row in rows_ if row["rank"] == "1"}
    kept = (installation.dictionary / "studies" / "tiny" / "suggestions.csv").read_text().splitlines()[1:]
    assert sorted(line.split(",")[0] for line in kept) == sorted(c for c, s in scores.items() if s >= 0.4)


def test_who_decides_is_the_address_that_git_knows(installation: Installation) -> None:
    for words in (("init", "-q"), ("config", "user.email", "ann@example.org")):
        subprocess.run(["git", "-C", str(installation.dictionary), *words], check=True)
    told = omics(installation, "dictionary", "suggest", "tiny", "--reject", "crp=crp")
    assert told.stdout.startswith("rejected: files.visits.crp = crp (by ann@example.org, ")


def test_the_page_prints_the_rules_that_come(installation: Installation) -> None:
    page = WORKING_COPY / "docs" / "add-a-study.md"
    rows, codes = blocks(page, "csv")
    study, mapping = blocks(page, "yaml")[0], blocks(page, "yaml")[-1]
    installation.declare("north", study=study.replace("store+north:", "store+tiny:"), mapping=mapping)
    (installation.source / "clinic.csv").write_text(rows)
    (installation.source / "codes.csv").write_text(codes)
    for name in ("gidamps", "music", "hmp2", "prism", "risk", "demo_adult", "demo_child", "demo_registry"):
        shutil.copytree(
            WORKING_COPY / "data_dictionary" / "studies" / name, installation.dictionary / "studies" / name
        )
    book = str(installation.source / "codes.csv")
    told = omics(installation, "dictionary", "suggest", "north", "--top", "2", "--codebook", book).stdout
    printed = next(text for text in blocks(page, "text") if "to paste into mapping.yaml" in text)
    rules = printed[printed.index("those that score") :]
    assert "sex: {recode: sex, map: {1: male, 2: female}, missing: {3: unknown}}" in rules
    assert told.endswith(rules)
