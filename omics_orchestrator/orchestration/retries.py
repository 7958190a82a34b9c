"""What an error of an asset becomes for Dagster: a safe text, and another attempt when the error says it may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from omics_orchestrator.errors import OmicsError
from omics_orchestrator.logs import KIND, place_of
from omics_orchestrator.orchestration import clients

WAITS = (5, 30, 120)  # seconds before each further attempt of a launched run: a server restarts within them
AT_HAND = (1,)  # a person waits at the terminal and can type the command again


@contextmanager
def told(run: dg.DagsterRun, attempt: int) -> Iterator[None]:
    """Turn what the block raises into Dagster's Failure or RetryRequested.

    Args:
        run: the run; those of a terminal or notebook wait less.
        attempt: how often the step was tried before.
    """
    try:
        yield
    except OmicsError as error:
        failure = safe(type(error).__name__, str(error))
        waits = AT_HAND if clients.TAG in run.tags else WAITS
        if error.retry and attempt < len(waits):
            raise dg.RetryRequested(max_retries=len(waits), seconds_to_wait=waits[attempt]) from failure
        raise failure from error
    except Exception as error:  # noqa: BLE001 - whatever it is, what it says must not be stored
        raise safe(type(error).__name__, unexpected(error)) from None


def safe(kind: str, text: str) -> dg.Failure:
    """Return a failure whose text holds no value and may be sent to people."""
    return dg.Failure(description=text, metadata={KIND: dg.MetadataValue.text(kind)}, allow_retries=False)


def unexpected(error: BaseException) -> str:
    """Say where an error that nobody foresaw began; what it says may hold a value and is not told."""
    return f"{place_of(error)}, a mistake of the program; its message is not told, it may hold values"
