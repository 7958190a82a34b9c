"""Families of variables and braces are the same as writing everything out, each with its line."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_yaml import read_yaml
from omics_orchestrator.studies.families import expand, write_out


def written(tmp_path: Path, text: str):
    file = tmp_path / "mapping.yaml"
    file.write_text(text)
    problems = Problems()
    document = read_yaml(file, problems)
    write_out(document)
    return document, [str(problem) for problem in problems.found]


def test_a_family_is_its_members_written_out(tmp_path):
    short, _ = written(
        tmp_path,
        """visit:
  "cucq_{n}": {for: {n: 1..3}, copy: "q{n}"}
  "sampling_{drug}": {for: {drug: [aza, mp]}, recode: "s_{drug}", map: {"{drug}": yes}}
  "item_{n}": {for: {n: {7: 36, 10: ""}}, any_of: ["a{n}", {number: "b{n}"}]}
""",
    )
    long, _ = written(
        tmp_path,
        """visit:
  cucq_1: {copy: q1}
  cucq_2: {copy: q2}
  cucq_3: {copy: q3}
  sampling_aza: {recode: s_aza, map: {aza: yes}}
  sampling_mp: {recode: s_mp, map: {mp: yes}}
  item_7: {any_of: [a36, {number: b36}]}
  item_10: {any_of: [a, {number: b}]}
""",
    )
    assert short.tree == long.tree
    assert short.line(("visit", "sampling_mp", "map")) == 3
    assert short.line(("visit", "item_10", "any_of")) == 4


def test_braces_stand_for_their_texts_in_lists(tmp_path):
    document, _ = written(
        tmp_path,
        """visit:
  keep: ["cucq_{1..3}", a, "b{,_x}"]
  done: {any_of: "drug{,_2}", yes: [1], no: [0]}
  first: {coalesce: ["a_{1..2}", {text: ["t{a,b}"]}]}
not_mapped:
  form status:
    - x
    - "{blood,faecal}_experiment___*"
    - y
""",
    )
    tree = document.tree
    assert tree["visit"]["keep"] == ["cucq_1", "cucq_2", "cucq_3", "a", "b", "b_x"]
    assert tree["visit"]["done"]["any_of"] == ["drug", "drug_2"]
    assert tree["visit"]["first"]["coalesce"] == ["a_1", "a_2", {"text": ["ta", "tb"]}]
    listed = tree["not_mapped"]["form status"]
    assert listed == ["x", "blood_experiment___*", "faecal_experiment___*", "y"]
    lines = [document.line(("not_mapped", "form status", number)) for number in range(4)]
    assert lines == [7, 8, 8, 9]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ('"x_{n}": {for: {m: 1..2}, copy: a}', "the name holds no {m}"),
        ('"x_{n}": {for: {n: one to six}, copy: a}', "cannot be read as values; 1..6, a list"),
        ('"x_{n}": {for: {n: 3..1}, copy: a}', "cannot be read as values"),
        ('"x_{n}": {for: {n: 1..2, m: 1..2}, copy: a}', "for names one word and its values"),
        ('"x_{n}": {for: 1..2, copy: a}', "for names one word and its values"),
        ('x_1: a\n  "x_{n}": {for: {n: 1..2}, copy: a}', "'x_1' has another rule, on line 2"),
        ('"x_{n}": {for: {n: 1..2}, copy: a}\n  x_2: a', "'x_2' has another rule, on line 3"),
        (
            '"x_{n}": {for: {n: 1..2}, copy: a}\n  "{m}_1": {for: {m: [x]}, copy: a}',
            "'x_1' has another rule, on line 2",
        ),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, rule, complaint):
    _, told = written(tmp_path, f"visit:\n  {rule}\n")
    assert len(told) == 1, told
    assert complaint.split("; ")[0] in told[0]
    assert "mapping.yaml:" in told[0]


@given(st.lists(st.text("abc_", min_size=0, max_size=3), min_size=2, max_size=5), st.text("xyz_", max_size=4))
def test_every_word_of_a_brace_appears_once_and_in_order(words, around):
    assert expand(f"{around}{{{','.join(words)}}}{around}") == tuple(
        f"{around}{word}{around}" for word in words
    )


def test_what_is_no_brace_stays():
    assert expand("a{n}") == ("a{n}",)
    assert expand("mL/min/{1.73_m2}") == ("mL/min/{1.73_m2}",)


words = st.text("abcx_", min_size=1, max_size=4)
TEMPLATES = (
    '{copy: "q_{w}"}',
    '{recode: "{w}", map: {1: "{w}", 2: other}, missing: {"{w}": unknown}}',
    '{any_of: ["{w}_1", {number: "{w}{w}", unit: "mL/{1.73_m2}"}], yes: ["{w}"], no: [a]}',
    '{when: [{if: "{w} > 1", then: yes}, {if: "b", then: "{w}"}], else: no}',
)


@given(st.dictionaries(words, words, min_size=1, max_size=6), st.sampled_from(TEMPLATES), st.booleans())
def test_a_family_gives_what_replacing_its_word_in_the_text_gives(values, template, listed):
    values = {name: name for name in values} if listed else values
    given_as = (
        ", ".join(values) if listed else ", ".join(f"{name}: {value}" for name, value in values.items())
    )
    given_as = f"[{given_as}]" if listed else f"{{{given_as}}}"
    family = f'visit:\n  first: a\n  "v_{{w}}": {{for: {{w: {given_as}}}, {template[1:]}\n'
    each = "".join(f"  v_{name}: {template.replace('{w}', value)}\n" for name, value in values.items())
    with TemporaryDirectory() as folder:
        short, told = written(Path(folder), family)
        long, _ = written(Path(folder), f"visit:\n  first: a\n{each}")
    assert told == []
    assert short.tree == long.tree
    assert list(short.tree["visit"]) == list(long.tree["visit"])
    for place in long.lines:
        if len(place) > 1 and place[1] != "first":
            assert short.line(place) == 3


def test_lines_move_along_when_braces_are_spread(tmp_path):
    document, _ = written(
        tmp_path,
        """visit:
  first:
    coalesce:
      - "a_{1..3}"
      - number: b
        unit: mg/L
""",
    )
    assert document.tree["visit"]["first"]["coalesce"][3] == {"number": "b", "unit": "mg/L"}
    assert document.line(("visit", "first", "coalesce", 3, "unit")) == 6
    assert document.line(("visit", "first", "coalesce", 2)) == 4


def test_a_missing_word_or_a_check_called_for_is_no_family(tmp_path):
    text = 'visit:\n  missing: {for: unknown}\n  checks: {for: {expect: "a = 1"}}\n  a: b\n'
    document, told = written(tmp_path, text)
    assert told == []
    assert document.tree["visit"]["missing"] == {"for": "unknown"}


@pytest.mark.parametrize(
    "block", ['visit:\n  keep: [a, "b_{3..1}"]\n', 'not_mapped:\n  why: [a, "b_{3..1}"]\n']
)
def test_braces_that_stand_for_nothing_are_told(tmp_path, block):
    _, (problem,) = written(tmp_path, block)
    assert "mapping.yaml:2: " in problem
    assert "the braces of 'b_{3..1}' stand for nothing" in problem
    assert "a range goes up, as in {1..6}" in problem
