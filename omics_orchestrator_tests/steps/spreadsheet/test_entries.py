"""Rules found in the text of a mapping.yaml: all of them, with what stands where."""

from __future__ import annotations

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.steps.spreadsheet.entries import read_entries, replaced
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.steps.spreadsheet.books import DICTIONARY, MAPPING

STUDIES = sorted(path.parent.name for path in DICTIONARY.glob("studies/*/mapping.yaml"))


@pytest.fixture(scope="module")
def catalogue():
    return load_studies(DICTIONARY, load_dictionary(DICTIONARY))


@pytest.mark.parametrize("study", STUDIES)
def test_the_real_mappings(study, catalogue):
    text = (DICTIONARY / "studies" / study / "mapping.yaml").read_text()
    entries = read_entries(text)
    blocks = catalogue.studies[study].mapping.entities
    families = {place for place in entries if "{" in place[1]}
    rules = {(entity, name) for entity, block in blocks.items() for name in block.rules}
    assert entries.keys() - families <= rules
    assert families or all(name in text for _, name in rules - entries.keys())
    lines = text.splitlines()
    for number, ((_, name), entry) in enumerate(entries.items()):
        assert lines[entry.line - 1].strip().strip('"').startswith(name)
        assert entry.line <= entry.last
        if entry.whole and number % 9 == 0:
            assert replaced(text, entry, entry.rule) is not None
            assert (
                text[entry.start : entry.end].split() == entry.rule.split()
                or "\n" in text[entry.start : entry.end]
            )


def test_what_would_change_anything_else_is_none():
    entry = read_entries(MAPPING)["visit", "crp"]
    assert replaced(MAPPING, entry, "crp") == MAPPING.replace("{number: crp, unit: mg/L}", "crp")
    for wrong in ("", "a\n  b: c", "a # b", "a: b", "{", "}\nvisit: {}", "*x", "&a b\n"):
        assert replaced(MAPPING, entry, wrong) is None


def test_what_is_no_mapping_has_no_rules():
    for text in ("", "[", "a", "visit: x", "visit: [a]", "other: {a: b}"):
        assert read_entries(text) == {}
