"""What study.yaml says under `identifiers:` is held against the sources and the mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.studies import Study, load_studies, versions
from omics_orchestrator_tests.studies.example import write

TITLE = "title: Tiny\n"
MISTAKES = {
    "unknown table": ("keep: [files.persons.dob]", "identifiers.keep[1]", "'files.persons.dob' names no column", ""),
    "a bare column": ("keep: [dob]", "identifiers.keep[1]", "'dob' names no column", "<source>.<table>.<column>"),
    "a pattern": ("keep: [files.people.dob*]", "identifiers.keep[1]", "is a pattern", "<source>.<table>.<column>"),
    "twice": ("keep: [files.people.dob, files.people.dob]", "identifiers.keep[2]", "is listed twice", ""),
    "read by a rule": ("keep: [files.people.sex]", "identifiers.keep[1]", "is read by a rule or a key", "by none"),
    "left out": ("keep: [files.people.name]", "identifiers.keep[1]", "not_mapped leaves it out", "one of them"),
    "left out by a pattern": ("keep: [files.people.address_1]", "identifiers.keep[1]", "not_mapped leaves it out", ""),
    "a key": ("keep: [forms.contact.record_id]", "identifiers.keep[1]", "cannot be kept apart", ""),
    "both": (
        "keep: [files.people.dob], not_identifying: {files.people.dob: why}",
        "identifiers.keep[1]", "stands under not_identifying too", "one of the lines",
    ),
    "no reason": (
        'not_identifying: {files.people.code: ""}', "identifiers.not_identifying.files.people.code", "", "",
    ),
    "harmless, unknown table": (
        "not_identifying: {people.code: ward phone}", "identifiers.not_identifying.people.code", "names no column", "",
    ),
}  # fmt: skip


def declared(folder: Path, said: str) -> Study:
    found = load_studies(
        write(folder, study=(TITLE, f"{TITLE}identifiers: {{{said}}}\n")), load_dictionary(folder)
    )
    if found.broken:
        raise found.broken["tiny"]
    return found.studies["tiny"]


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, case: str) -> None:
    said, place, message, allowed = MISTAKES[case]
    folder = write(tmp_path, study=(TITLE, f"{TITLE}identifiers: {{{said}}}\n"))
    (problem,) = load_studies(folder, load_dictionary(folder)).broken["tiny"].problems
    assert (problem.file.name, problem.line, problem.path) == ("study.yaml", 3, place)
    assert message in problem.message
    assert allowed in problem.allowed


def test_kept_columns_are_asked_for_and_are_no_drift(tmp_path: Path) -> None:
    study = declared(tmp_path, "keep: [files.people.dob, bloods.reach, forms.contact.email]")
    assert "dob" in study.raw_tables()["files", "people"]
    assert study.raw_tables()["forms", "contact"] == {"email"}
    assert study.kept_apart("bloods", "bloods") == ("reach",)
    assert study.kept_apart("files", "visits") == ()
    assert study.undecided("files", "people", ["dob", "other"]) == ("other",)


def test_only_the_table_spoken_of_becomes_stale(tmp_path: Path) -> None:
    plain, said = (
        declared(tmp_path / name, said)
        for name, said in (("a", "keep: []"), ("b", "not_identifying: {files.people.sex: codes}"))
    )
    assert versions.raw(plain, "files", "people") != versions.raw(said, "files", "people")
    assert versions.raw(plain, "files", "visits") == versions.raw(said, "files", "visits")
