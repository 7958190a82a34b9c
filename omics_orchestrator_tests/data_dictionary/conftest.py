"""The dictionary as it stands in the repository, and its public studies over shared/data/demo."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.studies import Catalogue, load_studies
from omics_orchestrator_tests.data_dictionary.line import DATA, DICTIONARY, Line, stores_at


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
    stores = stores_at(DATA / "demo")
    lines: dict[str, Line] = {}

    def line(study: str) -> Line:
        if study in catalogue.broken:
            raise catalogue.broken[study]
        return lines.setdefault(study, Line(catalogue.studies[study], dictionary, stores))

    return line
