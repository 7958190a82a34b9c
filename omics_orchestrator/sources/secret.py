"""A word of a declaration that this machine keeps to itself: an address with a password, a token."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.settings import Settings

TOKEN = re.compile("[0-9A-F]{32}|[0-9A-F]{64}")  # as REDCap makes them


class Secret(Declared):
    """The variable that holds the secret, or (with `_FILE` behind its name) names the file that does."""

    secret: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", examples=["GIDAMPS_REDCAP_TOKEN"])
    """The name of an environment variable, in capitals; never the secret itself."""

    @field_validator("secret")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if TOKEN.fullmatch(name):
            raise ValueError("this looks like a token itself: take it out of this file, and have it replaced")
        return name


def revealed(word: str | Secret, settings: Settings) -> str:
    """Return the word itself, or the secret that it names.

    Raises:
        NotConfigured: this machine does not have the secret.
    """
    return settings.secret(word.secret) if isinstance(word, Secret) else word


def lacking(settings: Settings, *words: str | Secret) -> str | None:
    """Return the first secret among the words that this machine does not have; None = it has all."""
    for word in words:
        if isinstance(word, Secret) and not settings.has_secret(word.secret):
            return word.secret
    return None
