"""Lists of variables that tell about something: names, patterns, codes."""

from omics_orchestrator.dictionary.told import (
    Telling,
    read_telling,
    split_list,
    variables_told,
    wrong_telling,
)

CODES = {"drug_1": ("a", "b"), "drug_2": ("a", "b"), "other": ()}


def test_cells_are_read():
    assert read_telling("drug_1; drug_*=a ;; other") == (
        Telling(names="drug_1"),
        Telling(names="drug_*", code="a"),
        Telling(names="other"),
    )
    assert split_list(" a; b c ;") == ("a", "b c")


def test_which_variables_and_codes_are_meant():
    told = read_telling("other; drug_*=b; drug_2=a")
    assert isinstance(told, tuple)
    assert variables_told(told, CODES) == {"drug_1": ("b",), "drug_2": ("b", "a"), "other": ()}


def test_what_does_not_exist_is_told_with_what_does():
    told = read_telling("drug_3; drug_*=c; drug_1=a")
    assert isinstance(told, tuple)
    assert list(wrong_telling(told, CODES)) == [
        ("variables: 'drug_3' is not in variables.csv", "did you mean 'drug_2'? (drug_1, drug_2, other)"),
        ("variables: 'drug_1' has no code 'c'", "(a, b)"),
        ("variables: 'drug_2' has no code 'c'", "(a, b)"),
    ]
