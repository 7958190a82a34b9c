"""synonyms.csv: usable rows are read, each kind of mistake is told with its line and hinders no other row."""

from pathlib import Path

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.synonyms import Synonyms, read_synonyms
from omics_orchestrator_tests.studies.example import write

CRP = Synonyms(("C-reactive protein", "CRP", "hs-CRP"), ())
BIOLOGIC = Synonyms(("biological drug", "biologic"), ("infliximab", "adalimumab"))


def told(folder: Path) -> tuple[tuple[Synonyms, ...], list[str]]:
    problems = Problems()
    found = read_synonyms(folder, problems)
    return found, [str(problem).removeprefix(f"{folder}/") for problem in problems.found]


def test_rows_are_read(tmp_path):
    assert told(write(tmp_path)) == ((CRP, BIOLOGIC), [])


def test_a_dictionary_may_be_without_synonyms(tmp_path):
    assert told(tmp_path) == ((), [])


@pytest.mark.parametrize(
    ("old", "new", "usable", "words"),
    [
        ("term,synonyms", "word,synonyms", (), "synonyms.csv:1: there is no column 'word'"),
        (
            "CRP; hs-CRP",
            "; ",
            (BIOLOGIC,),
            "synonyms.csv:2: C-reactive protein: the row says nothing: both lists are empty\n    another word",
        ),
        (
            "biologic,",
            "biologic; Crp,",
            (CRP,),
            "synonyms.csv:3: biological drug: 'Crp' stands on line 2 already",
        ),
        (
            "infliximab;",
            "of the;",
            (CRP,),
            "synonyms.csv:3: biological drug: 'of the' holds no word that can be searched for",
        ),
        ("biological drug,", ",", (CRP,), "synonyms.csv:3: the cell 'term' is empty"),
        (
            "CRP; hs-CRP,",
            "CRP; hs-CRP",
            (BIOLOGIC,),
            "synonyms.csv:2: C-reactive protein: the row has 2 cells",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_hinders_no_other_row(tmp_path, old, new, usable, words):
    found, mistakes = told(write(tmp_path, synonyms=(old, new)))
    assert found == usable
    assert any(mistake.startswith(words) for mistake in mistakes), mistakes


def test_a_mistake_here_stops_nobody_who_reads_the_dictionary(tmp_path):
    folder = write(tmp_path)
    before = load_dictionary(folder).digest_of_all
    (folder / "synonyms.csv").write_bytes(b"\xff\x00")
    assert load_dictionary(folder).digest_of_all == before
    assert len(told(folder)[1]) == 1
