"""One client of the REDCap API: a request, its time-outs and its retries. What is asked for is not known here.

The token travels in the body only, to one host: no redirect is followed, no proxy of the environment is used.
"""

from __future__ import annotations

import io
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import requests
import urllib3

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.sources.redcap_pace import Patience, Stopped, pace_of
from omics_orchestrator.sources.redcap_refusals import Cut, Passing, Refused, TooBig, judge

CONNECT = 15.0  # seconds
IN_ALL = 4  # times the time-out: so long may an answer take whose bytes do come
CHUNK = 1 << 18
BROKEN = "the connection broke off before the answer was whole; try later"
PATIENCE = Patience()
Read = TypeVar("Read")


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer and the server's clock (UTC) when it gave it."""

    body: bytes
    clock: datetime


class RedcapApi:
    """The API of one project.

    Args:
        url: of the API page.
        token: of one user in one project.
        requests_per_second: of all clients of this process together at that host.
        timeout: seconds without a byte.
        verify: file with the certificates to trust; None = those that come with Python's `certifi`.
        attempts: how often a question is put that might pass another time; None = as `PATIENCE` says.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        requests_per_second: float = 5,
        timeout: float = 300,
        verify: str | None = None,
        attempts: int | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DeliveryError("the url of a REDCap API begins with https:// and names a host")
        if not token.isascii() or not token.isalnum():
            raise DeliveryError(
                "the REDCap token holds something that is neither letter nor digit: is it the right secret?"
            )
        self.host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        self.stop = threading.Event()
        self.requests = 0
        self.received = 0
        self._url, self._token = url, token
        self._per_second, self._timeout = requests_per_second, timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.verify = verify or True
        self._attempts = attempts
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RedcapApi({self.host})"

    def rows(self, content: str, **parameters: Any) -> tuple[list[dict[str, Any]], datetime]:
        """Return a JSON list and the server's clock."""
        where = self._where(content)
        return self.ask(
            content, lambda answer: (_rows(answer, where), answer.clock), format="json", **parameters
        )

    def ask(
        self,
        content: str,
        read: Callable[[Answer], Read],
        *,
        divisible: bool = False,
        **parameters: Any,
    ) -> Read:
        """Return what `read` makes of an answer; one that it finds cut off (`Passing`) is asked for again.

        Args:
            content: what is asked for, in REDCap's words.
            read: reads the answer; raises `Passing` when it is not whole.
            divisible: the caller can ask for less: `TooBig` is told at once.
            parameters: further words of the request; a list becomes `name[0]`, `name[1]` … A True is sent as `true`.

        Raises:
            Refused: asking again would give the same.
            Passing: it did not pass in all attempts.
            Stopped: the pull was given up.
        """
        body = self._body(content, parameters)
        attempts = self._attempts or PATIENCE.attempts
        for attempt in range(1, attempts + 1):
            try:
                return read(self._answer(content, body))
            except Passing as error:
                most = attempts
                if divisible and isinstance(
                    error, (TooBig, Cut)
                ):  # less at once will do better than as much again
                    most = 1 if isinstance(error, TooBig) else 2
                if attempt >= most or error.after > PATIENCE.longest:
                    raise
                pause = PATIENCE.seconds(attempt, error.after)
            if self.stop.wait(pause):
                raise Stopped
        raise AssertionError  # pragma: no cover - the last attempt returned or raised

    def _body(self, content: str, parameters: dict[str, object]) -> bytes:
        """Return the form; records come last, since PHP drops what is more than it takes (`max_input_vars`)."""
        words: list[tuple[str, str]] = [
            ("token", self._token), ("content", content), ("format", "csv"), ("returnFormat", "json"),
        ]  # fmt: skip
        words = [(name, value) for name, value in words if name not in parameters]
        many: list[str] = []
        for name in sorted(parameters, key=lambda name: name == "records"):
            value = parameters[name]
            if isinstance(value, (list, tuple)):
                many += [f"{name}%5B{number}%5D={_quoted(str(item))}" for number, item in enumerate(value)]
            else:
                words.append((name, "true" if value is True else str(value)))
        return "&".join([urlencode(words), *many]).encode()

    def _answer(self, content: str, body: bytes) -> Answer:
        where = self._where(content)
        pace_of(self.host).wait(self._per_second, self.stop)
        try:
            with closing(self._sent(body)) as response:
                answer = self._received(response, where)
        except requests.exceptions.SSLError:
            message = f"{where}: its certificate is not trusted here; REQUESTS_CA_BUNDLE may name a file with others"
            raise Refused(message) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
            raise Refused(f"{where}: url is no address of a web server") from None
        except requests.exceptions.ReadTimeout:
            raise TooBig(f"{where}: no answer in {self._timeout:g} seconds; raise timeout") from None
        except requests.exceptions.ConnectTimeout:
            raise Passing(f"{where}: the server cannot be reached; check url and the network") from None
        except requests.exceptions.ConnectionError as error:
            raise _of_connection(error, where) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, zlib.error):
            raise Cut(f"{where}: {BROKEN}") from None
        kind = "name=" in response.headers.get("Content-Type", "")
        judge(
            response.status_code, response.headers, answer, where=where, anything=content == "file" and kind
        )
        return Answer(answer, _clock(response.headers.get("Date", "")))

    def _sent(self, body: bytes) -> requests.Response:
        return self._session.post(
            self._url,
            data=body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept-Encoding": "gzip, identity",
            },
            timeout=(min(CONNECT, self._timeout), self._timeout),
            allow_redirects=False,
            stream=True,
        )

    def _received(self, response: requests.Response, where: str) -> bytes:
        """Return the whole body; a compressed one must have come to its end."""
        begun, came, whole = time.monotonic(), False, io.BytesIO()
        packed = response.headers.get("Content-Encoding", "").strip().lower() == "gzip"
        opened = zlib.decompressobj(wbits=31)
        with self._lock:
            self.requests += 1
        for chunk in _chunks(response):
            with self._lock:
                self.received += len(chunk)
            came = True
            whole.write(opened.decompress(chunk) if packed else chunk)
            if self.stop.is_set():
                raise Stopped
            if time.monotonic() - begun > IN_ALL * self._timeout:
                raise TooBig(f"{where}: the answer takes longer than {IN_ALL * self._timeout:g} seconds")
        if packed and came and not opened.eof:
            raise Cut(f"{where}: {BROKEN}")
        return whole.getvalue()

    def _where(self, content: str) -> str:
        return f"REDCap at {self.host}, {content}"


def _quoted(word: str) -> str:
    """Return a word of the form; most are record ids that need no quoting."""
    return word if word.isascii() and word.isalnum() else quote_plus(word)


def _chunks(response: requests.Response) -> Iterable[bytes]:
    chunks: Iterable[bytes] = response.raw.stream(CHUNK, decode_content=False)
    return chunks


def _of_connection(error: requests.exceptions.ConnectionError, where: str) -> Passing:
    """Tell why there is no connection; the error's own text holds the address."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return Passing(f"{where}: no machine bears that name; check url and the network")
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return Passing(f"{where}: the server does not accept connections; check url, or try later")
    return Cut(f"{where}: {BROKEN}")


def _rows(answer: Answer, where: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(answer.body or b"[]")
        if b"\\ud" in answer.body.lower():  # half a surrogate pair is no text
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Cut(
            f"{where}: the answer is no whole JSON; try later, or open the address in a browser"
        ) from None
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(f"{where}: the answer is not shaped as REDCap's")
    return rows


def _clock(date: str) -> datetime:
    """Return the server's clock; ours when it does not tell."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)
