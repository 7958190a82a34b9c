"""The server stack in containers: what comes up, who may do what, what is kept, what stays secret. In this order."""

from __future__ import annotations

import json
import re
import time

import pytest

from omics_orchestrator_tests.compose.working_copy import (
    OBJECT_SECRET,
    ONE_SHOT,
    PASSWORD,
    TOKEN,
    docker,
)
from omics_orchestrator_tests.end_to_end.processes import wait_until
from omics_orchestrator_tests.end_to_end.stack import (
    OPERATOR,
    PEOPLE,
    READER,
    asks_a_proxy,
    basic,
    lets_a_reader_look_only,
    refuses_strangers,
)

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

SERVICES = {"postgres", "code", "operate", "read", "daemon", "caddy", ONE_SHOT}
COUNT = "SELECT count(*) FROM raw_tiny.files__people"
WHERE = 'repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "omics_orchestrator"}'
TICKS = {
    "schedules": "{schedulesOrError(%s) {... on Schedules {results {scheduleState {ticks(limit: 20) {status}}}}}}",
    "sensors": "{sensorsOrError(%s) {... on Sensors {results {sensorState {ticks(limit: 20) {status}}}}}}",
}
RUNS = "{runsOrError {... on Runs {results {runId status}}}}"


def ended_ticks(front, kind):
    """Return how many ticks of all schedules or sensors were evaluated without a failure."""
    (answer,) = front.graphql("/graphql", TICKS[kind] % WHERE, READER)["data"].values()
    states = [next(iter(one.values())) for one in answer["results"]]
    return sum(tick["status"] in {"SUCCESS", "SKIPPED"} for state in states for tick in state["ticks"])


def runs(front):
    found = front.graphql("/graphql", RUNS, READER)["data"]["runsOrError"]["results"]
    return {one["runId"]: one["status"] for one in found}


def green(front):
    return {run for run, status in runs(front).items() if status == "SUCCESS"}


def test_every_service_is_healthy(copy, measured):
    assert set(copy.containers()) == SERVICES
    assert copy.not_healthy() == {}
    ids = [one["Id"] for name, one in copy.containers().items() if name != ONE_SHOT]
    table = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids)
    for line in sorted(table.splitlines()):
        measured.append(f"memory at rest: {line.removeprefix(copy.project).strip('_-').split(' /')[0]}")


