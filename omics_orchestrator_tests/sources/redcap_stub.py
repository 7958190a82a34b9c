"""A small REDCap server for tests of the client: one project from its JSON answers, and a script of what goes wrong.

It is no part of the demo's server (demo/redcap_server.py) and shares nothing with the client.
"""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "A1B2C3D4E5F60718293A4B5C6D7E8F90"
NOW = 1_700_000_000  # 2023-11-14 22:13:20 UTC
Words = dict[str, Any]
Row = dict[str, Any]
Fault = Callable[["Reply", Words], None]
PLACES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")


class Reply:
    """What will be sent; faults change it. `cut`: so many bytes come, then the connection is closed."""

    def __init__(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.status, self.body, self.headers = status, body, {"Content-Type": kind}
        self.cut: int | None = None
        self.length = True


class Stub:
    """The server. `answers`: content → rows, or an error; `fault`: looks at every request before it is answered."""

    def __init__(self, answers: dict[str, Any], *, log: bool = True) -> None:
        self.answers = answers
        self.log = log
        self.entries: list[dict[str, str]] = []
        self.touched: dict[str, str] = {}
        self.asked: list[Words] = []
        self.fault: Fault | None = None
        self.now = NOW
        self.files: dict[tuple[str, ...], bytes] = {}
        self.hidden: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def id_field(self) -> str:
        return str(self.answers["metadata"][0]["field_name"])

    @property
    def records(self) -> list[Row]:
        return self.answers["records"]  # type: ignore[no-any-return]

    def stamp(self, record: str, action: str = "Update record") -> None:
        """Write into the log that a record changed now."""
        self.now += 60
        text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.now))
        self.touched[record] = text
        self.entries.append(
            {
                "timestamp": text[:16],
                "username": "u",
                "action": f"{action} {record}",
                "details": "",
                "record": record,
            }
        )

    def edit(self, record: str, form: str, column: str, value: str) -> None:
        for row in self.records:
            if row[self.id_field] == record and row.get("redcap_repeat_instrument", "") in ("", form):
                row[column] = value
        self.stamp(record)

    def delete(self, record: str) -> None:
        self.records[:] = [row for row in self.records if row[self.id_field] != record]
        self.touched.pop(record, None)
        self.entries.append(
            {"timestamp": "2023-11-14 22:14", "action": f"Delete record {record}", "record": record}
        )

    def rename(self, record: str, new: str, *, told: bool = True) -> None:
        for row in self.records:
            if row[self.id_field] == record:
                row[self.id_field] = new
        if told:
            self.stamp(new)
        self.touched.pop(record, None)

    def contents(self) -> list[str]:
        return [words["content"] for words in self.asked]

    def answer(self, words: Words) -> Reply:
        if words.get("token") != TOKEN:
            return error(403, "You do not have permissions to use the API")
        content = words["content"]
        if content == "version":
            return Reply(200, b"14.5.5", "text/html")
        if content == "record":
            return self._records(words)
        if content == "file":
            return self._file(words)
        if content == "log" and not self.log:
            return error(403, "You do not have permissions to use the API (Logging)")
        known = {
            "log": self.entries,
            "dag": [],
            "event": self.answers.get("events", error(400, "classic projects")),
        }
        found = known.get(content, self.answers.get(content, []))
        if isinstance(found, Reply):
            return found
        if words["format"] == "csv":
            return Reply(200, as_csv(list(found[0]) if found else [], found), "text/csv")
        return Reply(200, json.dumps(found).encode(), "application/json")

    def _records(self, words: Words) -> Reply:
        with self._lock:
            names = self._names(words)
            if isinstance(names, Reply):
                return names
            wanted = set(words.get("records", ()))
            rows = []
            for row in self.records:
                record = row[self.id_field]
                if wanted and record not in wanted:
                    continue
                if "dateRangeBegin" in words and self.touched.get(record, "") < words["dateRangeBegin"]:
                    continue
                rows.append({name: row.get(name, "") for name in names})
        return Reply(200, as_csv(names, rows) if rows else b"\n", "text/csv; charset=utf-8")

    def _names(self, words: Words) -> list[str] | Reply:
        fields = words.get("fields", [])
        known = {row["field_name"] for row in self.answers["metadata"]}
        known |= {f"{row['form_name']}_complete" for row in self.answers["metadata"]}
        if not set(fields) <= known:
            return error(400, 'The following values in the parameter "fields" are not valid')
        exported: dict[str, list[str]] = {}
        for row in self.answers["exportFieldNames"]:
            exported.setdefault(row["original_field_name"], []).append(row["export_field_name"])
        asked = [
            name for field in fields if field not in self.hidden for name in exported.get(field, [field])
        ]
        places = [name for name in PLACES if any(name in row for row in self.records)]
        return [self.id_field, *places, *(name for name in asked if name != self.id_field)]

    def _file(self, words: Words) -> Reply:
        place = (words["record"], words["field"], words.get("event", ""), words.get("repeat_instance", ""))
        if place not in self.files:
            return error(400, "There is no file to download for this record")
        return Reply(200, self.files[place], 'application/octet-stream; name="scan.png"')

    def _handler(stub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                words = parsed(body.decode())
                with stub._lock:
                    stub.asked.append(words)
                reply = stub.answer(words)
                if stub.fault:
                    stub.fault(reply, words)
                self.send_response_only(reply.status)
                self.send_header("Date", formatdate(stub.now, usegmt=True))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.length:
                    self.send_header("Content-Length", str(len(reply.body)))
                else:
                    self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
                self.close_connection = reply.cut is not None or not reply.length

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        return Handler


def parsed(body: str) -> Words:
    """Return the words of a form; `fields[0]`, `fields[1]` … become a list."""
    words: Words = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        if name.endswith("]"):
            words.setdefault(name.split("[")[0], []).append(value)
        else:
            words[name] = value
    return words


def as_csv(names: list[str], rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in names] for row in rows)
    return text.getvalue().encode()


def error(status: int, text: str) -> Reply:
    return Reply(status, json.dumps({"error": text}).encode(), "application/json")
