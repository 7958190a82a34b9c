"""The pages for people keep what they promise: commands, options, links, settings, code and the worked example."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from omics_orchestrator.cli import app
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.workspace import Workspace

PAGES = [
    WORKING_COPY / "README.md",
    WORKING_COPY / "CHANGELOG.md",
    WORKING_COPY / "data_dictionary" / "README.md",
    *sorted((WORKING_COPY / "docs").rglob("*.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
ASSIGNMENT = re.compile(r"[A-Z_]+=.*")
EXAMPLE = "/tmp/my-dictionary"
every_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(WORKING_COPY).as_posix()
)


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every `make …` and `omics …` line, settings in front left out."""
    found = []
    for line in "".join(blocks(page, "bash")).splitlines():
        words = shlex.split(line, comments=True)
        while words and ASSIGNMENT.fullmatch(words[0]):
            words.pop(0)
        if words and words[0] in {"make", "omics"}:
            found.append(words)
    return found


def options() -> dict[str, set[str]]:
    """Return command of `omics` → its options; those of a group are the options of its commands."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {
        name: {
            option
            for one in (command, *below(command))
            for parameter in one.params
            for option in parameter.opts
        }
        for name, command in group.commands.items()
    }


def below(command: object) -> Iterable[typer.core.TyperCommand]:
    return command.commands.values() if isinstance(command, TyperGroup) else ()  # type: ignore[return-value]


@every_page
def test_every_command_line_names_what_there_is(page):
    targets = set(TARGET.findall((WORKING_COPY / "Makefile").read_text(encoding="utf-8")))
    known = options()
    for words in commands(page):
        if words[0] == "make":
            asked = [word for word in words[1:] if not ASSIGNMENT.fullmatch(word)]
            assert set(asked) <= targets, f"the Makefile has no target of `{' '.join(words)}`"
            continue
        assert words[1] in known, f"omics {words[1]} is no command: {', '.join(known)}"
        rest = words[: words.index("--")] if "--" in words else words
        for option in (word.split("=")[0] for word in rest if word.startswith("-")):
            assert option in known[words[1]], f"`omics {words[1]}` has no option {option}"


@every_page
def test_every_relative_link_leads_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), f"{link} leads nowhere"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {heading.casefold().replace(" ", "-") for heading in headings}, link


@every_page
def test_python_compiles(page):
    for number, text in enumerate(blocks(page, "python"), start=1):
        compile(text, f"{page.name}, block {number}", "exec")


def test_every_command_and_every_target_is_documented():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    undocumented = [name for name in options() if f"omics {name}" not in text and f"make {name}" not in text]
    assert undocumented == []
    makefile = (WORKING_COPY / "Makefile").read_text(encoding="utf-8")
    assert [name for name in TARGET.findall(makefile) if f"make {name}" not in text] == []


def test_every_setting_is_documented():
    source = (WORKING_COPY / "omics_orchestrator" / "settings.py").read_text(encoding="utf-8")
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    names = set(re.findall(r"OMICS_[A-Z_]*[A-Z]", source))
    assert {"OMICS_HOME", "OMICS_DATABASE_URL"} <= names
    assert sorted(name for name in names if name not in text) == []


def test_every_decision_is_listed():
    folder = WORKING_COPY / "docs" / "adr"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("0*.md")}


def test_the_worked_example_answers_as_it_is_printed(tmp_path):
    page = WORKING_COPY / "docs" / "add-a-study.md"
    study, mapping, mended, code_three, *_ = blocks(page, "yaml")
    dictionary = tmp_path / "dictionary"
    shutil.copytree(WORKING_COPY / "data_dictionary", dictionary, ignore=shutil.ignore_patterns("studies"))
    folder = dictionary / "studies" / "north"
    folder.mkdir(parents=True)
    environment = {"OMICS_HOME": str(tmp_path / "home"), "OMICS_DICTIONARY": str(dictionary)}

    def problems(text: str) -> str:
        (folder / "study.yaml").write_text(study, encoding="utf-8")
        (folder / "mapping.yaml").write_text(text, encoding="utf-8")
        catalogue = Workspace(Settings.from_environment(environment)).catalogue
        return str(catalogue.broken.get("north", "")).replace(str(dictionary), EXAMPLE)

    printed = next(text for text in blocks(page, "text") if "problems in north" in text)
    assert printed.startswith(problems(mapping) + "\n2 problems in north")

    good = mapping
    for line in (*mended.splitlines(), *code_three.splitlines()):
        variable = line.split(":")[0]
        old = next(one for one in good.splitlines() if one.startswith(f"{variable}:"))
        good = good.replace(old, line)
    assert good != mapping
    assert problems(good) == ""
