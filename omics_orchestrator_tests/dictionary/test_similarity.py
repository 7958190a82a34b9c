"""Likeness of texts: words however they are written, bounds, what rare runs of characters weigh."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from omics_orchestrator.dictionary.similarity import Similarity, spoken


def test_names_become_words():
    assert spoken("Mont_CD.loc2") == "mont cd loc 2"
    assert spoken("dateOfDiagnosis") == "date of diagnosis"
    assert spoken("CRPLevel (mg/L)") == "crp level mg l"
    assert spoken("Größe_cm") == "große cm"
    assert spoken("") == spoken("__--__") == ""


def test_the_same_words_are_alike_and_strange_ones_are_not():
    alike = Similarity(["faecal calprotectin", "date of diagnosis", ""]).to(
        ["calprotectin, faecal", "qqq", ""]
    )
    assert np.allclose(alike[0, 0], 1.0)
    assert alike[0, 1] < 0.2
    assert not alike[1].any()
    assert not alike[2].any()
    assert not alike[:, 2].any()


def test_words_that_no_document_has_make_a_query_less_alike():
    alike = Similarity(["albumin", "urea"]).to(["albumin", "albumin of the neighbour"])
    assert alike[1, 0] < alike[0, 0]
    assert np.allclose(alike[0, 0], 1.0)


def test_rare_words_weigh_more():
    documents = ["date of visit", "date of birth", "date of endoscopy", "endoscopy report"]
    alike = Similarity(documents).to(["endoscopy date"])[0]
    assert alike.argmax() == 2
    assert alike[3] > alike[0]  # the rare word tells more than the common one


def test_nothing_to_compare_with():
    assert Similarity([]).to(["a", "b"]).shape == (2, 0)
    assert Similarity(["a"]).to([]).shape == (0, 1)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6), st.text(max_size=30))
def test_any_text_gives_a_share(documents, query):
    alike = Similarity(documents).to([query, *documents])
    assert ((alike >= 0) & (alike <= 1 + 1e-9)).all()
    for place, text in enumerate(documents):
        assert np.isclose(alike[1 + place, place], 1.0 if spoken(text) else 0.0)
