"""How the terminal sees assets finish while a run goes on in this process; nobody listens in Dagster's own runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import dagster as dg

Listener = Callable[[dg.AssetKey], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Tell `listener` of every asset whose body ends while the block lasts."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(key: dg.AssetKey) -> None:
    """Tell the listener, if there is one, that the body of `key` ended."""
    if listener := _listener.get():
        listener(key)
