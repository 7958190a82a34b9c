"""The example study, read."""

import pytest

from omics_orchestrator.dictionary import load_dictionary
from omics_orchestrator.studies import load_studies
from omics_orchestrator_tests.studies.example import write


@pytest.fixture
def read_tiny(tmp_path):
    """Return a function: changes of the example → (study, dictionary)."""
    numbers = iter(range(100))

    def read(**changes):
        folder = write(tmp_path / str(next(numbers)), **changes)
        dictionary = load_dictionary(folder)
        found = load_studies(folder, dictionary)
        assert found.broken == {}
        return found.studies["tiny"], dictionary

    return read
