"""A working copy of the server stack with files of its own: `server/`, a project name, a port, one tiny study."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator_tests.end_to_end.processes import free_port, wait_until
from omics_orchestrator_tests.end_to_end.stack import Stack
from omics_orchestrator_tests.installation import FILES, MAPPING, STUDY

FILES_OF_THE_STACK = (
    "Dockerfile",
    ".dockerignore",
    "Caddyfile",
    "docker-compose.yml",
    "docker-compose.docker-runs.yml",
)
USERS = WORKING_COPY / "omics_orchestrator_tests" / "end_to_end" / "users"
PASSWORD = "p@ss:/ word"
OBJECT_KEY, OBJECT_SECRET = "omicscomposekey1", "compose-secret-of-32-letters-now!"
STUDIES = """\
OMICS_STORE_TINY_URL=file:///sources/tiny
TINY_TOKEN_FILE=/run/study_secrets/tiny_token
"""
TOKEN = "token-of-a-redcap-server"
ONE_SHOT = "caddy_volume"


def engine() -> str:
    """Return why no stack can be brought up here; empty when it can."""
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not shutil.which("docker"):
        return "no program `docker` on PATH: the stack in containers was not tried"
    if subprocess.run(["docker", "version"], capture_output=True).returncode:
        return f"no Docker engine answers at {where} (DOCKER_HOST): the stack in containers was not tried"
    if not compose_program():
        return "neither `docker-compose` nor `docker compose` is here: the stack in containers was not tried"
    return ""


def compose_program() -> list[str]:
    """Return the words that begin a command of Compose; `OMICS_TEST_COMPOSE` chooses them."""
    if chosen := os.environ.get("OMICS_TEST_COMPOSE"):
        return shlex.split(chosen)
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    known = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    return ["docker", "compose"] if known else []


def docker(*words: str, check: bool = True) -> str:
    """Run the client of the engine and return what it printed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + (done.stderr if words[0] == "logs" else "")


def suppressing(work: Callable[[], object]) -> Callable[[], None]:
    """Return `work` for a thread that may be cut off."""

    def quietly() -> None:
        with suppress(AssertionError):
            work()

    return quietly


