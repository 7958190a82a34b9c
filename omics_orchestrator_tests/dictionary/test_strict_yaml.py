"""YAML as people write it: everything stays text, everything has a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_yaml import dotted, read_yaml
from omics_orchestrator.errors import DeclarationError

WORDS = ["yes", "no", "on", "off", "true", "null", "~", "08", "1_000", "1.50", "0x1F", "1e3", ".inf", "NaN"]
WORDS += ["2024-01-31", "12:30:00"]


def read(tmp_path, text):
    file = tmp_path / "file.yaml"
    file.write_text(text, encoding="utf-8")
    problems = Problems()
    document = read_yaml(file, problems)
    problems.raise_if_any()
    return document


@pytest.mark.parametrize("word", WORDS)
def test_a_plain_word_is_what_is_written(tmp_path, word):
    assert read(tmp_path, f"a: {word}\n").tree == {"a": word}
    assert read(tmp_path, f"{word}: a\n").tree == {word: "a"}
    assert read(tmp_path, f"a: [{word}, '{word}']\n").tree == {"a": [word, word]}


def test_nothing_written_is_nothing_and_quotes_are_an_empty_text(tmp_path):
    assert read(tmp_path, "a:\nb: ''\nc: \"\"\n").tree == {"a": None, "b": "", "c": ""}


def test_texts_over_several_lines(tmp_path):
    assert read(tmp_path, "a: >-\n  one\n  two\nb: |\n  x\n").tree == {"a": "one two", "b": "x\n"}


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path):
    assert read(tmp_path, "\ufeffa: 1\r\nb: 2\r\n").tree == {"a": "1", "b": "2"}


def test_a_tab_inside_a_text_is_a_text(tmp_path):
    assert read(tmp_path, 'a: "x\ty"\n').tree == {"a": "x\ty"}


def test_every_key_and_item_has_its_line(tmp_path):
    document = read(tmp_path, "a:\n  b: 1\n  c: {d: 2,\n      e: 3}\nf:\n- g\n- h: 4\n")
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", "d"): 3,
        ("a", "c", "e"): 4,
        ("f",): 5,
        ("f", 0): 6,
        ("f", 1): 7,
        ("f", 1, "h"): 7,
    }
    assert document.line(("a", "c", "nowhere", 7)) == 3
    assert document.line(("nowhere",)) == 1


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Co", "Cn"])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc yes01", min_size=1), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_what_json_writes_is_read_back(tmp_path_factory, value):
    import json

    text = json.dumps({"value": value}, ensure_ascii=False)
    assert read(tmp_path_factory.mktemp("yaml"), text).tree == {"value": value}


def test_a_place_is_shown_with_dots_and_counted_from_one():
    assert dotted(("visit", "crp", "map", "1")) == "visit.crp.map.1"
    assert dotted(("not_mapped", "why", 0)) == "not_mapped.why[1]"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("asked", "known", "said"),
    [
        ("cat", ["cart", "dog"], "did you mean 'cart'? (cart, dog)"),
        ("zzz", ["cart", "dog"], "(cart, dog)"),
        ("zzz", [], "none is declared"),
        ("zzz", [f"name{n}" for n in range(30)], "30 names are known"),
    ],
)
def test_suggestions_name_what_is_near(asked, known, said):
    assert suggest(asked, known) == said


def test_of_a_long_list_only_the_nearest_are_shown():
    assert suggest("name_7", [f"name_{n}" for n in range(30)]).startswith("did you mean 'name_7'? (name_")


@pytest.mark.parametrize(
    "text", ["a:\n  b: " + "[" * 5000 + "]" * 5000, "a:\n  b: " + "{c: " * 5000 + "}" * 5000]
)
def test_what_nests_without_end_is_refused_in_words(tmp_path, text):
    with pytest.raises(DeclarationError, match=r"file.yaml:2: nested too deeply") as raised:
        read(tmp_path, text)
    assert "at most 50" in raised.value.problems[0].allowed
    assert read(tmp_path, "a: " + "[" * 40 + "]" * 40).tree
