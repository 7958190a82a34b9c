"""An S3 server of the tests with one bucket in memory that fails as it is told: overload, cuts, stalls, denials."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "lab"
PAGE = 2  # objects of one page of the listing


@dataclass
class FailingServer:
    """Objects by key, and what goes wrong with a key (or with `list`, the second page of the listing).

    Attributes:
        faults: key → (word, how often); words: 500, 503, 403, truncate, shorten, stall, reset.
        requests: how many were answered, well or not.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, tuple[str, int]] = field(default_factory=dict)
    requests: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, key: str) -> str:
        with self._lock:
            self.requests += 1
            word, left = self.faults.get(key, ("", 0))
            if left <= 0:
                return ""
            self.faults[key] = (word, left - 1)
            return word


def etag(raw: bytes) -> str:
    return f'"{hashlib.md5(raw).hexdigest()}"'


def listing(server: FailingServer, query: dict[str, list[str]]) -> bytes:
    prefix, start = query.get("prefix", [""])[0], int(query.get("continuation-token", ["0"])[0])
    found = sorted(key for key in list(server.objects) if key.startswith(prefix))
    more = len(found) > start + PAGE
    token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>{escape(etag(server.objects[key]))}</ETag><Size>{len(server.objects[key])}</Size></Contents>"
        for key in found[start : start + PAGE]
    )
    state = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
    return f"<ListBucketResult>{state}{entries}</ListBucketResult>".encode()


def answering(server: FailingServer) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            key = unquote(parts.path).removeprefix(f"/{BUCKET}").strip("/")
            query = parse_qs(parts.query)
            if not key:
                word = server.fault("list") if "continuation-token" in query else ""
                self.give(word, 200, listing(server, query), {})
                return
            word = server.fault(key)
            raw = server.objects.get(key)
            if raw is None:
                self.give("", 404, b"<Error><Code>NoSuchKey</Code></Error>", {})
                return
            told = {"ETag": etag(raw), "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
            if asked := self.headers.get("Range"):
                first, _, last = asked.removeprefix("bytes=").partition("-")
                start, end = int(first), min(int(last or len(raw)), len(raw) - 1)
                told["Content-Range"] = f"bytes {start}-{end}/{len(raw)}"
                self.give(word, 206, raw[start : end + 1], told)
            else:
                self.give(word, 200, raw, told)

        def give(self, word: str, status: int, body: bytes, headers: dict[str, str]) -> None:
            if word.isdigit():
                status, body = int(word), b"<Error><Code>SlowDown</Code></Error>"
            if word == "reset":  # no FIN but a RST: the client sees "connection reset by peer"
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            if word == "shorten":  # a proxy that cut the body and counted what it has
                body = body[: len(body) // 2]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(body[: len(body) // 2] if word in {"truncate", "stall"} else body)
            self.wfile.flush()
            if word == "stall":
                time.sleep(3)
            if word in {"truncate", "stall"}:
                self.close_connection = True

        def finish(self) -> None:
            with suppress(OSError):  # the connection was reset on purpose
                super().finish()

        def log_message(self, *_: object) -> None:
            pass

    return Answer


@contextmanager
def failing_server() -> Iterator[FailingServer]:
    server = FailingServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), answering(server))
    http.daemon_threads = True
    http.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.port = http.server_port
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield server
    http.shutdown()
    http.server_close()
