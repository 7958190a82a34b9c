"""Changes to HDF5 files that tests make: a value put in the place of another, an entry removed."""

from collections.abc import Callable
from typing import Any


def put(name: str, value: Any) -> Callable[[Any], None]:
    """Return what puts a value in the place of an entry, whose attributes stay."""

    def change(file: Any) -> None:
        kept = dict(file[name].attrs)
        del file[name]
        file[name] = value
        file[name].attrs.update(kept)

    return change


def remove(name: str) -> Callable[[Any], None]:
    """Return what removes an entry."""

    def change(file: Any) -> None:
        del file[name]

    return change
