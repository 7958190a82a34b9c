"""Runs that fail in different ways are told by mail and webhook, and no message holds what the errors said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import psycopg2
import pyarrow as pa
import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.orchestration import line
from omics_orchestrator.orchestration.build import build_definitions
from omics_orchestrator.orchestration.clients import TAG
from omics_orchestrator.orchestration.failed_runs import failed_runs
from omics_orchestrator.orchestration.instance import open_instance
from omics_orchestrator.orchestration.materialise import QUIET
from omics_orchestrator.storage.tables import write_tables
from omics_orchestrator_tests.installation import Installation
from omics_orchestrator_tests.steps.notify.listeners import Hook, Postbox, mail_server, web_server

PLANTED = "Jane Planted 943 476 5919"
PEOPLE = dg.AssetKey(["raw", "tiny", "files", "people"])


@dataclass
class Night:
    """An installation whose runs fail, the listeners that are to hear of it, and the sensor between them."""

    installation: Installation
    instance: dg.DagsterInstance
    box: Postbox
    hook: Hook
    cursor: str | None = None

    def run(self, *keys: dg.AssetKey, **tags: str) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.installation.workspace()).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=list(keys),
            raise_on_error=False,
            run_config=QUIET,
            tags=tags,
        )

    def tick(self) -> str:
        """Evaluate the sensor as the daemon does; return what the tick says."""
        studies = list(self.installation.workspace().catalogue.studies.values())
        with dg.build_sensor_context(self.instance, cursor=self.cursor) as context:
            said: Any = failed_runs(studies)(context)
            self.cursor = context.cursor
        assert PLANTED not in str(self.cursor)
        return str(said.skip_message)

    def heard(self) -> list[tuple[str, str]]:
        """Return kind and text of everything that the webhook was handed, looked at for the planted value."""
        for mail in self.box.mails:
            assert PLANTED not in mail.as_string()
            assert PLANTED not in mail.get_content()
        assert PLANTED not in json.dumps(self.hook.taken)
        return [(one["kind"], one["text"]) for _, body in self.hook.taken for one in body["failures"]]


@pytest.fixture
def night(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    with mail_server() as box, web_server() as hook:
        monkeypatch.setenv("OMICS_SMTP_URL", f"smtp://127.0.0.1:{box.port}")
        monkeypatch.setenv("OMICS_NOTIFY_EMAIL", "operator@example.org")
        monkeypatch.setenv("OMICS_NOTIFY_STEWARDS", "yes")
        monkeypatch.setenv("OMICS_NOTIFY_WEBHOOK_URL", hook.url)
        made = Night(installation, open_instance(installation.settings), box, hook)
        assert made.tick() == "nothing new has failed"
        yield made


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def body(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(line, "extract", body)


def test_no_message_holds_what_an_error_said(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, KeyError(PLANTED))  # a mistake of the program that names a cell
    assert not night.run(PEOPLE).success
    fails(monkeypatch, pa.ArrowInvalid(f"cannot convert {PLANTED}"))
    assert not night.run(PEOPLE).success
    fails(monkeypatch, psycopg2.DataError(f"invalid input: {PLANTED}"))
    assert not night.run(PEOPLE).success
    fails(monkeypatch, DeliveryError("files: people.csv is cut short at row 7"))
    assert not night.run(PEOPLE).success
    assert night.tick().count("4 failures told") == 3
    kinds = dict(night.heard())
    assert set(kinds) == {"KeyError", "ArrowInvalid", "DataError", "DeliveryError"}
    assert kinds["DeliveryError"] == "files: people.csv is cut short at row 7"
    assert "its message is not told" in kinds["KeyError"]
    assert night.box.recipients == [["operator@example.org"], ["tiny@example.org"]]
    (_, body), *_ = night.hook.taken
    assert body["failures"][0]["assets"] == ["raw/tiny/files/people"]
    assert night.tick() == "nothing new has failed"


CHECKED = dg.AssetKey(["raw", "tiny", "checked"])


@dg.asset(key=CHECKED, check_specs=[dg.AssetCheckSpec("keys", asset=CHECKED, blocking=True)])
def checked():
    failed = dg.AssetCheckResult(passed=False, check_name="keys", description=PLANTED)
    return dg.MaterializeResult(check_results=[failed])


@dg.asset(key=["harmonised", "tiny", "below"], deps=[checked])
def below() -> None:
    raise AssertionError("a blocking check stops it")


@dg.asset(key=["raw", "tiny", "raising"])
def raising() -> None:
    raise ValueError(PLANTED)  # an asset of somebody who did not go through make_asset


def test_errors_outside_the_bodies(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError(PLANTED)

    from omics_orchestrator.orchestration import io_managers

    monkeypatch.setattr(io_managers, "write_tables", refuse)
    assert not night.run(PEOPLE).success
    monkeypatch.setattr(io_managers, "write_tables", write_tables)
    for assets in ([checked, below], [raising]):
        assert not dg.materialize(assets, instance=night.instance, raise_on_error=False).success
    lost = night.instance.create_run_for_job(
        build_definitions(night.installation.workspace()).resolve_implicit_global_asset_job_def()
    )
    night.instance.report_run_failed(lost, f"container said {PLANTED}")
    night.instance.add_run_tags(lost.run_id, {"dagster/will_retry": "false"})  # its last attempt
    night.tick()
    kinds = dict(night.heard())
    assert "its message is not told" in kinds["ValueError"]
    assert "its text is not told" in kinds["DagsterExecutionStepExecutionError"]
    assert "a blocking check failed" in kinds["DagsterAssetCheckFailedError"]
    assert "the run ended before its assets were made" in kinds["Lost"]


def test_not_told_runs_of_a_terminal_and_runs_that_run_again(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, DeliveryError("no table"))
    assert not night.run(PEOPLE, **{TAG: "1"}).success
    assert night.tick() == "nothing new has failed"
    waits = night.run(PEOPLE)
    night.instance.add_run_tags(waits.run_id, {"dagster/will_retry": "true"})
    assert night.tick() == "nothing new has failed"
    night.instance.add_run_tags(waits.run_id, {"dagster/auto_retry_run_id": "next"})
    assert night.tick() == "nothing new has failed"
    night.run(PEOPLE, **{"dagster/retry_number": "2"})
    night.tick()
    assert [body["failures"][0]["attempts"] for _, body in night.hook.taken] == [3]


def test_a_mail_server_that_is_down_hinders_nobody_and_loses_nothing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, DeliveryError("no table"))
    night.run(PEOPLE)
    night.box.answer = "451 later"
    said = night.tick()
    assert "webhook: 1 failure told" in said
    assert said.count("1 failure not told, tried again later: mail server 127.0.0.1") == 2
    assert "tried 1 times" in night.tick()
    night.box.answer = "250 taken"
    monkeypatch.setattr("omics_orchestrator.orchestration.failed_runs.time.time", lambda: 2e9)
    assert night.tick().count("1 failure told") == 2
    assert len(night.box.mails) == 2
    assert len(night.hook.taken) == 1


def test_an_error_that_may_pass_is_tried_again_and_counted(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omics_orchestrator.orchestration import retries

    monkeypatch.setattr(retries, "WAITS", (0, 0, 0))
    fails(monkeypatch, DeliveryError("the server answers 503", retry=True))
    assert not night.run(PEOPLE).success
    night.tick()
    ((_, body),) = night.hook.taken
    assert (body["failures"][0]["attempts"], body["failures"][0]["text"]) == (4, "the server answers 503")
    fails(monkeypatch, DeliveryError("a key is missing"))
    result = night.run(PEOPLE)
    assert not [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]


def test_the_sensor_is_there_only_where_somebody_is_to_be_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> set[str]:
        from dataclasses import replace

        from omics_orchestrator.settings import Settings
        from omics_orchestrator.steps.workspace import Workspace

        now = replace(installation.settings, environment=Settings.from_environment().environment)
        return {sensor.name for sensor in build_definitions(Workspace(now)).sensors or []}

    assert "failed_runs" not in names()
    monkeypatch.setenv("OMICS_NOTIFY_WEBHOOK_URL", "https://chat.example.org/hook")
    assert "failed_runs" in names()
