"""`omics check` answers a data manager at once, also where a study has hundreds of rules, all of them wrong."""

from __future__ import annotations

import time

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.studies.example import write

RULES = 400


def rule(number: int) -> str:
    rules = (
        f'{{recode: q_{number}, map: yes_no, missing: {{"-1000": unknown}}}}',
        f"{{derive: \"number(q_{number}) > 1 or text(r_{number}) = 'x'\"}}",
        f'{{any_of: ["a_{number}{{,_2,_3}}", b_{number}], yes: [1], no: ["*"]}}',
    )
    return rules[number % 3]


@pytest.fixture
def folder(tmp_path):
    """Return the example with hundreds of variables more, and a rule for each."""
    folder = write(tmp_path)
    variables = folder / "variables.csv"
    rows = [f"v_{n},visit,symptoms,boolean,,,,,open,Item {n},,\n" for n in range(RULES)]
    variables.write_text(variables.read_text() + "".join(rows))
    mapping = folder / "studies/tiny/mapping.yaml"
    rules = "".join(f"  v_{n}: {rule(n)}\n" for n in range(RULES))
    left_out = '  not needed: ["form_{1..40}_*", "x_{1..200}"]\n'
    text = mapping.read_text().replace("  checks:\n", rules + "  checks:\n")
    mapping.write_text(text.replace("not_mapped:\n", "not_mapped:\n" + left_out))
    return folder


@pytest.mark.parametrize("broken", [False, True])
def test_a_long_mapping_is_checked_in_two_seconds(folder, broken):
    mapping = folder / "studies/tiny/mapping.yaml"
    if broken:
        text = mapping.read_text().replace("map: yes_no, ", "map: {1: maybe}, ")
        mapping.write_text(text.replace("number(q_", "numbr(q_").replace('no: ["*"]', "no: []"))
    dictionary = load_dictionary(folder)
    started = time.process_time()
    found = load_studies(folder, dictionary)
    assert time.process_time() - started < 2
    problems = found.broken["tiny"].problems if broken else ()
    assert len(problems) == RULES * broken, problems[:3]
    if broken:
        lines = mapping.read_text().split("\n")
        assert all(f"{problem.path.split('.')[1]}:" in lines[problem.line - 1] for problem in problems[:50])
