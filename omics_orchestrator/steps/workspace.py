"""What every step is given: settings, dictionary, studies, database and stores of this machine, opened on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from omics_orchestrator.dictionary import Dictionary, load_dictionary
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies import Catalogue, Study, load_studies

PSEUDONYM_KEY = "OMICS_PSEUDONYM_KEY"  # the secret without which no participant id becomes a pseudonym


@dataclass(frozen=True)
class Workspace:
    """The parts of one installation; nothing is opened before it is asked for."""

    settings: Settings

    @cached_property
    def dictionary(self) -> Dictionary:
        """The data dictionary; raises DeclarationError with every problem."""
        return load_dictionary(self.settings.dictionary)

    @cached_property
    def catalogue(self) -> Catalogue:
        """All studies: those that can be used and those whose declaration is broken."""
        return load_studies(self.settings.dictionary, self.dictionary, cache=self.settings.home / "cache")

    @cached_property
    def database(self) -> Database:
        """The data database (the embedded server is started when no other is configured)."""
        return Database.open(self.settings)

    @cached_property
    def stores(self) -> Stores:
        """Our own object store and the named source stores."""
        return Stores(self.settings)

    @cached_property
    def hasty_stores(self) -> Stores:
        """The same stores, for questions that come again soon: one that does not answer is given up quickly."""
        return Stores(self.settings, hasty=True)

    def unavailable(self, study: Study) -> str | None:
        """Return the variable that this machine would have to set for `study`, or None when all is there."""
        for location in study.locations():
            if missing := self.stores.missing(location):
                return missing
        for source in study.sources.values():
            if missing := source.needs(self.settings):
                return missing
        if study.pseudonymise and not self.settings.has_secret(PSEUDONYM_KEY):
            return PSEUDONYM_KEY
        return None

    def not_set(self) -> dict[str, list[str]]:
        """Return each variable that this machine lacks → the studies that are not available here without it."""
        lacking: dict[str, list[str]] = {}
        for name, study in self.catalogue.studies.items():
            if variable := self.unavailable(study):
                lacking.setdefault(variable, []).append(name)
        return lacking
