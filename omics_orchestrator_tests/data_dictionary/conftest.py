"""The dictionary as it stands in the repository, and its public studies over shared/data/demo."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.studies import Catalogue, load_studies
from omics_orchestrator_tests.data_dictionary.line import DATA, DICTIONARY, Line, lines_of, stores_at


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    return load_dictionary(DICTIONARY)


@pytest.fixture(scope="session")
def catalogue(dictionary: Dictionary) -> Catalogue:
    return load_studies(DICTIONARY, dictionary)


@pytest.fixture(scope="session")
def public(catalogue: Catalogue, dictionary: Dictionary) -> Callable[[str], Line]:
    """Return a function: study → its line over the public demo data."""
    if not (DATA / "demo").is_dir():
        pytest.skip(f"no public demo data at {DATA / 'demo'}")
    return lines_of(catalogue, dictionary, stores_at(DATA / "demo"))


@pytest.fixture(scope="session")
def redcap(catalogue: Catalogue, dictionary: Dictionary) -> Callable[[str], Line]:
    """Return a function: study → its line over the synthetic REDCap projects."""
    if not (DATA / "redcap").is_dir():
        pytest.skip(f"no synthetic REDCap projects at {DATA / 'redcap'}")
    return lines_of(catalogue, dictionary, stores_at(DATA / "redcap", store="redcap"))
