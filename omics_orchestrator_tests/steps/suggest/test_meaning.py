"""What is alike in meaning: by vectors, by rarity, by how many words are known; and which words say so."""

from __future__ import annotations

import pytest

from omics_orchestrator.steps.suggest.meaning import Meaning
from omics_orchestrator.steps.suggest.word_vectors import WordVectors
from omics_orchestrator_tests.steps.suggest.vectors import written

LABELS = ["Smoking status", "Platelets", "Date of blood", "Total score of the report"]


@pytest.fixture
def meaning(tmp_path) -> Meaning:
    return Meaning(LABELS, LABELS, WordVectors(written(tmp_path / "vectors.txt")))


def test_other_words_of_the_same_meaning(meaning):
    likeness = meaning.to(["tobacco", "clotting", "day"])
    assert likeness.argmax(axis=1).tolist() == [0, 1, 2]
    assert likeness[0, 0] > 0.9
    assert likeness[0, 1:].max() < 0.3
    assert ((likeness >= 0) & (likeness <= 1)).all()


def test_words_that_are_not_known_lessen_it(meaning):
    all_known, half, none = meaning.to(["tobacco", "tobacco zqzq", "zqzq"])[:, 0]
    assert all_known > half > none == 0
    assert meaning.to([""]).max() == 0


def test_the_rarer_word_decides(tmp_path):
    vectors = WordVectors(written(tmp_path / "vectors.txt"))
    usual = ["blood"] * 50 + ["platelets"]
    likeness = Meaning(["platelets", "blood"], usual, vectors).to(["clotting cells", "clotting blood"])
    assert likeness[1, 0] > likeness[1, 1]
    assert likeness[1, 0] > likeness[0, 0]  # a word that all have takes less away


def test_the_words_that_say_so(meaning):
    assert meaning.pair("tobacco of the day", [LABELS[0]]) == ("tobacco", "smoking")
    assert meaning.pair("zqzq", LABELS) is None
    assert meaning.pair("platelets", ["Platelets"]) is None  # the same word says it by its letters
    assert meaning.pair("clotting", [LABELS[0]]) is None


def test_nothing_is_compared_with_nothing(tmp_path):
    vectors = WordVectors(written(tmp_path / "vectors.txt"))
    assert Meaning(["Smoking"], [], vectors).to([]).shape == (0, 1)
