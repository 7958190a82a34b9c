"""The REDCap client: what it sends, what it makes of every answer that is none, and what it never tells."""

from __future__ import annotations

import gzip
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources import redcap_api
from omics_orchestrator.sources.redcap_api import RedcapApi
from omics_orchestrator.sources.redcap_csv_answer import csv_table, read_csv
from omics_orchestrator.sources.redcap_pace import Pace, Patience, Stopped
from omics_orchestrator.sources.redcap_refusals import Cut, Passing, Refused, TooBig, seconds_of
from omics_orchestrator_tests.sources.redcap_stub import TOKEN, Reply, Stub

DATABASE = (
    b"The hostname (db) / username (redcap) / password (x) combination could not connect to the MySQL server."
)
MEMORY = (
    b"REDCap ran out of server memory. The request cannot be processed. Please try sending a smaller request."
)
PAGE = b"\n<!DOCTYPE html><html><body>Participant GID-1 is secret</body></html>"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(redcap_api, "PATIENCE", Patience(attempts=3, first=0.0, longest=5.0))


@pytest.fixture
def stub():
    records = [{"id": f"p{n}", "name": f"n{n}", "base_complete": "2"} for n in range(30)]
    fields = [{"field_name": name, "form_name": "base", "field_type": "text"} for name in ("id", "name")]
    names = [
        {"original_field_name": n, "choice_value": "", "export_field_name": n}
        for n in ("id", "name", "base_complete")
    ]
    server = Stub({"metadata": fields, "exportFieldNames": names, "records": records})
    yield server
    server.close()


@pytest.fixture
def api(stub) -> RedcapApi:
    return RedcapApi(stub.url, TOKEN, requests_per_second=1000, timeout=5)


def always(**change):
    """A fault: every answer has this status, body, headers …"""

    def fault(reply: Reply, _: object) -> None:
        headers = change.get("headers", {})
        reply.status, reply.body = change.get("status", 200), change.get("body", reply.body)
        reply.headers = {**reply.headers, **headers}
        reply.cut, reply.length = change.get("cut"), change.get("length", True)

    return fault


def once(**change):
    """A fault of the first answer only."""
    first = [always(**change)]
    return lambda reply, words: first.pop()(reply, words) if first else None


def records(api: RedcapApi, **words):
    return api.ask("record", csv_table("records"), fields=["id", "name"], **words)


