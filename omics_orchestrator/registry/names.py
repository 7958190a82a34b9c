"""What the registry writes for object keys, set names and names inside files: by default, what they are.

A study that replaces its participant ids gives names of its own (steps/pseudonymous_files.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

REPLACED = "replaced:"  # no object key of a store begins so


class Names:
    """Keys and names as they are.

    Attributes:
        prefix: how every written key and set name begins; what begins otherwise is registered anew.
    """

    prefix = ""

    def key(self, key: str) -> str:
        """Return what is written for an object key or the name of a file set."""
        return key

    def keys(self, keys: Sequence[str]) -> Sequence[str] | None:
        """Return what is written for many keys; None = the keys themselves."""
        del keys
        return None

    def name(self, name: str) -> str:
        """Return what is written for a name inside a file."""
        return name

    def spoken(self, name: str) -> str:
        """Return a name inside a file as the study's tables write it."""
        return name

    def within(self, facts: Any) -> Any:
        """Return facts with every name in their texts replaced."""
        return facts

    def original(self, written: str) -> str:
        """Return the key or name behind what is written."""
        return written

    def remember(self) -> None:
        """Keep what was replaced since the last call, before it is written anywhere."""
