"""A server on this machine that answers like REDCap's API, for the demo and the tests; it shares no code with readers.

Stateful: what is edited, renamed or deleted in a project is in its next answer. Not a REDCap: it only exports.

    python -m omics_orchestrator.demo.redcap_server FOLDER --port 8081
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from urllib.parse import parse_qsl

from omics_orchestrator.demo.redcap_answers import TYPES, Answer, answer, refusal
from omics_orchestrator.demo.redcap_faults import BANNED, DATABASE_DOWN, HTML, MEMORY, Fault, Faults
from omics_orchestrator.demo.redcap_folder import load_project
from omics_orchestrator.demo.redcap_store import RedcapProject, Rights

PATHS = ("/api/", "/api/index.php")
TEXTS = {"database_down": DATABASE_DOWN, "html": HTML, "memory": MEMORY}
CACHED = 200  # answers kept while a project's state is the same


@dataclass(frozen=True)
class Request:
    """One request as it came: its parameters without the token, the token, the answer's status and bytes."""

    asked: Mapping[str, str]
    token: str
    status: int
    sent: int


@dataclass
class Token:
    """What a token opens."""

    project: RedcapProject
    rights: Rights = field(default_factory=Rights)


class RedcapServer:
    """Serves projects on 127.0.0.1; a context manager.

    Attributes:
        tokens: token → project and rights; may be changed while it serves.
        faults: what shall go wrong.
        requests: every request that was answered, in order.
        before: called with the parameters of each request before it is answered.
        clock: the present, in UTC, as the `Date` header tells it.
    """

    def __init__(self, projects: Mapping[str, RedcapProject | Token], *, port: int = 0) -> None:
        self.tokens = {
            token: one if isinstance(one, Token) else Token(one) for token, one in projects.items()
        }
        self.faults = Faults()
        self.requests: list[Request] = []
        self.before: Callable[[Mapping[str, str]], None] = lambda _: None
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._answers: dict[tuple[object, ...], Answer] = {}
        self._lock = Lock()
        self._http = _Http(("127.0.0.1", port), self)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/api/"

    def start(self) -> RedcapServer:
        """Serve in a thread of this process."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End serving; the port is free afterwards."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> RedcapServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def sent(self) -> int:
        """Bytes of all answers so far."""
        return sum(request.sent for request in self.requests)

    def reply(self, token: str, asked: Mapping[str, str]) -> Answer:
        """Return the answer to a request, from memory while the project's state is the same."""
        if token not in self.tokens:
            return refusal(403, "You do not have permissions to use the API", asked)
        opened = self.tokens[token]
        rights = (opened.rights.export, opened.rights.hashed, opened.rights.dag, opened.rights.hidden_forms)
        key = (token, rights, opened.rights.log, opened.project.changes, *sorted(asked.items()))
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        made = answer(opened.project, opened.rights, asked)
        with self._lock:
            if len(self._answers) >= CACHED:
                self._answers.clear()
            self._answers[key] = made
        return made

    def forget(self) -> None:
        """Answer nothing from memory: a project was exchanged."""
        with self._lock:
            self._answers.clear()

    def saw(self, asked: Mapping[str, str], token: str, status: int, sent: int) -> None:
        """Remember a request."""
        with self._lock:
            self.requests.append(Request(asked, token, status, sent))


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], served: RedcapServer) -> None:
        self.served = served
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out at once
    server: _Http

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the server's own clock, as the `Date` header tells it."""
        return format_datetime(self.server.served.clock(), usegmt=True)

    def do_GET(self) -> None:
        """Answer as REDCap does: the API takes POST only."""
        self._send(
            Answer(405 if self.path in PATHS else 404, "text/html; charset=utf-8", HTML.encode()), None
        )

    def do_POST(self) -> None:
        """Answer one request."""
        served, body = self.server.served, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = dict(parse_qsl(body.decode(), keep_blank_values=True))
        token = asked.pop("token", "")
        if self.path not in PATHS:
            self._send(Answer(404, "text/html; charset=utf-8", HTML.encode()), None)
            return
        served.before(asked)
        made = served.reply(token, asked)
        fault = served.faults.of(asked, made.cells)
        if fault:
            made = _spoilt(made, fault, asked)
        self._send(made, fault, lambda sent: served.saw(asked, token, made.status, sent))

    def _send(self, made: Answer, fault: Fault | None, told: Callable[[int], None] = lambda _: None) -> None:
        """Send an answer; `told` hears before how many bytes of its body go out."""
        body = made.body
        zipped = "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1000 and fault is None
        if zipped:
            body = gzip.compress(body, 1)
        self.send_response(made.status)
        self.send_header("Content-Type", made.type)
        self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        if fault and fault.kind == "rate_limited":
            self.send_header("Retry-After", "0")
        self.end_headers()
        if fault and fault.kind == "killed":
            body, self.close_connection = body[: fault.size], True
        told(len(body))
        self.wfile.write(body)


def _spoilt(made: Answer, fault: Fault, asked: Mapping[str, str]) -> Answer:
    """Return the answer as the fault lets it be."""
    match fault.kind:
        case "status":
            return refusal(fault.status, "something went wrong on the server", asked)
        case "database_down" | "html" | "memory":
            return Answer(200, "text/html; charset=utf-8", TEXTS[fault.kind].encode())
        case "banned":
            return Answer(403, "text/html; charset=utf-8", BANNED.encode())
        case "rate_limited":
            return refusal(429, "too many requests", asked)
        case "slow":
            time.sleep(fault.size)
        case "empty_csv" if asked.get("format") == "csv":
            return Answer(200, TYPES["csv"], b"\n")
        case "garbage":
            return Answer(200, made.type, bytes(range(128, 256)) * 4)
        case "cut":
            return Answer(made.status, made.type, made.body[: fault.size])
        case "fewer_rows" | "fewer_records":
            return _shortened(made, fault)
    return made


def _shortened(made: Answer, fault: Fault) -> Answer:
    """Return a CSV answer without its last rows, or without the rows of its last records."""
    lines = made.body.splitlines(keepends=True)
    lost = fault.size or 1
    if fault.kind == "fewer_records":
        ids = list(dict.fromkeys(line.split(b",")[0] for line in lines[1:]))[-lost:]
        kept = [lines[0], *(line for line in lines[1:] if line.split(b",")[0] not in ids)]
    else:
        kept = lines[: max(1, len(lines) - lost)]
    return Answer(made.status, made.type, b"".join(kept))


@contextmanager
def serving(folders: Mapping[str, Path], *, port: int = 0) -> Iterator[RedcapServer]:
    """Serve the projects in folders, by token, as long as the block runs."""
    with RedcapServer(
        {token: load_project(folder) for token, folder in folders.items()}, port=port
    ) as server:
        yield server


def main() -> None:
    """Serve one folder until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve a folder as REDCap's API would.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default="DEMO")
    given = parser.parse_args()
    with serving({given.token: given.folder}, port=given.port) as server:
        print(f"{server.url}  token {given.token}  (Ctrl-C stops it)")  # noqa: T201 - what a person asked for
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
