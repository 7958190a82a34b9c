"""A webhook gets JSON once; redirects are not followed, and its address, which is a secret, is never told."""

from __future__ import annotations

import pytest

from omics_orchestrator.errors import NotConfigured, NotSent
from omics_orchestrator.steps.notify.webhook import Webhook
from omics_orchestrator_tests.steps.notify.listeners import web_server
from omics_orchestrator_tests.steps.notify.test_mail import DIGEST


def test_one_post_of_json() -> None:
    with web_server() as hook:
        Webhook.of(hook.url).send(DIGEST)
    ((path, body),) = hook.taken
    assert path == "/token-in-the-path"
    assert body["subject"] == "omics: 1 failure (tiny)"
    assert body["more"] == 0
    assert body["failures"] == [
        {
            "study": "tiny", "assets": ["raw/tiny/files/people"], "kind": "DeliveryError", "text": "no table",
            "attempts": 3, "run_id": "r1", "run_url": "", "at": "2026-11-20T01:36:00+00:00",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_any_other_answer_is_an_error(status: int) -> None:
    with web_server() as hook:
        hook.status = status
        with pytest.raises(NotSent, match=f"webhook at 127.0.0.1 answers {status}") as error:
            Webhook.of(hook.url).send(DIGEST)
    assert len(hook.taken) == 1
    assert "token" not in str(error.value)


def test_nobody_there_and_no_url() -> None:
    with web_server() as hook:
        pass
    with pytest.raises(NotSent, match="webhook at 127.0.0.1: ConnectionError") as error:
        Webhook.of(hook.url).send(DIGEST)
    assert "token" not in str(error.value)
    assert "token" not in repr(Webhook.of(hook.url))
    with pytest.raises(NotConfigured):
        Webhook.of("ftp://host/token")