class WorkingCopy:
    """What an operator has in a folder, and the commands of Compose in it.

    Attributes:
        environment: the variables of Compose; a test may change them before `up`.
        overlays: further files of Compose.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = f"omics_compose_{os.getpid()}"
        self.port = free_port()
        self.overlays: list[str] = []
        self.environment: dict[str, str] = {
            "COMPOSE_PROJECT_NAME": self.project,
            "OMICS_PUBLISH": f"127.0.0.1:{self.port}",
            "OMICS_IMAGE": "omics_orchestrator:test-compose",
            "DOCKER_BUILDKIT": "0",
            **os.environ,
        }
        admitted = (WORKING_COPY / ".dockerignore").read_text().splitlines()
        for name in (*FILES_OF_THE_STACK, *(line[1:] for line in admitted if line.startswith("!"))):
            copy = shutil.copytree if (WORKING_COPY / name).is_dir() else shutil.copy
            copy(WORKING_COPY / name, folder / name)
        shutil.rmtree(folder / "data_dictionary" / "studies")
        study = folder / "data_dictionary" / "studies" / "tiny"
        study.mkdir(parents=True)
        (study / "study.yaml").write_text(STUDY.format(name="tiny"))
        (study / "mapping.yaml").write_text(MAPPING)
        self._serve()

    def _serve(self) -> None:
        server = self.folder / "server"
        for name in ("secrets", "certificates", "sources/tiny"):
            (server / name).mkdir(parents=True)
        shutil.copytree(USERS, server / "users")
        for name, text in FILES.items():
            (server / "sources" / "tiny" / name).write_text(text)
        (server / "studies.env").write_text(STUDIES)
        secrets = {
            "postgres_password": PASSWORD,
            "tiny_token": TOKEN,
            "objects_key": OBJECT_KEY,
            "objects_secret": OBJECT_SECRET,
            "objects.json": json.dumps(
                {
                    "identities": [
                        {
                            "name": "omics",
                            "credentials": [{"accessKey": OBJECT_KEY, "secretKey": OBJECT_SECRET}],
                            "actions": ["Admin", "Read", "Write", "List"],
                        }
                    ]
                }
            ),
            "oauth2-proxy.cfg": 'http_address = "0.0.0.0:4180"\n',
        }
        for name, text in secrets.items():
            (server / "secrets" / name).write_text(text)

    def compose(self, *words: str, check: bool = True) -> str:
        """Run Compose here and return what it printed."""
        files = [word for name in ("docker-compose.yml", *self.overlays) for word in ("--file", name)]
        done = subprocess.run(
            [*compose_program(), *files, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def up(self) -> None:
        """Start what is not running and wait until every service is healthy."""
        self.compose("up", "--detach")
        if not wait_until(lambda: not self.not_healthy(), 600):
            logs = self.compose("logs", "--no-color", "--tail", "40", check=False)
            pytest.fail(f"not healthy: {self.not_healthy()}\n{logs}")

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return service → what `docker inspect` says of its container."""
        ids = docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}"
        ).split()
        found = (
            json.loads(docker("inspect", *ids, check=False)) if ids else []
        )  # a run may have gone meanwhile
        label = "com.docker.compose.service"
        return {
            one["Config"]["Labels"][label]: one
            for one in found
            if one["Config"]["Labels"].get("com.docker.compose.oneoff") != "True"
        }

    def not_healthy(self) -> dict[str, str]:
        """Return service → its state, of those that are not as they should be."""
        states = {}
        for name, found in self.containers().items():
            state = found["State"]
            told = state.get("Health", {}).get("Status", "healthy" if state["Running"] else state["Status"])
            if name == ONE_SHOT:
                told = (
                    "healthy" if state["Status"] == "exited" and state["ExitCode"] == 0 else state["Status"]
                )
            if told != "healthy":
                states[name] = told
        return states

    def sql(self, statement: str) -> str:
        """Return what psql prints in the container of Postgres."""
        asked = ("psql", "--host=127.0.0.1", "--username=omics", "--dbname=omics", "-At", "-c", statement)
        return self.compose("exec", "-T", "-e", f"PGPASSWORD={PASSWORD}", "postgres", *asked).strip()

    @contextmanager
    def held(self, table: str) -> Iterator[None]:
        """Keep everybody else away from a table meanwhile, so that a run that needs it waits."""
        lock = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(900)"
        held = Thread(target=suppressing(lambda: self.sql(lock)), daemon=True)
        held.start()
        found = (
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
            f" AND relation = '{table}'::regclass"
        )
        assert wait_until(lambda: self.sql(found) == "1", 60)
        try:
            yield
        finally:
            with suppress(AssertionError):  # the stack may be down
                self.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'"
                )
            held.join(60)

    def engine_socket(self) -> Path:
        """Return the engine's socket on this machine."""
        address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not address.startswith("unix://"):
            pytest.skip(f"the engine at {address} has no socket on this machine that could be mounted")
        return Path(address.removeprefix("unix://"))

    def authority(self) -> str:
        """Return the certificate of Caddy's own authority."""
        return self.compose("exec", "-T", "caddy", "cat", "/data/caddy/pki/authorities/local/root.crt")

    def front(self) -> Stack:
        """Return the stack as it is met through Caddy."""
        return Stack(self.port, ssl.create_default_context(cadata=self.authority()))

    def down(self, *words: str) -> None:
        self.compose("--profile", "objects", "--profile", "oidc", "down", *words)

    def build(self, image: str, script: str, *programs: Path) -> str:
        """Build a stand-in `image` from our own: a Python script, and programs beside it."""
        folder = self.folder / "standins" / image.partition(":")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(__file__).parent / "standins" / script, folder / "standin.py")
        for program in programs:
            shutil.copy(program.resolve(), folder / program.name)
        (folder / "Dockerfile").write_text(
            f"FROM {self.environment['OMICS_IMAGE']}\nUSER root\nCOPY . /standin\nHEALTHCHECK NONE\n"
            'ENTRYPOINT ["python", "/standin/standin.py"]\n'
        )
        docker("build", "--quiet", "--tag", image, str(folder))
        return image
