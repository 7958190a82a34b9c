"""suggestions.csv: read strictly, written in one step, what a person said stays."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import DeclarationError
from omics_orchestrator.studies.suggestions import (
    FILE,
    Suggestion,
    marked,
    read_suggestions,
    write_suggestions,
)

VARIABLES = ("crp", "sex")
NO = Suggestion("files.a.x", "crp", "rejected", "ann", "2026-11-21")
YES = Suggestion("files.a.g", "sex", "approved", "ann", "2026-11-21")
PERHAPS = Suggestion("files.a.x", "sex", "proposed", "omics", "2026-11-20")


def test_what_is_written_is_read(tmp_path):
    assert read_suggestions(tmp_path, VARIABLES) == []
    write_suggestions(tmp_path, [NO, PERHAPS, YES])
    assert read_suggestions(tmp_path, VARIABLES) == [YES, NO, PERHAPS]
    before = (tmp_path / FILE).read_bytes()
    write_suggestions(tmp_path, read_suggestions(tmp_path, VARIABLES))
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_every_mistake_is_told_with_its_line(tmp_path):
    lines = [
        "column,variable,state,by,on",
        "files.a.x,crpp,proposed,,",
        "files.a.x,crp,aproved,ann,2026-11-21",
        "files.a.x,sex,approved,,",
        "files.a.y,sex,rejected,ann,21.11.2026",
        "files.a.y,sex,proposed,,",
    ]
    (tmp_path / FILE).write_text("\n".join(lines))
    with pytest.raises(DeclarationError) as told:
        read_suggestions(tmp_path, VARIABLES)
    assert [(problem.line, problem.message.split(",")[0]) for problem in told.value.problems] == [
        (2, "'crpp' is no variable of the dictionary"),
        (3, "'aproved' is not a state"),
        (4, "it is approved"),
        (5, "'21.11.2026' is no day"),
        (6, "the column and the variable are given twice"),
    ]


def test_a_proposal_never_replaces_what_a_person_said():
    again = Suggestion("files.a.x", "crp", "proposed", "omics", "2026-11-22")
    assert marked([NO], {("files.a.x", "crp"): again}) == [NO]
    assert marked([again], {("files.a.x", "crp"): NO}) == [NO]
    assert marked([NO], {("files.a.g", "sex"): YES}) == [NO, YES]