def test_lists_are_indexed_and_records_come_last(api, stub):
    records(api, records=["p1", "p2"], exportBlankForGrayFormStatus=True)
    words = stub.asked[0]
    assert words["fields"] == ["id", "name"]
    assert words["records"] == ["p1", "p2"]
    assert list(words)[-1] == "records"
    assert words["exportBlankForGrayFormStatus"] == "true"
    assert (words["format"], words["returnFormat"]) == ("csv", "json")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "wrong token": ({"status": 401, "body": b'{"error":"no"}'}, "token is not accepted"),
    "no api right": (
        {"status": 403, "body": b'{"error":"You do not have permissions to use the API"}'},
        "API Export",
    ),
    "no right": (
        {"status": 403, "body": b'{"error":"You do not have permission to export"}'},
        "lacks the right",
    ),
    "banned": ({"status": 403, "body": PAGE}, "banned; ask its administrators to lift the ban"),
    "bad request": ({"status": 400, "body": b'{"error":"record GID-1 is bad"}'}, "HTTP 400"),
    "not found": ({"status": 404, "body": PAGE}, "url must be its API page"),
    "method": ({"status": 405, "body": PAGE}, "url must be its API page"),
    "length": ({"status": 411, "body": PAGE}, "url must be its API page"),
    "moved": ({"status": 302, "headers": {"Location": "http://elsewhere.example/"}}, "not followed"),
    "error as csv": ({"body": b'ERROR: You do not have permission for GID-1'}, "lacks the right"),
    "error as xml": ({"body": b"<?xml version='1.0'?><hash><error>bad GID-1</error></hash>"}, "refuses"),
    "not acceptable": ({"status": 406, "body": b"{}"}, "HTTP 406"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_asked_once(api, stub, case):
    change, told = REFUSED[case]
    stub.fault = always(**change)
    with pytest.raises(Refused, match=told) as raised:
        records(api)
    assert len(stub.asked) == 1
    assert not raised.value.retry
    assert TOKEN not in str(raised.value)
    assert "GID" not in str(raised.value)


PASSING: dict[str, tuple[dict[str, Any], type[Passing], str]] = {
    "database": ({"body": DATABASE}, Passing, "cannot reach its own database"),
    "database with 500": ({"status": 500, "body": DATABASE}, Passing, "its own database"),
    "web page": ({"body": PAGE}, Passing, "a web page came instead of data"),
    "memory": ({"body": MEMORY}, TooBig, "ran out of memory"),
    "memory behind data": ({"body": b"id\np1\n" + MEMORY}, TooBig, "ran out of memory"),
    "500": ({"status": 500, "body": b""}, TooBig, "HTTP 500"),
    "504": ({"status": 504, "body": PAGE}, TooBig, "HTTP 504"),
    "503": ({"status": 503, "body": PAGE}, Passing, "HTTP 503"),
    "429": ({"status": 429, "body": b""}, Passing, "lower requests_per_second"),
    "cut": ({"cut": 40}, Cut, "broke off"),
    "cut without length": ({"cut": 40, "length": False}, Cut, "middle of a line"),
    "cut packed": (
        {"body": gzip.compress(b"id,name\n" * 99)[:-12], "headers": {"Content-Encoding": "gzip"}},
        Cut,
        "broke off",
    ),
    "cut packed before any text": (
        {"body": gzip.compress(b"id,name\n" * 99)[:11], "headers": {"Content-Encoding": "gzip"}},
        Cut,
        "broke off",
    ),
    "not packed": ({"body": b"id,name\n", "headers": {"Content-Encoding": "gzip"}}, Cut, "broke off"),
}  # fmt: skip


@pytest.mark.parametrize("case", PASSING)
def test_what_may_pass_is_asked_again(api, stub, case):
    change, kind, told = PASSING[case]
    stub.fault = once(**change)
    assert records(api).num_rows == 30
    stub.fault = always(**change)
    with pytest.raises(kind, match=told) as raised:
        records(api)
    assert len(stub.asked) == 2 + 3
    assert raised.value.retry
    assert TOKEN not in str(raised.value)
    assert "GID" not in str(raised.value)


@pytest.mark.parametrize("case", ["memory", "500", "504"])
def test_too_much_at_once_is_told_at_once_to_who_can_divide(api, stub, case):
    stub.fault = always(**PASSING[case][0])
    with pytest.raises(TooBig):
        records(api, divisible=True)
    assert len(stub.asked) == 1


def test_a_silent_server(stub):
    silent = threading.Event()
    stub.fault = lambda *_: silent.wait(5)
    api = RedcapApi(stub.url, TOKEN, requests_per_second=1000, timeout=0.2)
    with pytest.raises(TooBig, match=r"no answer in 0\.2 seconds"):
        records(api, divisible=True)
    silent.set()


def test_a_server_that_asks_for_too_much_patience(api, stub):
    stub.fault = always(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(Passing):
        records(api)
    assert len(stub.asked) == 1


def test_seconds_to_wait():
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert seconds_of("17") == 17
    assert 50 < seconds_of(in_a_minute) <= 60
    assert seconds_of("soon") == 0


def test_nobody_there(stub, api):
    stub.close()
    with pytest.raises(Passing, match="does not accept connections"):
        records(api)


def test_a_name_that_no_machine_bears():
    api = RedcapApi("http://redcap.invalid/api/", TOKEN, timeout=5)
    with pytest.raises(Passing, match="no machine bears that name") as raised:
        records(api)
    assert raised.value.retry


@pytest.mark.parametrize("url", ["redcap.example.org/api", "ftp://redcap.example.org", "https://"])
def test_what_is_no_address(url):
    with pytest.raises(DeliveryError, match="begins with https"):
        RedcapApi(url, TOKEN)


def test_what_is_no_token():
    with pytest.raises(DeliveryError, match="neither letter nor digit") as raised:
        RedcapApi("https://redcap.example.org/api/", "abc def")
    assert "abc def" not in str(raised.value)


def test_the_token_shows_nowhere(api):
    assert TOKEN not in repr(api)


def test_a_packed_answer(api, stub):
    def pack(reply: Reply, _: object) -> None:
        reply.body = gzip.compress(reply.body)
        reply.headers["Content-Encoding"] = "gzip"

    stub.fault = pack
    assert records(api).num_rows == 30
    assert api.received == len(gzip.compress(b"")) or api.received > 0


def test_json_that_is_cut(api, stub):
    stub.fault = always(body=b'[{"field_name": "GID-1"')
    with pytest.raises(Cut, match="no whole JSON") as raised:
        api.rows("metadata")
    assert "GID" not in str(raised.value)


def test_json_of_another_shape(api, stub):
    stub.fault = always(body=b'["x"]')
    with pytest.raises(Refused, match="not shaped"):
        api.rows("metadata")


def test_half_a_surrogate_pair_is_no_text(api, stub):
    stub.fault = always(body=b'[{"field_label": "\\ud83d"}]')
    assert api.rows("metadata")[0] == [{"field_label": "?"}]


def test_the_servers_clock(api, stub):
    _, clock = api.rows("metadata")
    assert clock == datetime.fromtimestamp(stub.now, UTC)


def test_a_stopped_client_asks_nothing_more(api, stub):
    api.stop.set()
    with pytest.raises(Stopped):
        Pace().wait(0.001, api.stop)
    stub.fault = always(status=503)
    with pytest.raises((Stopped, Passing)):
        records(api)
    assert len(stub.asked) <= 1


def test_pace_is_shared_and_bounded():
    waits: list[float] = []

    class Watched(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    pace, stop = Pace(), Watched()
    for _ in range(12):
        pace.wait(5, stop)
    assert waits[:5] == [0.0] * 5
    assert waits[-1] > 1.0


def test_patience_grows_and_obeys():
    patience = Patience(first=1.0)
    assert 0.5 <= patience.seconds(1, 0) <= 1 < 2 <= patience.seconds(3, 0) <= 4
    assert patience.seconds(1, 30) == 30


class TestCsv:
    @pytest.mark.parametrize(
        "body",
        [
            b"id,a\n1,2\n3,4",
            b"id,a\n1,2\n3\n",
            b"id,a\n1,2\n3,4,5\n",
            b'id,a\n1,"x\n',
            b"id",
        ],
    )
    def test_what_is_not_whole(self, body):
        with pytest.raises(Cut) as raised:
            read_csv(body, "records")
        assert "3" not in str(raised.value)

    def test_every_cut_inside_a_line_is_seen(self):
        body = b'id,a,b\np1,"x\ny",2\np2,"say ""no""",\np3,,4\n'
        ends = {body.index(b"\n") + 1, body.index(b"2\n") + 2, body.index(b"p3"), len(body)}
        for cut in range(1, len(body)):
            if cut not in ends:
                with pytest.raises(Cut):
                    read_csv(body[:cut], "records")

    def test_cells_stay_text_as_they_are(self):
        table = read_csv(b'\xef\xbb\xbfid,a,b\n01,"x\r\ny, ""z""",NA\n,true,\n', "records")
        assert table.to_pydict() == {"id": ["01", ""], "a": ['x\r\ny, "z"', "true"], "b": ["NA", ""]}

    def test_nothing(self):
        assert read_csv(b"\n", "records").num_columns == 0
        assert read_csv(b"id,a\n", "records").column_names == ["id", "a"]
        assert read_csv(b"id,a\n1,2\n\n", "records").num_rows == 1

    def test_bytes_that_are_no_text(self):
        assert read_csv(b"id\n\xed\xa0\xbd\n", "records")["id"].to_pylist() == ["\ufffd\ufffd\ufffd"]

    def test_a_name_twice(self):
        with pytest.raises(Refused, match="same name"):
            read_csv(b"id,id\n1,2\n", "records")
