"""A person's decision about a suggested pair: whose it is, and of which day. For the command and for the workbook."""

from __future__ import annotations

import getpass
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from omics_orchestrator.errors import NotConfigured, UnknownKey
from omics_orchestrator.steps.history import user_address
from omics_orchestrator.studies.suggestions import State, Suggestion


def who_decides(folder: Path) -> str:
    """Return git's user.email in the dictionary `folder`, else the name of the account.

    Raises:
        NotConfigured: git is not installed, or neither is known.
    """
    return user_address(folder) or _account()


def decision(
    column: str, variable: str, state: State, by: str, variables: Collection[str], on: str = ""
) -> Suggestion:
    """Return the line of a decision; `on` is today, where nothing else is said.

    Raises:
        UnknownKey: the dictionary has no such variable.
    """
    if variable not in variables:
        raise UnknownKey("variable", variable, variables)
    return Suggestion(column, variable, state, by, on or datetime.now(UTC).date().isoformat())


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose account has no name
        raise NotConfigured("this account has no name: say who decides, with --by NAME") from None
