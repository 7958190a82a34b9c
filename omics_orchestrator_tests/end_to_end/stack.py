"""The server stack as it is met in front of Caddy: its users, its routes, questions with and without password."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from omics_orchestrator_tests.end_to_end.processes import wait_until

READER, OPERATOR = ("rita", "reading"), ("otto", "operating")
ROUTES = (
    "/",
    "/graphql",
    "/server_info",
    "/assets",
    "/operate",
    "/operate/",
    "/operate/graphql",
    "/logs/x",
    "/report_asset_materialization/raw/tiny/files/people",
    "/report_asset_check/raw/tiny/files/people",
    "/report_asset_observation/raw/tiny/files/people",
    "/operate/report_asset_materialization/raw/tiny/files/people",
    "/%67raphql",
)
CHANGES = ("PUT", "DELETE", "PATCH")


def launch(*keys: str) -> str:
    """Return the mutation that launches a run of assets."""
    selection = ", ".join("{path: %s}" % json.dumps(key.split("/")) for key in keys)  # noqa: UP031
    return (
        'mutation {launchRun(executionParams: {selector: {repositoryLocationName: "omics_orchestrator",'
        f' repositoryName: "__repository__", pipelineName: "__ASSET_JOB", assetSelection: [{selection}]}},'
        ' runConfigData: "{}"}) {__typename ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}}'
    )


PEOPLE = "raw/tiny/files/people"
LAUNCH = launch(PEOPLE)
WIPE = """mutation {wipeAssets(assetPartitionRanges: [
 {assetKey: {path: ["raw", "tiny", "files", "people"]}}]) {__typename}}"""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Stack:
    """The running stack as somebody outside sees it."""

    port: int
    context: ssl.SSLContext
    database: str = ""

    def ask(
        self,
        path: str,
        user: tuple[str, str] | None = None,
        body: object = None,
        method: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if user:
            sent["Authorization"] = basic(user)
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(f"https://localhost:{self.port}{path}", content, sent, method=method)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.context), NoRedirect)
        try:
            with opener.open(request, timeout=90) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def graphql(self, path: str, query: str, user: tuple[str, str]) -> Any:
        status, _, content = self.ask(path, user, {"query": query})
        assert status == 200, content
        return json.loads(content)

    def run_ended(self, run: str, seconds: float = 300) -> str:
        """Wait for a run and return how it stands then."""
        query = '{runOrError(runId: "%s") {... on Run {status}}}' % run  # noqa: UP031
        status = ""

        def ended() -> bool:
            nonlocal status
            status = self.graphql("/graphql", query, READER)["data"]["runOrError"]["status"]
            return status in {"SUCCESS", "FAILURE", "CANCELED"}

        wait_until(ended, seconds)
        return status

    def launch(self, *keys: str) -> str:
        """Launch a run as the operator does and return its id."""
        launched = self.graphql("/operate/graphql", launch(*keys), OPERATOR)["data"]["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def websocket(self, path: str, user: tuple[str, str] | None, origin: str | None = None) -> int:
        """Return the status with which a websocket is answered."""
        lines = [
            f"GET {path} HTTP/1.1", f"Host: localhost:{self.port}", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol: graphql-ws",
        ]  # fmt: skip
        lines += [f"Authorization: {basic(user)}"] if user else []
        lines += [f"Origin: {origin}"] if origin else []
        plain = socket.create_connection(("localhost", self.port), 30)
        with self.context.wrap_socket(plain, server_hostname="localhost") as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            return int(line.recv(100).split()[1])


def basic(user: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(user).encode()).decode()


def refuses_strangers(front: Stack) -> None:
    """Hold every route against somebody without a password, or with a wrong one."""
    for route in ROUTES:
        for user in (None, ("rita", "wrong"), ("nobody", "reading")):
            assert front.ask(route, user)[0] == 401, (route, user)
            assert front.ask(route, user, {"query": "{version}"})[0] == 401, (route, user)
    for route in ("/graphql", "/operate/graphql"):
        assert front.websocket(route, None) == 401


def lets_a_reader_look_only(front: Stack) -> None:
    """Try everything that changes something as a reader."""
    assert front.graphql("/graphql", "{version}", READER)["data"]["version"]
    assert front.websocket("/graphql", READER) == 101
    for mutation in (LAUNCH, WIPE):
        (kind,) = front.graphql("/graphql", mutation, READER)["data"].values()
        assert kind["__typename"] == "UnauthorizedError"
    for route in ("/operate", "/operate/", "/operate/graphql", "/%6fperate/graphql", "//operate/graphql"):
        assert front.ask(route, READER, {"query": LAUNCH})[0] in {401, 405}, route
    assert front.websocket("/operate/graphql", READER) == 401
    assert front.ask(f"/report_asset_materialization/{PEOPLE}", READER, {})[0] == 405
    for method in CHANGES:
        assert front.ask("/graphql", READER, {}, method)[0] == 405, method


def asks_a_proxy(front: Stack) -> None:
    """Try the doors behind an OIDC proxy: a group's cookie opens its own, a password none."""
    for route in ROUTES:
        status, headers, _ = front.ask(route, OPERATOR)
        assert (status, headers["Location"][:19]) == (302, "/oauth2/start?rd=ht"), route
    for route in ("/graphql", "/operate/graphql"):
        assert front.websocket(route, OPERATOR) == 302
    assert front.ask("/oauth2/start")[0] == 200
    assert front.ask("/server_info", Cookie="group=omics-readers")[0] == 200
    assert front.ask("/operate/server_info", Cookie="group=omics-readers")[0] == 403
    assert front.ask("/operate/server_info", Cookie="group=omics-operators")[0] == 200
    assert front.ask("/server_info", Cookie="group=others")[0] == 403
