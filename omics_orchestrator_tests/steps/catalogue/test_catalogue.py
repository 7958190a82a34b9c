"""The pages of a small installation: what they tell, what they never tell, and that nothing stops them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.errors import DeclarationError, UnknownKey
from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.catalogue import write_catalogue
from omics_orchestrator.steps.catalogue.site import MARKER
from omics_orchestrator.steps.status import StatusMatrix, status_matrix
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator_tests.cli.test_commands import omics
from omics_orchestrator_tests.installation import MAPPING, STUDY, Installation

NOTE, OLDEST = "GARDENER_OF_THE_MAYOR", 104
CAVEATS = """\
caveats:
  - Everybody here is invented.
  - {text: The laboratory changed its assay., about: {variables: crp}, since: 2024-12-01}
"""
DESCRIBED = 'description: "Adults </script><script>alert(1)</script> & `code`."\n'


def people() -> str:
    rows = [f"P{n},{'m' if n % 3 else 'f'},{n % 60 + 20},{NOTE}" for n in range(120)]
    return "\n".join(["id,sex,age,note", *rows, f"P777,x,{OLDEST},{NOTE}", ""])


def visits() -> str:
    rows = [f"P{n},{v},S{n}_{v},{(n * 7 + v) % 90 / 2}" for n in range(120) for v in (1, 2)]
    return "\n".join(["id,visit,sample,crp", *rows, ""])


@pytest.fixture
def filled(installation: Installation) -> Installation:
    """One study with 121 participants that is harmonised, one without data, one that is broken."""
    (installation.source / "people.csv").write_text(people())
    (installation.source / "visits.csv").write_text(visits())
    mapping = MAPPING.replace("  age: {", "  diagnosis_note: note\n  age: {").split("not_mapped")[0]
    study = STUDY.format(name="tiny") + CAVEATS + DESCRIBED
    installation.declare("tiny", study=study, mapping=mapping)
    session = Session(installation.workspace())
    session.materialise([key for key in session.assets() if "harmonised" in key or "raw" in key])
    installation.declare("young")
    installation.declare("wrong", mapping=MAPPING.replace("recode: sex", "recodee: sex"))
    return installation


def written(installation: Installation, folder: Path, **options: int) -> dict[str, str]:
    write_catalogue(installation.workspace(), folder, **options)
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


class Text(HTMLParser):
    """The words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text(page: str) -> str:
    reader = Text()
    reader.feed(page)
    return " ".join(" ".join(reader.words).split())


def structured(page: str) -> dict[str, object]:
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return dict(json.loads(found))


def test_what_the_pages_tell_and_what_they_do_not(filled: Installation, tmp_path: Path) -> None:
    pages = written(filled, tmp_path / "site")
    dictionary = load_dictionary(filled.dictionary)
    expected = {f"variable/{name}.html" for name in dictionary.variables}
    assert expected | {f"study/{name}.html" for name in ("tiny", "young", "wrong")} <= pages.keys()

    sex, note, study = (
        text(pages[f"{page}.html"]) for page in ("variable/sex", "variable/diagnosis_note", "study/tiny")
    )
    assert "{recode: sex, map: {m: male, f: female}}" in sex
    assert "codes that no rule names: fewer than 5" in sex
    assert "partial" in sex
    assert "nearly all" in sex
    assert "free text: they are never shown" in note
    age = text(pages["variable/age.html"])
    assert "Distribution in years" in age
    assert "or more" in age
    assert "Participants about 120" in study
    assert "Everybody here is invented." in study
    assert "The laboratory changed its assay. since 2024-12-01" in text(pages["variable/crp.html"])
    assert "none registered" in study

    everything = "".join(pages.values())
    assert NOTE not in everything
    assert "P777" not in everything
    assert f"{OLDEST}" not in age
    assert str(filled.source) not in everything
    assert "postgresql://" not in everything

    ld = structured(pages["study/tiny.html"])
    assert ld["@type"] == "Dataset"
    assert ld["isAccessibleForFree"] is False
    assert 50 <= len(str(ld["description"])) <= 5000
    assert "</script><script>" in str(ld["description"])
    assert "<script>alert" not in pages["study/tiny.html"]
    assert {one["name"] for one in ld["variableMeasured"]} >= {"sex", "age", "crp"}  # type: ignore[attr-defined]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(ld["dateModified"]))

    wrong, young = text(pages["study/wrong.html"]), text(pages["study/young.html"])
    assert "participant.sex: a rule begins with its verb" in wrong
    assert "studies/wrong/mapping.yaml:" in wrong
    assert str(filled.dictionary) not in wrong
    assert "no table is held" in young
    assert "declared" in young

    for seed in ("1", "2"):  # another process, which meets sets in another order
        folder = tmp_path / seed
        command = [sys.executable, "-m", "omics_orchestrator.cli", "catalogue", str(folder)]
        environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, **filled.environment()}
        subprocess.run(command, env=environment, cwd=WORKING_COPY, check=True)
        again = {place: (folder / place).read_text(encoding="utf-8") for place in pages}
        assert [place for place in pages if again[place] != pages[place]] == []


