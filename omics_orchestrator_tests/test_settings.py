"""Settings: the password of a database comes from a file, and is written into a URL that names a user alone."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings


def url(tmp_path, given: str, **more: str) -> str | None:
    return Settings.from_environment(
        {"OMICS_HOME": str(tmp_path), "OMICS_DATABASE_URL": given, **more}
    ).database_url


def test_a_password_from_a_file_is_quoted(tmp_path):
    file = tmp_path / "password"
    file.write_text("p@ss:/ ü\n", encoding="utf-8")
    found = url(tmp_path, "postgresql://omics@db:5432/omics", OMICS_DATABASE_PASSWORD_FILE=str(file))
    assert found == "postgresql://omics:p%40ss%3A%2F%20%C3%BC@db:5432/omics"


@pytest.mark.parametrize("given", ["postgresql://omics:own@db/omics", "postgresql://db/omics"])
def test_a_url_with_a_password_or_without_a_user_stays_as_it_is(tmp_path, given):
    assert url(tmp_path, given, OMICS_DATABASE_PASSWORD="other") == given


def test_a_file_that_is_not_there_is_told_without_its_name(tmp_path):
    with pytest.raises(NotConfigured, match="OMICS_DATABASE_PASSWORD_FILE cannot be read"):
        url(tmp_path, "postgresql://omics@db/omics", OMICS_DATABASE_PASSWORD_FILE=str(tmp_path / "none"))


def test_word_vectors_are_a_file_or_nothing(tmp_path):
    given = {"OMICS_HOME": str(tmp_path), "OMICS_WORD_VECTORS": str(tmp_path / "vectors.txt")}
    assert Settings.from_environment(given).word_vectors == tmp_path / "vectors.txt"
    for none in ({}, {"OMICS_WORD_VECTORS": ""}):
        assert Settings.from_environment({"OMICS_HOME": str(tmp_path), **none}).word_vectors is None
