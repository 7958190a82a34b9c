"""Who is told of failed runs: only addresses that the operator named, and stewards where a setting says so."""

from __future__ import annotations

import hashlib
import re
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from omics_orchestrator.errors import NotConfigured
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.notify.digest import Digest, Failure
from omics_orchestrator.steps.notify.mail import MailServer
from omics_orchestrator.steps.notify.webhook import Webhook
from omics_orchestrator.studies import Study

EMAIL, STEWARDS, SENDER = "OMICS_NOTIFY_EMAIL", "OMICS_NOTIFY_STEWARDS", "OMICS_NOTIFY_FROM"
SMTP, SMTP_PASSWORD, WEBHOOK = "OMICS_SMTP_URL", "OMICS_SMTP_PASSWORD", "OMICS_NOTIFY_WEBHOOK_URL"
UI = "OMICS_UI_URL"
ADDRESS = re.compile(r"[^\s@,<>]+@[^\s@,<>]+")


@dataclass(frozen=True)
class Channel:
    """One way to somebody.

    Attributes:
        name: what tells it from the others; holds no address.
        words: how it is named to an operator.
        studies: it hears of these only; None = of all.
        send: sends one digest, or raises NotSent.
    """

    name: str
    words: str
    studies: frozenset[str] | None
    send: Callable[[Digest], None]

    def concerns(self, failures: Iterable[Failure]) -> list[Failure]:
        """Return the failures that this channel hears of."""
        return [one for one in failures if self.studies is None or one.study in self.studies]


def configured(settings: Settings) -> bool:
    """Tell whether anybody is to be told."""
    return any(settings.environment.get(name) for name in (EMAIL, STEWARDS)) or settings.has_secret(WEBHOOK)


def channels_of(settings: Settings, studies: Iterable[Study]) -> list[Channel]:
    """Return every channel that the settings name.

    Raises:
        NotConfigured: a setting is missing or unusable.
    """
    found = []
    if settings.has_secret(WEBHOOK):
        url = settings.secret(WEBHOOK)
        found.append(Channel(_name("webhook", url), "webhook", None, Webhook.of(url).send))
    operators = _addresses(settings.environment.get(EMAIL, ""))
    stewards = _stewards(settings, studies)
    if not operators and not stewards:
        return found
    server = MailServer.of(settings.secret(SMTP), _password(settings))
    sender = settings.environment.get(SENDER) or f"omics@{socket.getfqdn()}"
    if operators:
        send = partial(server.send, sender=sender, recipients=operators)
        found.append(Channel(_name("mail", *operators), f"mail to {EMAIL}", None, send))
    for address, theirs in stewards.items():
        if address not in operators:
            send = partial(server.send, sender=sender, recipients=(address,))
            words = f"mail to a steward of {', '.join(sorted(theirs))}"
            found.append(Channel(_name("steward", address), words, frozenset(theirs), send))
    return found


def digest_of(settings: Settings, failures: Sequence[Failure]) -> Digest:
    """Return the message about `failures`."""
    return Digest(failures, socket.gethostname(), settings.environment.get(UI, "").rstrip("/"))


def _password(settings: Settings) -> str | None:
    return settings.secret(SMTP_PASSWORD) if settings.has_secret(SMTP_PASSWORD) else None


def _addresses(text: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if any(not ADDRESS.fullmatch(word) for word in found):
        raise NotConfigured(f"{EMAIL} must be addresses separated by commas: a@example.org,b@example.org")
    return found


def _stewards(settings: Settings, studies: Iterable[Study]) -> dict[str, set[str]]:
    """Return address → studies, when the setting says so; a team (`team:…`) has no address."""
    chosen = settings.environment.get(STEWARDS, "").lower()
    if chosen not in {"", "no", "yes"}:
        raise NotConfigured(f"{STEWARDS} must be yes or no")
    found: dict[str, set[str]] = defaultdict(set)
    for study in studies if chosen == "yes" else ():
        for steward in study.stewards:
            if ADDRESS.fullmatch(steward) and not steward.startswith("team:"):
                found[steward].add(study.study)
    return found


def _name(kind: str, *secrets: str) -> str:
    return f"{kind} {hashlib.sha256(' '.join(secrets).encode()).hexdigest()[:12]}"
