"""The server stack without containers: the commands of docker-compose.yml behind Caddy, on an embedded Postgres."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import psycopg2
import pytest
import yaml

from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.compose.standins.oidc import Gate
from omics_orchestrator_tests.end_to_end.processes import answers, free_port, wait_until
from omics_orchestrator_tests.end_to_end.stack import (
    LAUNCH,
    OPERATOR,
    PEOPLE,
    READER,
    Stack,
    asks_a_proxy,
    basic,
    lets_a_reader_look_only,
    refuses_strangers,
)
from omics_orchestrator_tests.installation import Installation

pytestmark = pytest.mark.timeout(600)

PROGRAMS = Path(sys.executable).parent
USERS = WORKING_COPY / "omics_orchestrator_tests" / "end_to_end" / "users"


def service(name: str, port: int) -> list[str]:
    """Return the command of a service of docker-compose.yml, listening on a port of this machine."""
    words: list[str] = yaml.safe_load((WORKING_COPY / "docker-compose.yml").read_text())["services"][name][
        "command"
    ]
    changed = {"0.0.0.0": "127.0.0.1", "3000": str(port), "4000": str(port)}
    return [
        sys.executable,
        "-m",
        "omics_orchestrator.cli",
        "run",
        "--",
        *(changed.get(word, word) for word in words),
    ]


def caddy(folder: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    """Start Caddy with the Caddyfile of the stack."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "OMICS_SITE": f"localhost:{port}",
        "OMICS_USERS": str(USERS),
        "OMICS_CADDY_HEALTH": f"127.0.0.1:{free_port()}",
        **more,
    }
    command = [str(PROGRAMS / "caddy"), "run", "--config", str(WORKING_COPY / "Caddyfile")]
    with (folder / f"caddy_{port}.log").open("wb") as log:
        started = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    if not wait_until(lambda: answers(f"http://{variables['OMICS_CADDY_HEALTH']}/"), 30):
        started.kill()
        pytest.fail("Caddy did not start")
    authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    assert wait_until(
        lambda: authority.exists() and any(folder.glob("caddy/certificates/local/localhost/*.json")), 30
    )
    return started


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "caddy" / "pki" / "authorities" / "local" / "root.crt")


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was asked to end; Dagster's code server may wait for its clients for ever."""
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(20)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Iterator[tuple[Stack, dict[str, str], Path]]:
    folder = tmp_path_factory.mktemp("stack")
    server = ensure_server(settings)
    password = "p@ss:/ word"
    connection = psycopg2.connect(server.url("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS stack_owner")
        cursor.execute("CREATE ROLE stack_owner LOGIN SUPERUSER PASSWORD %s", (password,))
    (folder / "password").write_text(f"{password}\n")
    place = server.url("stack").rpartition("@")[2]
    url = f"postgresql://stack_owner@{place}"
    made = Installation(folder, settings, database_url=url, dagster_url=f"{url}_dagster")
    code, operate, read, port = (free_port() for _ in range(4))
    environment = {
        **made.environment(),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "OMICS_DATABASE_PASSWORD_FILE": str(folder / "password"),
        "OMICS_CODE_HOST": "127.0.0.1",
        "OMICS_CODE_PORT": str(code),
        "OMICS_LOG": "json",  # as docker-compose.yml has it
    }
    processes = []

    def run(name: str, number: int) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    service(name, number), env=environment, cwd=WORKING_COPY, stdout=log, stderr=log
                )
            )

    try:
        run("code", code)
        assert wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", code)) == 0, 120), (
            folder / "code.log"
        ).read_text()
        run("operate", operate)
        assert wait_until(lambda: answers(f"http://127.0.0.1:{operate}/operate/server_info"), 120)
        run("read", read)
        run("daemon", 0)
        assert wait_until(lambda: answers(f"http://127.0.0.1:{read}/server_info"), 120)
        behind = {
            "OMICS_READ_UPSTREAM": f"127.0.0.1:{read}",
            "OMICS_OPERATE_UPSTREAM": f"127.0.0.1:{operate}",
        }
        processes.append(caddy(folder, port, **behind))
        yield Stack(port, trusting(folder), server.url("stack")), behind, folder
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            _ended(process)
        with connection.cursor() as cursor:
            for name in ("stack", "stack_dagster"):
                cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute("DROP ROLE stack_owner")
        connection.close()


def test_nothing_without_a_password(stack):
    refuses_strangers(stack[0])


