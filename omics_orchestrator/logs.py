"""Structured logs: one JSON object a line, with time, level, run, study, asset and message; never with a value.

What a library or Dagster says of an error is not told, only its kind and where it arose: it may quote a cell.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from omics_orchestrator.errors import OmicsError

PACKAGE = Path(__file__).parent
OURS = "omics"  # loggers whose texts are our own
DAGSTER = ("dagster", "dagit")  # loggers whose first line names jobs, runs and steps; errors stand below it
NOT_TOLD = "its text is not told, it may hold values"
LONGEST = 500  # characters of a message
KIND = "omics/kind"  # metadata of Dagster's failures whose text is ours (orchestration/retries.py)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON, whoever logged it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what is not known is left out."""
        context: Mapping[str, Any] = getattr(record, "dagster_meta", None) or {}
        event = context.get("dagster_event")
        asset = _asset(context, event)
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": str(getattr(event, "event_type_value", "")).replace("PIPELINE_", "RUN_"),
            "run": context.get("run_id"),
            "study": asset[1] if len(asset) > 1 and asset[0] != "warehouse" else None,
            "asset": "/".join(asset) or None,
            "message": _message(record, event),
        }
        return json.dumps({name: value for name, value in told.items() if value}, ensure_ascii=False)


def install() -> None:
    """Let every handler of this process write JSON lines, also one that is made later; and uncaught errors too.

    The method itself is replaced: Dagster makes loggers with formats of their own for each run.
    """
    lines = JsonLines()
    logging.Handler.format = lambda self, record: lines.format(record)  # type: ignore[method-assign]
    logging.captureWarnings(capture=True)
    ours = logging.getLogger(OURS)
    if not ours.handlers:
        ours.addHandler(logging.StreamHandler(sys.stderr))
        ours.setLevel(logging.INFO)
        ours.propagate = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def installed() -> bool:
    """Tell whether this process writes JSON lines."""
    return sys.excepthook is _uncaught


def place_of(error: BaseException) -> str:
    """Return kind and place of an error, as it may be told: our own line where it passed through ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if PACKAGE in Path(frame.filename).parents] or list(frames)
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"


def _message(record: logging.LogRecord, event: Any) -> str:
    failure = getattr(event, "event_specific_data", None)
    if (error := getattr(failure, "error", None)) is not None:
        return _short(f"{_first_line(record)} {_of_failure(failure, error)}")
    if record.exc_info and record.exc_info[1] is not None:
        return _short(f"{_own(record)}: {_of_error(record.exc_info[1])}")
    return _short(_own(record))


def _own(record: logging.LogRecord) -> str:
    """Return what a record says as far as its author is known to say nothing of the data."""
    if record.name.split(".")[0] == OURS:
        return record.getMessage()
    if record.name.split(".")[0].startswith(DAGSTER):
        return _first_line(record)
    place = f"{Path(record.pathname).name}:{record.lineno}"
    # What is filled in is left out; a text with nothing to fill in may have been put together before.
    return (
        str(record.msg) if record.args and record.name != "py.warnings" else f"a word of {place}, {NOT_TOLD}"
    )


def _of_failure(failure: Any, error: Any) -> str:
    """Return what a failed step or run may tell: our own text, or the kind of the error."""
    told = getattr(failure, "user_failure_data", None)
    if told is not None and KIND in told.metadata:
        return f"{told.metadata[KIND].value}: {told.description}"
    return f"{error.cls_name or 'error'}: {NOT_TOLD}"


def _of_error(error: BaseException) -> str:
    return (
        f"{type(error).__name__}: {error}"
        if isinstance(error, OmicsError)
        else f"{place_of(error)}, {NOT_TOLD}"
    )


def _first_line(record: logging.LogRecord) -> str:
    text = record.getMessage().strip()
    return text.splitlines()[0] if text else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _asset(context: Mapping[str, Any], event: Any) -> list[str]:
    key = getattr(event, "asset_key", None)
    if key is not None:
        return [str(part) for part in key.path]
    step = context.get("step_key")
    return str(step).split("__") if step else []


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(OURS).critical("this process ends by an error", exc_info=(kind, error, trace))