def test_a_type_that_changed_since_the_values_were_stored(filled: Installation, tmp_path: Path) -> None:
    file = filled.dictionary / "variables.csv"
    rows = file.read_text().splitlines(keepends=True)
    changed = [re.sub(",text,,,,,personal,Note on", ",integer,,,,,open,Note on", row) for row in rows]
    assert changed != rows
    file.write_text("".join(changed))
    pages = written(filled, tmp_path / "site")
    assert "an earlier type of the variable" in pages["variable/diagnosis_note.html"]
    assert NOTE not in "".join(pages.values())


def test_a_table_that_is_dropped_meanwhile(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def gone_at_first(workspace: Workspace) -> StatusMatrix:
        asked.append(1)
        if len(asked) == 1:
            raise UnknownKey("table", "harmonised_tiny.visit", ())
        return status_matrix(workspace)

    monkeypatch.setattr(
        sys.modules["omics_orchestrator.steps.catalogue.held"], "status_matrix", gone_at_first
    )
    assert write_catalogue(installation.workspace(), tmp_path / "site").unreached == ""


def test_a_raised_limit_and_a_vanished_variable(filled: Installation, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert "variable/crp_date.html" not in written(filled, site)
    file = filled.dictionary / "variables.csv"
    kept = file.read_text()
    file.write_text(kept + "brand_new,visit,laboratory,text,,,,,open,Brand new,,\n")
    assert "variable/brand_new.html" in written(filled, site)
    file.write_text(kept)
    pages = written(filled, site, smallest=15)
    assert "variable/brand_new.html" not in pages
    counts = re.findall(r'<td class="number">([0-9]+)</td>', pages["variable/crp.html"])
    assert counts
    assert all(int(number) % 15 == 0 for number in counts)
    personal = re.findall(r"<td class=\"number\">([0-9]+)</td>", pages["variable/sex.html"])
    assert personal == ["30", "90"]  # rounded to twice the limit
    assert "multiples of 15" in pages["index.html"]


def test_without_a_database_the_declarations_are_told(installation: Installation, tmp_path: Path) -> None:
    settings = replace(installation.settings, database_url="postgresql://127.0.0.1:1/none")
    done = write_catalogue(Workspace(settings), tmp_path / "site")
    assert "Postgres" in done.unreached
    page = (tmp_path / "site" / "variable" / "sex.html").read_text()
    assert "The database did not answer" in page
    assert "{recode: sex, map: {m: male, f: female}}" in page
    assert "127.0.0.1" not in page


def test_a_database_that_was_never_filled_and_no_git(installation: Installation, tmp_path: Path) -> None:
    pages = written(installation, tmp_path / "site")
    assert "Nothing has been harmonised here yet" in pages["index.html"]
    assert "the data dictionary lies in no git working copy" in text(pages["changes.html"])
    assert str(installation.dictionary) not in pages["changes.html"]


def test_what_became_of_suggestions(installation: Installation, tmp_path: Path) -> None:
    file = installation.dictionary / "studies" / "tiny" / "suggestions.csv"
    lines = [
        "files.people.sex,sex,approved,jane,2026-01-02",
        "files.people.note,diagnosis_note,proposed,,",
        "files.people.note,comment,rejected,jane,2026-01-02",
    ]
    file.write_text("\n".join(["column,variable,state,by,on", *lines, ""]))
    pages = written(installation, tmp_path / "site")
    assert "sex: approved on 2026-01-02" in text(pages["variable/sex.html"])
    assert "note: proposed, nobody has looked at it yet" in text(pages["variable/diagnosis_note.html"])
    assert "No study has it." in pages["variable/comment.html"]
    assert "jane" not in "".join(pages.values())
    file.write_text("column,variable,state,by,on\nx,no_such_variable,maybe,,\n")
    assert "approved" not in written(installation, tmp_path / "site")["variable/sex.html"]


def test_no_study_at_all(installation: Installation, tmp_path: Path) -> None:
    shutil.rmtree(installation.dictionary / "studies")
    pages = written(installation, tmp_path / "site")
    assert "No study is declared yet." in pages["index.html"]


def test_a_broken_dictionary_writes_nothing(installation: Installation, tmp_path: Path) -> None:
    site = tmp_path / "site"
    before = written(installation, site)
    file = installation.dictionary / "variables.csv"
    file.write_text(file.read_text() + "Brand New,visit,laboratory,text,,,,,open,Brand new,,\n")
    with pytest.raises(DeclarationError, match="'Brand New' is not a name"):
        write_catalogue(installation.workspace(), site)
    assert (site / "index.html").read_text(encoding="utf-8") == before["index.html"]


def test_the_command(installation: Installation) -> None:
    folder = installation.settings.home / "catalogue"
    assert omics(installation, "catalogue").returncode == 0
    assert (folder / "index.html").is_file()
    (folder / "thesis.docx").write_text("mine")
    refused = omics(installation, "catalogue")
    assert refused.returncode == 1
    assert "thesis.docx, which this command did not write" in refused.stderr
    assert omics(installation, "catalogue", str(folder.parent / "other"), "--smallest", "4").returncode == 2
