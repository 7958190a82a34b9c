"""What describes the features of a matrix that several files make together: only what they agree on is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class FeatureColumns:
    """The union of features in order of appearance, and their columns.

    A column in which two files differ for one feature (a length or an abundance of one sample) is dropped.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self._columns: dict[str, list[Any]] = {}
        self._differing: set[str] = set()
        self._last: tuple[Sequence[str], Any] | None = None

    def add(self, ids: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> Any:
        """Take the features of a file; returns where they stand in the union."""
        places = self._places(ids)
        for column in self._columns.values():
            column += [None] * (len(self.ids) - len(column))
        for name, values in columns.items():
            if name in self._differing:
                continue
            column = self._columns.setdefault(name, [None] * len(self.ids))
            if len(ids) == len(column) and column == list(values):
                continue
            for place, value in zip(places.tolist(), values, strict=True):
                if column[place] is None:
                    column[place] = value
                elif column[place] != value:
                    self._differing.add(name)
                    del self._columns[name]
                    break
        return places

    def agreeing(self, empty: Any = "") -> dict[str, list[Any]]:
        """Return column → value per feature, `empty` where no file tells one."""
        return {
            name: [empty if value is None else value for value in column]
            for name, column in self._columns.items()
        }

    def _places(self, ids: Sequence[str]) -> Any:
        if self._last is None or self._last[0] != ids:
            places = [self.ids.setdefault(one, len(self.ids)) for one in ids]
            self._last = ids, np.array(places, np.int32)
        return self._last[1]
