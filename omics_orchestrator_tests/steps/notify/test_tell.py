"""Who hears of what, how often, and what becomes of a message that cannot be sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omics_orchestrator.errors import NotConfigured, NotSent
from omics_orchestrator.settings import Settings
from omics_orchestrator.steps.notify import Channel, Digest, Failure, Memory, channels_of, configured
from omics_orchestrator.steps.notify.memory import DAY, LONGEST
from omics_orchestrator.steps.notify.tell import Event, tell
from omics_orchestrator_tests.installation import Installation

SETTINGS = Settings.from_environment({"OMICS_UI_URL": "https://omics.example.org/operate/"})


def failure(study: str = "tiny", asset: str = "raw", kind: str = "DeliveryError", run: str = "r1") -> Failure:
    when = datetime(2026, 11, 20, 1, 36, tzinfo=UTC)
    return Failure(study, (f"{asset}/{study}/x",), kind, "no table", 1, run, when)


class Listener:
    """A channel that keeps what it is sent, or fails."""

    def __init__(self, name: str = "all", *studies: str) -> None:
        self.sent: list[Digest] = []
        self.down = False
        self.channel = Channel(name, name, frozenset(studies) or None, self.send)

    def send(self, digest: Digest) -> None:
        if self.down:
            raise NotSent("away")
        self.sent.append(digest)


class Night:
    """Rounds of telling, with the memory between them as the cursor holds it."""

    def __init__(self, *listeners: Listener) -> None:
        self.channels = [one.channel for one in listeners]
        self.stored = {one.channel.name: Memory(0).stored() for one in listeners}

    def round(self, events: Sequence[Event], now: float) -> Sequence[str]:
        memories = {name: Memory.read(json.loads(json.dumps(one))) for name, one in self.stored.items()}
        done = tell(SETTINGS, self.channels, memories, events, now)
        self.stored = {name: memory.stored() for name, memory in done.memories.items()}
        return done.lines


def test_a_bad_night_is_one_message_of_bounded_length() -> None:
    everyone = Listener()
    night = Night(everyone)
    events = [Event(number, [failure(f"study{number:02}", run=f"r{number}")]) for number in range(1, 51)]
    assert night.round(events, DAY) == ["all: 50 failures told"]
    (digest,) = everyone.sent
    assert digest.subject == "omics: 50 failures (study01, study02, study03, study04 …)"
    assert "… and 30 more." in digest.text
    assert digest.text.count("DeliveryError: no table") == 20
    assert "https://omics.example.org/operate/runs/r1\n" in digest.text
    assert (len(digest.body["failures"]), digest.body["more"]) == (20, 30)
    assert night.round([], DAY + 60) == []


def test_the_same_trouble_is_told_once_a_day_and_another_at_once() -> None:
    everyone = Listener()
    night = Night(everyone)
    night.round([Event(1, [failure()])], DAY)
    assert night.round([Event(2, [failure(run="r2")])], DAY + 900) == []
    night.round([Event(3, [failure(run="r3"), failure(kind="StorageError")])], DAY + 1800)
    assert [[one.kind for one in digest.failures] for digest in everyone.sent] == [
        ["DeliveryError"],
        ["StorageError"],
    ]
    night.round([Event(4, [failure(run="r4")])], 2 * DAY + 900)
    assert [one.run_id for one in everyone.sent[-1].failures] == ["r4"]


def test_what_cannot_be_sent_waits_and_goes_out_with_what_came_meanwhile() -> None:
    up, down = Listener("up"), Listener("down")
    down.down = True
    night, events, now = Night(up, down), [Event(1, [failure()])], DAY
    assert night.round(events, now)[1] == "down: 1 failure not told, tried again later: away"
    assert night.round(events, now + 30) == ["down: 1 failure wait, tried 1 times"]
    for _ in range(8):
        now += LONGEST
        night.round(events, now)
    assert night.stored["down"]["tries"] == 9
    assert night.stored["down"]["again"] == now + LONGEST
    down.down = False
    events.append(Event(2, [failure("other")]))
    assert night.round(events, now + 60)[0] == "up: 1 failure told"
    assert down.sent == []
    night.round(events, now + LONGEST)
    assert [one.study for one in down.sent[0].failures] == ["tiny", "other"]
    assert [len(digest.failures) for digest in up.sent] == [1, 1]
    assert night.stored["down"]["tries"] == 0


def test_a_channel_hears_of_its_studies_only() -> None:
    tiny = Listener("tiny", "tiny")
    night = Night(tiny)
    night.round([Event(1, [failure("other"), failure("tiny")]), Event(2, [failure("other")])], DAY)
    assert [one.study for digest in tiny.sent for one in digest.failures] == ["tiny"]
    assert night.stored["tiny"]["after"] == 2


def test_long_and_empty_texts() -> None:
    when = datetime(2026, 11, 20, tzinfo=UTC)
    keys = tuple(f"raw/tiny/files/t{number}" for number in range(9))
    text = Digest([Failure("tiny", keys, "Lost", "a\nb  c " + "x" * 700, 2, "r1", when)], "host").text
    assert "    Lost: a b c xxx" in text
    assert max(map(len, text.splitlines())) < 640
    assert "raw/tiny/files/t4 and 4 more" in text
    assert "    run r1" in text
    assert "\n    KeyError\n" in Digest([Failure("scrub", (), "KeyError", "", 1, "r", when)], "host").text


def test_channels_are_those_that_the_operator_named(installation: Installation, tmp_path: Path) -> None:
    studies = list(installation.workspace().catalogue.studies.values())
    hook = tmp_path / "hook"
    hook.write_text("https://chat.example.org/hooks/token\n")

    def found(**variables: str) -> list[str]:
        settings = Settings.from_environment(variables)
        assert configured(settings) == bool(variables)
        return [channel.words for channel in channels_of(settings, studies)]

    assert found() == []
    assert found(OMICS_NOTIFY_WEBHOOK_URL_FILE=str(hook)) == ["webhook"]
    mail = {"OMICS_SMTP_URL": "smtp://localhost", "OMICS_NOTIFY_EMAIL": "a@example.org, b@example.org"}
    assert found(**mail) == ["mail to OMICS_NOTIFY_EMAIL"]
    assert found(**mail, OMICS_NOTIFY_STEWARDS="yes") == [
        "mail to OMICS_NOTIFY_EMAIL",
        "mail to a steward of tiny",
    ]
    assert found(
        OMICS_SMTP_URL="smtp://localhost", OMICS_NOTIFY_EMAIL="tiny@example.org", OMICS_NOTIFY_STEWARDS="yes"
    ) == ["mail to OMICS_NOTIFY_EMAIL"]
    assert found(**mail, OMICS_NOTIFY_STEWARDS="no") == ["mail to OMICS_NOTIFY_EMAIL"]
    with pytest.raises(NotConfigured, match="OMICS_SMTP_URL"):
        found(OMICS_NOTIFY_EMAIL="a@example.org")
    with pytest.raises(NotConfigured, match="addresses separated by commas"):
        found(OMICS_NOTIFY_EMAIL="nobody", OMICS_SMTP_URL="smtp://localhost")
    with pytest.raises(NotConfigured, match="yes or no"):
        found(**mail, OMICS_NOTIFY_STEWARDS="perhaps")