def test_only_caddy_is_published(copy):
    published = {
        name: bound
        for name, one in copy.containers().items()
        if (bound := {port: where for port, where in one["NetworkSettings"]["Ports"].items() if where})
    }
    assert published == {"caddy": {"443/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(copy.port)}]}}


def test_no_process_is_root(copy):
    for name, one in copy.containers().items():
        if name != ONE_SHOT:
            lines = docker("top", one["Id"], "-o", "pid,uid,comm").splitlines()[1:]
            assert lines
            assert [line for line in lines if line.split()[1] == "0"] == [], name


def test_nothing_without_a_password(copy):
    refuses_strangers(copy.front())


def test_a_reader_looks_and_changes_nothing(copy):
    lets_a_reader_look_only(copy.front())


def test_an_operator_s_run_ends_green_in_postgres(copy, measured):
    front = copy.front()
    started = time.monotonic()
    assert front.run_ended(front.launch(PEOPLE)) == "SUCCESS"
    measured.append(f"a run through Caddy, from the click to its end: {time.monotonic() - started:.0f} s")
    assert copy.sql(COUNT) == "3"


def test_secrets_are_in_no_environment_and_in_no_log(copy):
    hidden = [
        PASSWORD,
        "p%40ss",
        TOKEN,
        OBJECT_SECRET,
        *(basic(user).split()[1] for user in (READER, OPERATOR)),
    ]
    for name, one in copy.containers().items():
        described, said = json.dumps(one), docker("logs", one["Id"])
        assert [number for number, secret in enumerate(hidden) if secret in described] == [], name
        assert [number for number, secret in enumerate(hidden) if secret in said] == [], name
    said = docker("logs", copy.containers()["caddy"]["Id"])
    assert "/operate/graphql" in said  # the log of the door is there, without what was asked


def test_down_and_up_keep_everything(copy, measured):
    assert wait_until(lambda: not set(runs(copy.front()).values()) - {"SUCCESS", "FAILURE"}, 300)
    before = copy.authority(), copy.sql(COUNT)
    ended = green(copy.front())
    assert ended
    started = time.monotonic()
    copy.down()
    measured.append(f"`down`: {time.monotonic() - started:.0f} s")
    assert copy.containers() == {}
    started = time.monotonic()
    copy.up()
    measured.append(f"`up` on what was kept: {time.monotonic() - started:.0f} s")
    assert (copy.authority(), copy.sql(COUNT)) == before
    assert ended <= green(copy.front())
    assert PASSWORD not in docker("logs", copy.containers()["postgres"]["Id"])


class TestRunsInContainersOfTheirOwn:
    """docker-compose.docker-runs.yml."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def overlay(cls, copy):
        socket = copy.engine_socket()
        copy.environment["OMICS_DOCKER_SOCKET"] = str(socket)
        copy.environment["OMICS_DOCKER_GROUP"] = str(socket.stat().st_gid)
        copy.overlays.append("docker-compose.docker-runs.yml")
        copy.up()
        yield
        copy.overlays.clear()
        copy.up()

    def containers_of_runs(self, copy):
        asked = [
            "--filter",
            f"label=com.docker.compose.project={copy.project}",
            "--filter",
            "label=dagster/run_id",
        ]
        ids = docker("ps", "--all", "--quiet", *asked).split()
        return {
            one["Config"]["Labels"]["dagster/run_id"]: one
            for one in (json.loads(docker("inspect", *ids)) if ids else [])
        }

    def test_a_run_has_a_container_like_the_daemon_s_without_the_socket(self, copy, measured):
        front = copy.front()
        started = time.monotonic()
        run = front.launch(PEOPLE)
        assert front.run_ended(run) == "SUCCESS"
        measured.append(f"a run in a container of its own: {time.monotonic() - started:.0f} s")
        made, daemon = self.containers_of_runs(copy)[run], copy.containers()["daemon"]
        assert made["Image"] == daemon["Image"]
        targets = {mount["Destination"] for mount in daemon["Mounts"]}
        assert {mount["Destination"] for mount in made["Mounts"]} == targets - {"/var/run/docker.sock"}
        assert made["HostConfig"]["CapDrop"] == ["ALL"]
        assert made["NetworkSettings"]["Networks"].keys() == daemon["NetworkSettings"]["Networks"].keys()
        for secret in (PASSWORD, TOKEN):
            assert secret not in json.dumps(made) + docker("logs", made["Id"])

    def test_a_killed_container_is_a_failed_run_and_the_next_one_repairs(self, copy, measured):
        front = copy.front()
        with copy.held("raw_tiny.files__people"):
            run = front.launch(PEOPLE)
            assert wait_until(lambda: runs(front)[run] == "STARTED", 120), runs(front)[run]
            docker("kill", self.containers_of_runs(copy)[run]["Id"])
            started = time.monotonic()
            assert front.run_ended(run) == "FAILURE"
            measured.append(
                f"a killed container is told as a failed run after {time.monotonic() - started:.0f} s"
            )
        assert front.run_ended(front.launch(PEOPLE)) == "SUCCESS"
        assert copy.sql(COUNT) == "3"
        assert run not in self.containers_of_runs(copy)  # ended ones go when the next run is launched

    def test_an_operator_stops_a_run(self, copy):
        front = copy.front()
        with copy.held("raw_tiny.files__people"):
            run = front.launch(PEOPLE)
            assert wait_until(lambda: runs(front)[run] == "STARTED", 120), runs(front)[run]
            stop = 'mutation {terminateRun(runId: "%s") {__typename}}' % run  # noqa: UP031
            answer = front.graphql("/operate/graphql", stop, OPERATOR)["data"]["terminateRun"]["__typename"]
            assert answer == "TerminateRunSuccess"
            assert front.run_ended(run, 600) == "CANCELED"

    def test_down_ends_runs_too(self, copy):
        front = copy.front()
        with copy.held("raw_tiny.files__people"):
            run = front.launch(PEOPLE)
            assert wait_until(lambda: runs(front)[run] == "STARTED", 120), runs(front)[run]
            copy.down()
        assert self.containers_of_runs(copy) == {}
        copy.up()
        assert front.run_ended(run) in {"FAILURE", "CANCELED"}


class TestObjects:
    """The profile `objects`: our own store in a bucket inside the stack."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def bucket(cls, copy, objects_image):
        settings = copy.folder / "server" / "studies.env"
        before = settings.read_text()
        settings.write_text(
            before + "OMICS_STORE_URL=s3://omics\nOMICS_STORE_ENDPOINT=http://objects:8333\n"
            "OMICS_STORE_REGION=us-east-1\nOMICS_STORE_ACCESS_KEY_ID_FILE=/run/study_secrets/objects_key\n"
            "OMICS_STORE_SECRET_ACCESS_KEY_FILE=/run/study_secrets/objects_secret\n"
        )
        copy.environment |= {"COMPOSE_PROFILES": "objects", "OMICS_OBJECTS_IMAGE": objects_image}
        copy.up()
        yield
        del copy.environment["COMPOSE_PROFILES"]
        settings.write_text(before)
        copy.compose("--profile", "objects", "stop", "objects")
        copy.compose("--profile", "objects", "rm", "--force", "objects")
        copy.up()

    def test_a_matrix_lies_in_the_bucket(self, copy):
        made = (
            "from omics_orchestrator.orchestration.resources import S3Store\n"
            "S3Store().get_client().create_bucket(Bucket='omics')\n"
        )
        copy.compose("exec", "-T", "code", "python", "-c", made)
        front = copy.front()
        keys = ("files/tiny/metabolomics", "matrix/tiny/metabolomics")
        everything = [PEOPLE, "raw/tiny/files/visits", "harmonised/tiny/participant", "harmonised/tiny/visit",
                      "harmonised/tiny/sample", *keys]  # fmt: skip
        assert front.run_ended(front.launch(*everything)) == "SUCCESS"
        found = copy.compose("exec", "-T", "objects", "find", "/data/omics", "-type", "f").split()
        assert [name for name in found if "matrix" in name or "tiny" in name]
        loaded = "from omics_orchestrator import load; print(load('matrix/tiny/metabolomics').shape)"
        assert re.search(r"\(4, 2\)|\(2, 4\)", copy.compose("exec", "-T", "code", "python", "-c", loaded))


class TestOidc:
    """OMICS_AUTH=oidc with the profile `oidc`."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def proxy(cls, copy, oidc_image):
        copy.environment |= {"COMPOSE_PROFILES": "oidc", "OMICS_OIDC_IMAGE": oidc_image, "OMICS_AUTH": "oidc"}
        copy.up()
        yield
        for name in ("COMPOSE_PROFILES", "OMICS_AUTH"):
            del copy.environment[name]
        copy.up()

    def test_groups_open_the_doors_and_passwords_none(self, copy):
        asks_a_proxy(copy.front())


def test_a_schedule_and_a_sensor_tick(copy):
    """Last: the schedule asks every quarter of an hour."""
    front = copy.front()
    assert wait_until(lambda: ended_ticks(front, "sensors") > 0, 300)
    assert wait_until(lambda: ended_ticks(front, "schedules") > 0, 1000)
