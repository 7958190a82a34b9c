"""REDCap edits: one request where nothing changed, the edited project read where something did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from omics_orchestrator.demo.redcap_server import RedcapServer, Token
from omics_orchestrator.demo.redcap_store import RedcapProject, Rights
from omics_orchestrator.orchestration.sensors.asking import ATTEMPT, PLACE
from omics_orchestrator.sources import redcap_api
from omics_orchestrator.sources.redcap_pace import Patience
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.orchestration.sensors.sensing import Sensing
from omics_orchestrator_tests.sources.test_redcap import TOKEN, project

STUDY = """\
study: tiny
title: A project on a server
stewards: [tiny@example.org]
participant_id: {{pattern: "p[0-9]+"}}
sources:
  redcap: {{kind: redcap, url: "{url}", token: {{secret: TINY_TOKEN}}, requests_per_second: 1000{more}}}
"""
MAPPING = """\
participant:
  from: redcap.base
  key: [record_id]
  sex: {recode: sex, map: {1: male, 2: female}}
not_mapped:
  not wanted: [born, ticks*, secret, mail, crp, scan, note, base_complete, lab_complete, id]
"""
HOUR = timedelta(hours=1)


@dataclass
class Followed:
    """A study on a REDCap server, and the sensor that follows it."""

    server: RedcapServer
    project: RedcapProject
    installation: Installation
    sensing: Sensing

    def asked(self) -> list[str]:
        """Return what was asked for since the last call."""
        found = [request.asked["content"] for request in self.server.requests]
        self.server.requests.clear()
        return found

    def declare(self, more: str = "") -> None:
        self.installation.declare("tiny", study=STUDY.format(url=self.server.url, more=more), mapping=MAPPING)

    def tick(self, later: timedelta = timedelta()) -> list[str]:
        """Return the places that a tick asks for; they are run."""
        SHARED.forget()
        requests = self.sensing.tick(later)
        for request in requests:
            SHARED.forget()
            assert self.sensing.run(request)
        return [request.tags[PLACE] for request in requests]


@pytest.fixture
def followed(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Followed]:
    monkeypatch.setattr(redcap_api, "PATIENCE", Patience(attempts=2, first=0.0, longest=1.0))
    monkeypatch.setenv("TINY_TOKEN", TOKEN)
    made = project()
    with RedcapServer({TOKEN: made}) as server:
        secrets = {**installation.settings.environment, "TINY_TOKEN": TOKEN}
        installation.settings = replace(installation.settings, environment=secrets)
        found = Followed(server, made, installation, Sensing.__new__(Sensing))
        found.declare()
        found.sensing = Sensing(installation, "redcap_edits")
        yield found


def test_a_project_is_read_first_then_asked_by_one_request_until_something_is_edited(
    followed: Followed,
) -> None:
    assert followed.tick() == ["raw/tiny/redcap"]
    followed.asked()
    for _ in range(2):
        assert followed.tick() == []
        assert followed.asked() == ["log"]

    followed.project.edit("p1", "sex", "2")
    assert followed.tick() == ["raw/tiny/redcap"]
    followed.tick()  # looks whether it is here: it is
    followed.asked()
    assert followed.tick() == []
    assert followed.asked() == ["log"]
    assert followed.sensing.said == "no project tells of new edits"


def test_edits_that_the_night_brought_already_are_not_read_again(followed: Followed) -> None:
    from omics_orchestrator.orchestration.session import Session

    followed.tick()
    followed.project.edit("p1", "sex", "2")
    SHARED.forget()
    session = Session(followed.installation.workspace())
    assert not session.materialise(session.assets(["raw/tiny"])).failed
    assert followed.tick() == []


def test_a_project_whose_log_is_closed_is_told_and_left_to_the_night(followed: Followed) -> None:
    followed.tick()
    followed.server.tokens[TOKEN] = Token(followed.project, Rights(log=False))
    followed.project.edit("p1", "sex", "2")
    assert followed.tick() == []
    assert "right Logging" in followed.sensing.said


def test_a_server_that_does_not_answer_is_told_and_asked_again(followed: Followed) -> None:
    followed.tick()
    followed.project.edit("p1", "sex", "2")
    followed.server.faults.add("status", status=503, times=1)
    assert followed.tick() == []
    assert "raw/tiny/redcap" in followed.sensing.said
    followed.server.faults.clear()
    assert followed.tick() == ["raw/tiny/redcap"]


def test_a_refused_reading_is_tried_three_times_then_rarely(followed: Followed) -> None:
    token = followed.server.tokens.pop(TOKEN)
    followed.sensing.fail(3)
    assert followed.tick() == []
    assert "failed 3 times" in followed.sensing.said
    followed.server.tokens[TOKEN] = token
    SHARED.forget()
    (request,) = followed.sensing.tick(HOUR)
    assert request.tags[ATTEMPT] == "4"
    assert followed.sensing.run(request)
    assert followed.tick() == []


def test_a_project_that_is_not_followed_is_not_asked(followed: Followed) -> None:
    followed.declare(", follow: no")
    assert followed.tick() == []
    assert followed.asked() == []
