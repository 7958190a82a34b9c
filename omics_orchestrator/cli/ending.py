"""How a command says why it ended: our own errors, and what the machine did to it."""

from __future__ import annotations

import logging
import sys

from omics_orchestrator import logs


def tell(text: str) -> None:
    """Say why a command ended, as a line of the log where logs are JSON."""
    if logs.installed():
        logging.getLogger("omics").error(text)
    else:
        print(text, file=sys.stderr)


def of_the_machine(error: Exception) -> str | None:
    """Say what a full disk, a missing right or a lost server did; None = the error is none of these."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, [str(error.filename or ""), error.strerror]))
    if type(error).__module__.partition(".")[0] in {"sqlalchemy", "psycopg2"}:  # Dagster's own storage
        return f"Postgres: {str(getattr(error, 'orig', None) or error).strip().splitlines()[0]}"
    return None
