"""What may go wrong on the demo server: every failure of a REDCap server that a client must notice, as a switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

Kind = Literal[
    "status", "database_down", "html", "memory", "fewer_records", "fewer_rows", "cut", "killed", "banned",
    "rate_limited", "slow", "empty_csv", "garbage",
]  # fmt: skip
DATABASE_DOWN = (
    "The hostname (localhost) / username (redcap) / password (hidden) combination could not connect to the MySQL"
    " server."
)
MEMORY = "REDCap ran out of server memory. The request cannot be processed. Please try importing/exporting less data."
HTML = "<!DOCTYPE html><html><head><title>REDCap</title></head><body>REDCap is undergoing maintenance</body></html>"
BANNED = "<html><head><title>403 Forbidden</title></head><body>Your IP address was banned</body></html>"


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: `status` answers with HTTP `status`; `database_down`, `html`, `memory` answer these texts with 200;
            `fewer_records` loses the last `size` records of an answer, `fewer_rows` its last `size` rows; `cut` ends
            the answer after `size` bytes as if it were whole, `killed` closes the connection there; `banned` and
            `rate_limited` (429) refuse; `slow` waits `size` seconds; `empty_csv` answers nothing to a CSV request;
            `garbage` answers bytes that are no text.
        times: how many requests meet it; None = all.
        content: which content it meets; '' = any.
        status: the HTTP status of `status`.
        size: see kind; of `memory` the cells from which on it happens.
        skip: so many requests pass before.
        when: a further condition over the request's parameters.
    """

    kind: Kind
    times: int | None = 1
    content: str = ""
    status: int = 500
    size: int = 0
    skip: int = 0
    when: Callable[[Mapping[str, str]], bool] = field(default=lambda _: True)


class Faults:
    """The faults that a server still has to show."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = Lock()

    def add(self, kind: Kind, **words: object) -> Fault:
        """Let something go wrong; `words` are those of `Fault`."""
        fault = Fault(kind, **words)  # type: ignore[arg-type]
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything work."""
        with self._lock:
            self._waiting.clear()

    def of(self, asked: Mapping[str, str], cells: int = 0) -> Fault | None:
        """Return the fault that this request meets, counting it."""
        with self._lock:
            for fault in self._waiting:
                if fault.content not in {"", asked.get("content", "")} or not fault.when(asked):
                    continue
                if fault.kind == "memory" and cells < fault.size:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self._waiting.remove(fault)
                return fault
        return None
