"""From texts to words: spellings, plurals, accents, and how alike two words are."""

import pytest

from omics_orchestrator.dictionary.wording import joined_words, similarity, spoken_words, trigrams, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haemoglobin", "Hemoglobin"),
        ("behaviour", "behavior"),
        ("leucocytes", "leukocyte"),
        ("centres", "center"),
        ("fibre", "fiber"),
        ("hospitalised", "hospitalized"),
        ("randomisation", "randomization"),
        ("oesophagus", "esophagus"),
        ("diarrhoea", "diarrhea"),
        ("sulphasalazine", "sulfasalazine"),
        ("antibodies", "antibody"),
        ("biopsies", "Biopsy"),
        ("Crohn's", "crohns"),
        ("Crohn’s", "crohn"),
        ("café", "CAFE"),
        ("montreal_uc_extent", "Montreal UC extent"),
    ],
)
def test_spellings_of_one_word_are_one(one, other):
    assert words(one) == words(other) != []


@pytest.mark.parametrize(
    ("one", "other"), [("diagnosis", "diagnoses"), ("abscess", "absce"), ("ibd", "ibdu"), ("mass", "mas")]
)
def test_other_words_stay_apart(one, other):
    assert words(one) != words(other)


def test_words_keep_their_order_and_lose_what_says_nothing():
    assert spoken_words("Age at the Diagnosis of a relative, not known") == [
        "age",
        "diagnosis",
        "relative",
        "not",
        "known",
    ]
    assert words("") == words("of the") == words("?!…") == []
    assert joined_words("well-being, anti-TNF and 5-ASA") == ["wellbeing", "antitnf", "5asa"]


def test_similarity_is_that_of_postgres():
    def alike(one: str, other: str) -> float:
        return similarity(trigrams(one), trigrams(other))

    assert alike("word", "word") == 1
    assert alike("word", "two") == 0
    assert alike("haemoglobine", "haemoglobin") == pytest.approx(11 / 14)
    assert trigrams("hb") == {"  h", " hb", "hb "}
