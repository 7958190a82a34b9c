"""The source kind `redcap`: a project behind the REDCap API, one table per instrument.

Asking lives in redcap_api.py, what is asked for in redcap_pull.py and redcap_changes.py, cutting in redcap_tables.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from omics_orchestrator.errors import DeliveryError, UnknownKey
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.base import Delivery, Held, Window
from omics_orchestrator.sources.described import Described
from omics_orchestrator.sources.followed import Followed
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_batches import FIRST_CELLS
from omics_orchestrator.sources.redcap_changes import Asking, mark_of, pull
from omics_orchestrator.sources.redcap_delivery import completed, project_of
from omics_orchestrator.sources.redcap_described import of_metadata
from omics_orchestrator.sources.redcap_edits import OVERLAP, newest_edits, touched_within
from omics_orchestrator.sources.redcap_pull import FormPull, asked_of
from omics_orchestrator.sources.redcap_refusals import Changed
from omics_orchestrator.sources.redcap_standing import Declarations, declarations, listed, signature
from omics_orchestrator.sources.redcap_tables import form_table
from omics_orchestrator.sources.secret import Secret, lacking, revealed
from omics_orchestrator.storage.objects import Stores

HASTY = 30.0  # seconds for an answer to the question whether anything changed


class Redcap(Followed):
    """A project on a REDCap server: only the admitted fields are asked for, and after the first time only changes."""

    version: ClassVar[str] = "1"

    kind: Literal["redcap"] = "redcap"
    url: str | Secret
    """The address of the server's API page, `https://…/api/`, or the secret that holds it."""
    token: Secret
    """The secret that holds the token of one user of the project, with the right 'API Export'."""
    workers: int = Field(default=2, ge=1, le=4)
    """So many requests run at a time."""
    requests_per_second: float = Field(default=5, gt=0, le=1000)
    """Of all sources at that server together."""
    timeout: float = Field(default=300, gt=0, le=3600)
    """Seconds to wait for an answer."""
    full_pull_every: int = Field(default=7, ge=0)
    """Days after which everything is read again, not only what changed."""
    survey_fields: bool = False
    """Whether survey forms bring the time of their completion, `<form>_timestamp`."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | Secret) -> str | Secret:
        if isinstance(url, str) and not url.startswith(("https://", "http://")):
            raise ValueError("url begins with https://, or names a secret")
        if isinstance(url, str) and "@" in url:
            raise ValueError("an address with a password is a secret: write `url: {secret: NAME}`")
        return url

    def tables(self) -> tuple[str, ...] | None:
        """Return None: the instruments are the tables, named by the mapping."""
        return None

    def locations(self) -> tuple[str, ...]:
        """Return nothing: no store holds a server."""
        return ()

    def needs(self, settings: Settings) -> str | None:
        """Return the secret that this machine lacks."""
        return lacking(settings, self.url, self.token)

    def by_day(self) -> tuple[str, ...] | None:
        """Return None: the log tells of every record when it changed."""
        return None

    def changed(self, name: str, table: str, window: Window, stores: Stores) -> Window:
        """Return the window with the records that changed in it: in any form, for the log knows records."""
        api, key = self._api(stores.settings), self._key(stores.settings)
        declared = declarations(api, key)
        found = touched_within(api, key, declared.record_id, window)
        return replace(window, records=found, count=len(found))

    def signature(self, stores: Stores) -> str:
        """Return a digest of declarations, record ids and log; another one each time where the log is closed to us."""
        return signature(self._api(stores.settings, hasty=True), self._key(stores.settings))

    def edits(self, stores: Stores) -> str | None:
        """Return a digest of the newest edits by one request; '' = none for a day, None = the log is closed to us.

        Raises:
            DeliveryError: the server does not answer.
        """
        return newest_edits(self._api(stores.settings, hasty=True), datetime.now(UTC) - OVERLAP)

    def deliver(
        self,
        name: str,
        table: str,
        admitted: Collection[str] | None,
        stores: Stores,
        *,
        held: Held | None = None,
    ) -> Delivery:
        """Read one instrument, or what changed of it; see `Source.deliver` and `form_table`.

        Raises:
            DeliveryError: the server refuses, or what it answers is not whole; `retry` tells whether that may pass.
            NotConfigured: a secret is not set.
        """
        try:
            return self._delivered(name, table, admitted, stores, held, fresh=False)
        except Changed:  # while it was read: once more, with the declarations of now
            return self._delivered(name, table, admitted, stores, held, fresh=True)

    def described(self, name: str, stores: Stores) -> tuple[Described, ...]:
        """Return the fields of the server's data dictionary save the record id; see `Source.described`."""
        del name
        declared = declarations(self._api(stores.settings, hasty=True), self._key(stores.settings))
        return tuple(of_metadata(declared.metadata[1:]))

    def outline(self, stores: Stores) -> tuple[Declarations, tuple[str, ...]]:
        """Return what the project declares, and its record ids: for a study that is not declared yet.

        Raises:
            DeliveryError: the server refuses.
            NotConfigured: a secret is not set.
        """
        api, key = self._api(stores.settings, hasty=True), self._key(stores.settings)
        declared = declarations(api, key)
        return declared, tuple(listed(api, key, declared).rows)

    def _delivered(
        self,
        name: str,
        form: str,
        admitted: Collection[str] | None,
        stores: Stores,
        held: Held | None,
        *,
        fresh: bool,
    ) -> Delivery:
        api, key = self._api(stores.settings), self._key(stores.settings)
        declared = declarations(api, key, fresh=fresh)
        forms = list(dict.fromkeys(row["form_name"] for row in declared.metadata))
        if form not in forms:
            raise DeliveryError(f"{name}: {UnknownKey('instrument', form, forms)}")
        records = listed(api, key, declared, fresh=fresh)
        asked = asked_of(declared, form, admitted, survey=self.survey_fields)
        every = timedelta(days=self.full_pull_every)
        asking = Asking(api, key, declared, records, asked, self.version, every)
        reading = FormPull(api, asked, records, workers=self.workers, cells=FIRST_CELLS)
        pulled = pull(asking, reading, held)
        if len(asked.fields) > 2 and set(reading.withheld) >= set(asked.fields[1:-1]):
            message = f"{name}.{form}: the rights of the token's user withhold every field that is asked for; give them"
            raise DeliveryError(f"{message} 'Full Data Set' for this instrument")
        last = held.mark.get("full", "") if held and pulled.replaced is not None else ""
        delivery = form_table(project_of(declared, asked, reading, pulled), form, admitted, name)
        delivery = completed(delivery, declared, form, reading, pulled)
        return replace(delivery, mark=mark_of(asking, reading.withheld, last))

    def _api(self, settings: Settings, *, hasty: bool = False) -> RedcapApi:
        """Return the client; a hasty one asks once and does not wait long: a pull will ask again."""
        return RedcapApi(
            revealed(self.url, settings),
            revealed(self.token, settings),
            requests_per_second=self.requests_per_second,
            timeout=min(self.timeout, HASTY) if hasty else self.timeout,
            attempts=1 if hasty else None,
            verify=settings.environment.get("REQUESTS_CA_BUNDLE") or None,
        )

    def _key(self, settings: Settings) -> tuple[str, ...]:
        words = (revealed(self.url, settings), revealed(self.token, settings))
        return tuple(hashlib.sha256(word.encode()).hexdigest() for word in words)
