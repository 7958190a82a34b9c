"""One e-mail by SMTP: plain, by STARTTLS or by TLS, with or without a password."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from omics_orchestrator.errors import NotConfigured, NotSent
from omics_orchestrator.steps.notify.digest import Digest

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
SECONDS = 10.0  # without an answer


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in: `smtp://host`, `smtp+starttls://user:password@host:587`, `smtps://…`.

    A password never crosses an unencrypted line, except to this very machine.
    """

    kind: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, url: str, password: str | None = None) -> MailServer:
        """Return the server of `url`; `password` counts where the URL names a user alone.

        Raises:
            NotConfigured: it is no such URL, or a password would cross an unencrypted line.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise NotConfigured(
                f"OMICS_SMTP_URL must be one of {', '.join(f'{kind}://host' for kind in PORTS)}"
            )
        user = unquote(parts.username) if parts.username else None
        secret = unquote(parts.password) if parts.password else password
        if user and secret is None:
            raise NotConfigured(
                "OMICS_SMTP_URL names a user: set OMICS_SMTP_PASSWORD or OMICS_SMTP_PASSWORD_FILE"
            )
        if user and parts.scheme == "smtp" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise NotConfigured("OMICS_SMTP_URL: a password needs smtp+starttls:// or smtps://")
        try:
            port = parts.port or PORTS[parts.scheme]
        except ValueError:
            raise NotConfigured("OMICS_SMTP_URL: its port is no number") from None
        return cls(parts.scheme, parts.hostname, port, user, secret if user else None)

    def send(self, digest: Digest, sender: str, recipients: Sequence[str]) -> None:
        """Hand in one message.

        Raises:
            NotSent: the server cannot be reached, is not trusted, or does not take the message.
        """
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = digest.subject, sender, ", ".join(recipients)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid("omics", sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(digest.text)
        try:
            with self._session() as session:
                refused = session.send_message(message, sender, list(recipients))
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"{self._named()} answers {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"{self._named()}: {_reason(error)}") from error
        if refused:
            raise NotSent(f"{self._named()} refused {len(refused)} of {len(recipients)} recipients")

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        trust = ssl.create_default_context()
        if self.kind == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=trust)
        else:
            session = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        with session:
            if self.kind == "smtp+starttls":
                session.starttls(context=trust)
            if self.user and self.password is not None:
                session.login(self.user, self.password)
            yield session

    def _named(self) -> str:
        return f"mail server {self.host}:{self.port}"


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted (SSL_CERT_FILE names the authorities)"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "it refused every recipient"
    if isinstance(error, socket.timeout | TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) and error.strerror else None) or type(error).__name__
