"""Mail reaches a real listener, plain, by STARTTLS and by TLS; what goes wrong is told without secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from omics_orchestrator.errors import NotConfigured, NotSent
from omics_orchestrator.steps.notify import Digest, Failure
from omics_orchestrator.steps.notify.mail import MailServer
from omics_orchestrator_tests.steps.notify.listeners import certificate, mail_server

AT = datetime(2026, 11, 20, 1, 36, tzinfo=UTC)
DIGEST = Digest(
    [Failure("tiny", ("raw/tiny/files/people",), "DeliveryError", "no table", 3, "r1", AT)], "host"
)


def send(url: str, *recipients: str, password: str | None = None) -> None:
    MailServer.of(url, password).send(DIGEST, "omics@example.org", recipients or ("a@example.org",))


def test_plain_mail_to_several() -> None:
    with mail_server() as box:
        send(f"smtp://127.0.0.1:{box.port}", "a@example.org", "b@example.org")
    (mail,) = box.mails
    assert box.recipients == [["a@example.org", "b@example.org"]]
    assert mail["Subject"] == "omics: 1 failure (tiny)"
    assert "raw/tiny/files/people" in mail.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", ["smtp+starttls", "smtps"])
def test_encrypted_mail_with_a_password(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path)
    with mail_server(file, tls_at_once=kind == "smtps") as box:
        with pytest.raises(NotSent, match="its certificate is not trusted"):
            send(f"{kind}://omics@127.0.0.1:{box.port}", password="secret")
        assert box.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        send(f"{kind}://omics@127.0.0.1:{box.port}", password="secret")
        with pytest.raises(NotSent, match="answers 535") as refused:
            send(f"{kind}://omics:wr%6Fng@127.0.0.1:{box.port}")
    assert "wrong" not in str(refused.value)
    assert box.encrypted == [True]
    assert box.logins == ["\0omics\0secret", "\0omics\0wrong"]


def test_a_server_that_is_down_refuses_or_takes_not_all() -> None:
    with mail_server() as box:
        box.answer = "451 later"
        with pytest.raises(NotSent, match="answers 451") as error:
            send(f"smtp://127.0.0.1:{box.port}")
        assert error.value.retry
        box.answer, box.refused = "250 taken", {"b@example.org"}
        with pytest.raises(NotSent, match="refused 1 of 2 recipients"):
            send(f"smtp://127.0.0.1:{box.port}", "a@example.org", "b@example.org")
        with pytest.raises(NotSent, match="refused every recipient"):
            send(f"smtp://127.0.0.1:{box.port}", "b@example.org")
    with pytest.raises(NotSent, match=rf"mail server 127.0.0.1:{box.port}: Connection refused"):
        send(f"smtp://127.0.0.1:{box.port}")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://host", "smtp://host, smtp\\+starttls://host, smtps://host"),
        ("smtp://", "must be one of"),
        ("smtp://host:twenty", "port is no number"),
        ("smtps://omics@host", "set OMICS_SMTP_PASSWORD"),
        ("smtp://omics:secret@host", "a password needs smtp\\+starttls:// or smtps://"),
    ],
)
def test_unusable_settings_are_told(url: str, told: str) -> None:
    with pytest.raises(NotConfigured, match=told) as error:
        MailServer.of(url)
    assert "secret" not in str(error.value)
