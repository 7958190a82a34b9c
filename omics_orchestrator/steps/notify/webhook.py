"""One HTTP POST of JSON; a redirect is not followed, since its place was named by nobody here."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from omics_orchestrator.errors import NotConfigured, NotSent
from omics_orchestrator.steps.notify.digest import Digest

SECONDS = 10.0  # without an answer


@dataclass(frozen=True)
class Webhook:
    """An address that takes a digest as JSON; the whole of it is a secret, since chat servers put a token into it."""

    url: str = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Webhook:
        """Return the webhook of `url`.

        Raises:
            NotConfigured: it is no http:// or https:// URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise NotConfigured("OMICS_NOTIFY_WEBHOOK_URL must begin with https:// or http://")
        return cls(url)

    def send(self, digest: Digest) -> None:
        """Post one digest.

        Raises:
            NotSent: nobody answers, or the answer is not 2xx.
        """
        import requests

        host = urlsplit(self.url).hostname
        try:
            answer = requests.post(self.url, json=digest.body, timeout=SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise NotSent(f"webhook at {host}: {type(error).__name__}") from None
        if not 200 <= answer.status_code < 300:
            raise NotSent(f"webhook at {host} answers {answer.status_code}")