def test_a_reader_looks_and_changes_nothing(stack):
    front, *_ = stack
    lets_a_reader_look_only(front)
    asked = front.graphql(
        "/operate/graphql",
        "{runsOrError {... on Runs {results {tags {key} assetSelection {path}}}}}",
        OPERATOR,
    )["data"]["runsOrError"]["results"]
    by_sensor = [run for run in asked if "dagster/sensor_name" in {tag["key"] for tag in run["tags"]}]
    assert asked == by_sensor  # the daemon's own sensors are at work; nobody else launched anything
    assert ["raw", "tiny", "files", "people"] not in [
        one["path"] for run in asked for one in run["assetSelection"] or []
    ]


def test_another_site_cannot_speak_for_somebody(stack):
    front, *_ = stack
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        for route in ("/graphql", "/operate/graphql"):
            assert front.ask(route, OPERATOR, {"query": LAUNCH}, **headers)[0] == 403
    assert front.websocket("/operate/graphql", OPERATOR, "https://evil.example") == 403
    assert front.websocket("/operate/graphql", OPERATOR, f"https://localhost:{front.port}") == 101


def test_headers_protect_the_browser(stack):
    _, headers, _ = stack[0].ask("/", READER)
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Server" not in headers


def test_an_operator_s_run_ends_green_in_postgres(stack):
    front, _, folder = stack
    assert front.run_ended(front.launch(PEOPLE)) == "SUCCESS"
    with psycopg2.connect(front.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM raw_tiny.files__people")
        assert cursor.fetchone() == (3,)
    logs = "".join(log.read_text() for log in folder.glob("*.log"))
    assert "p@ss" not in logs
    assert "p%40ss" not in logs
    for user in (READER, OPERATOR):
        assert basic(user).removeprefix("Basic ") not in logs
    for name in ("code", "operate", "read", "daemon"):
        lines = (folder / f"{name}.log").read_text().splitlines()
        assert lines, name
        assert [line for line in lines if not _is_told(line)] == [], name


def _is_told(line: str) -> bool:
    """Tell whether a line of a log is JSON of ours, or said before any of our code is read."""
    if (
        line.startswith("the daemon of this installation")
        or "INFO" in line
        and " code server for module " in line
    ):
        return True
    return {"time", "level", "message"} <= set(json.loads(line))


class Echo(Gate):
    """A webserver that answers with what it was sent."""

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        said = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a port of this machine; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def test_an_oidc_proxy_instead_of_passwords(stack):
    front, behind, folder = stack
    port = free_port()
    with serving(Gate) as gate:
        process = caddy(folder, port, OMICS_AUTH="oidc", OMICS_OIDC_PROXY=gate, **behind)
        try:
            door = Stack(port, front.context)
            asks_a_proxy(door)
        finally:
            process.terminate()
            process.wait(30)


def test_who_an_oidc_proxy_names_is_passed_on_and_logged(stack):
    front, behind, folder = stack
    port = free_port()
    with serving(Gate) as gate, serving(Echo) as echo:
        process = caddy(
            folder,
            port,
            **{**behind, "OMICS_AUTH": "oidc", "OMICS_OIDC_PROXY": gate, "OMICS_READ_UPSTREAM": echo},
        )
        try:
            door = Stack(port, front.context)
            assert door.ask("/oauth2/callback?code=of-the-provider&state=of-ours")[0] == 401
            _, _, sent = door.ask(
                "/server_info",
                OPERATOR,
                Cookie="group=omics-readers",
                X_Auth_Request_User="root",
                X_Auth_Request_Groups="omics-operators",
            )
        finally:
            process.terminate()
            process.wait(30)
    told = {name.casefold(): value for name, value in json.loads(sent).items()}
    assert told["x-auth-request-user"] == "olga"
    assert not {"x-auth-request-groups", "authorization"} & told.keys()
    said = (folder / f"caddy_{port}.log").read_text()
    assert '"user":"olga"' in said
    assert not [secret for secret in ("of-the-provider", "of-ours", "group=omics") if secret in said]


def test_a_missing_file_of_users_stops_caddy(tmp_path):
    (tmp_path / "readers").write_text("")
    command = [str(PROGRAMS / "caddy"), "validate", "--config", str(WORKING_COPY / "Caddyfile")]
    variables = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "OMICS_USERS": str(tmp_path)}
    assert subprocess.run(command, env=variables, capture_output=True).returncode != 0
    variables |= {"OMICS_USERS": str(USERS), "OMICS_AUTH": "none"}
    assert subprocess.run(command, env=variables, capture_output=True).returncode != 0
