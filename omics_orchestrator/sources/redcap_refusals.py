"""What an answer of a REDCap server means when it is no data: wrong token, web page, no memory, a ban.

A server says much of that with status 200. Nothing that it wrote is repeated: it may hold ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from omics_orchestrator.errors import DeliveryError

DATABASE = re.compile(rb"hostname.{0,200}username.{0,200}combination could not connect", re.DOTALL | re.I)
MEMORY = re.compile(rb"ran out of server memory|Allowed memory size of \d+ bytes", re.I)
SAID = re.compile(rb"<error>(.*?)</error>", re.DOTALL | re.I)
LOOKED_AT = 2000  # bytes at either end of an answer: what a server says instead of data is short
ADDRESS = (404, 405, 410, 411, 501)
TOO_BIG = (413, 500, 502, 504)


class Refused(DeliveryError):
    """REDCap said no; asking again gives the same. `said` is its own text: it may hold values, show it to nobody."""

    def __init__(self, message: str, *, status: int = 400, said: str = "", retry: bool = False) -> None:
        super().__init__(message, retry=retry)
        self.status = status
        self.said = said


class Passing(DeliveryError):
    """Something that may pass by itself; `after`: seconds that the server asks to wait."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message, retry=True)
        self.after = after


class TooBig(Passing):
    """The server could not answer that much at once."""


class Cut(Passing):
    """The answer is not whole."""


class Changed(Passing):
    """The project changed while it was read."""


def judge(
    status: int, headers: Mapping[str, str], body: bytes, *, where: str, anything: bool = False
) -> None:
    """Raise what an answer means, unless it is one.

    Args:
        status: of HTTP.
        headers: of the answer.
        body: of the answer, or its first bytes.
        where: the server and what was asked, for messages.
        anything: the body may be anything (a file that someone uploaded).
    """
    if status != 200:
        _by_status(status, headers, body, where)
    elif not anything:
        _by_text(body, where)


def _by_status(status: int, headers: Mapping[str, str], body: bytes, where: str) -> None:
    said = what_it_said(body)
    if DATABASE.search(body[:LOOKED_AT]) or MEMORY.search(body[:LOOKED_AT]):
        _by_text(body, where)
    if status in ADDRESS or 300 <= status < 400:
        moved = "sends elsewhere, which is not followed" if status < 400 else "is no REDCap API"
        message = f"{where}: the address {moved} (HTTP {status}); url must be its API page, as https://…/api/"
        raise Refused(message, status=status)
    if status in (401, 403):
        raise _forbidden(status, said, where)
    if status == 400:
        raise Refused(f"{where}: REDCap refuses the request (HTTP 400){_why(said)}", said=said)
    after = seconds_of(headers.get("Retry-After", ""))
    if status == 429:
        message = f"{where}: the server limits requests (HTTP 429); lower requests_per_second or workers"
        raise Passing(message, after=after)
    if status in TOO_BIG:
        message = (
            f"{where}: the server could not answer that much (HTTP {status}); if it stays so, tell its admins"
        )
        raise TooBig(message, after=after)
    if status >= 500 or status == 408:
        raise Passing(f"{where}: the server cannot answer now (HTTP {status}); try later", after=after)
    raise Refused(
        f"{where}: the server refuses the request (HTTP {status}){_why(said)}", status=status, said=said
    )


def _forbidden(status: int, said: str, where: str) -> Refused:
    if status == 403 and not said:
        message = (
            f"{where}: a web page forbids the request (HTTP 403), as REDCap does when this machine's address is "
            "banned; ask its administrators to lift the ban, and lower requests_per_second"
        )
        return Refused(message, status=status)
    if status == 401 or "permission" not in said.lower() or "use the api" in said.lower():
        message = (
            f"{where}: the token is not accepted (HTTP {status}); it must be that of a user of this project with "
            "the right 'API Export'"
        )
        return Refused(message, status=status, said=said)
    return Refused(
        f"{where}: the token's user lacks the right to this (HTTP {status})", status=status, said=said
    )


def _by_text(body: bytes, where: str) -> None:
    begin = body[:LOOKED_AT]
    if DATABASE.search(begin):
        raise Passing(f"{where}: REDCap cannot reach its own database; try later, or tell its administrators")
    if MEMORY.search(begin) or MEMORY.search(last_line(body)):
        raise TooBig(f"{where}: the server ran out of memory; ask its administrators for more (memory_limit)")
    if said := what_it_said(begin):
        raise Refused(f"{where}: REDCap refuses the request{_why(said)}", said=said)
    if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        message = (
            f"{where}: a web page came instead of data (maintenance, a login page, a proxy); open the address in a "
            "browser, and check url"
        )
        raise Passing(message)


def last_line(body: bytes) -> bytes:
    """Return the last line of an answer, unless it is a line of data (it holds a quote or a comma)."""
    line = body[-LOOKED_AT:].rstrip(b"\r\n").rsplit(b"\n", 1)[-1]
    return b"" if b'"' in line else line


def what_it_said(body: bytes) -> str:
    """Return the text of an error as REDCap gives it (JSON, XML, CSV); '' = it is none."""
    begin = body[:LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"{"):
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        return str(answer["error"] or "error") if isinstance(answer, dict) and "error" in answer else ""
    if begin.startswith(b"<") and (found := SAID.search(begin)):
        return found[1].decode("utf-8", "replace") or "error"
    return begin.decode("utf-8", "replace") if begin.startswith(b"ERROR:") else ""


def _why(said: str) -> str:
    """Return what can be told of a refusal in our own words."""
    text = said.lower()
    if '"fields"' in text or "'fields'" in text:
        return ": a field that was asked for is not there"
    if "classic" in text:
        return ": the project is no longitudinal one"
    if "permission" in text or "rights" in text:
        return ": the token's user lacks the right"
    return ""


def seconds_of(text: str) -> float:
    """Return the seconds that `Retry-After` names (a number or a date); 0 = nothing readable."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
