"""What tables written by omics tools share: rows with line numbers, strict numbers, a matrix as the result.

The columns of each tool are known by the formats beside this module; free tables: feature_table.py.
"""

from __future__ import annotations

import csv
import math
from abc import abstractmethod
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.feature_table import MatrixData, unique
from omics_orchestrator.formats.gene_ids import gene_id_system
from omics_orchestrator.formats.matrix_format import SampleMatrix
from omics_orchestrator.formats.table_text import MOST_FEATURES, cell_problem, too_long
from omics_orchestrator.formats.text import Lines, text_head

Row = tuple[int, list[str]]
MOST_VALUES = 20_000_000  # pairs of sample and feature of a long table, each an entry in memory
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null"})
PACKED = ("", ".gz")
MOST_CELLS = 1_000_000  # of a line: no table of a tool is that wide, and each takes 60 bytes of memory
MOST_BLANK = 1000  # empty lines one after the other


def suffixed(*names: str) -> tuple[str, ...]:
    """Return the suffixes, plain and gzip."""
    return tuple(f".{name}{packed}" for name in names for packed in PACKED)


@dataclass
class Found:
    """What reading a file has found so far: the parts of an `Inspection`."""

    facts: dict[str, JsonValue] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    samples: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()

    def gene_ids(self, ids: list[str]) -> None:
        """Keep which naming system the gene ids follow."""
        system = gene_id_system(ids)
        self.facts |= {"gene_ids": system.system, "gene_ids_share": system.share}


class MatrixTable(SampleMatrix):
    """A table of a tool that is, or gives, a matrix of samples × features."""

    @abstractmethod
    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the whole file; facts and warnings are kept in `found`.

        Raises:
            FormatError: the file breaks its format; names the first line.
        """

    def inspect(self, file: OpenFile) -> Inspection:
        """Read the table, check its cells and say what is in it."""
        found = Found()
        try:
            data = self.take(file, found)
        except FormatError as error:
            return Inspection.refused(error, found.facts)
        found.facts["features"] = len(data.feature_ids)
        if found.samples:
            found.facts["samples"] = len(found.samples)
        return Inspection.of(found.facts, found.samples, found.warnings, identifying=found.identifying)

    def read(self, file: OpenFile) -> MatrixData:
        """Read the whole table; a file of one sample that does not name it bears the file's name.

        Raises:
            FormatError: the file breaks its format.
        """
        found = Found()
        data = self.take(file, found)
        data.facts.update(found.facts)
        return data


class Wide:
    """A matrix that is filled row by row, each row a feature."""

    def __init__(self, samples: tuple[str, ...], columns: tuple[str, ...] = ()) -> None:
        self.samples = samples
        self.ids: list[str] = []
        self.features: dict[str, list[str]] = {name: [] for name in columns}
        self._values = array("d")

    def add(self, feature: str, values: list[float], *cells: str) -> None:
        """Add a feature: its values per sample, and a cell for each column of features."""
        if len(self.ids) == MOST_FEATURES:
            raise too_long()
        self.ids.append(feature)
        self._values.extend(values)
        for column, cell in zip(self.features.values(), cells, strict=True):
            column.append(cell)

    def matrix(self) -> MatrixData:
        """Return samples × features."""
        import numpy as np

        ids, repeated = unique(self.ids)
        x = np.frombuffer(self._values, np.float64) if self._values else np.empty(0)
        x = np.ascontiguousarray(x.reshape(len(self.ids), len(self.samples)).T)
        return MatrixData(x, self.samples, ids, self.features, {"repeated_features": repeated})


class Long:
    """A matrix that is filled value by value, each with its sample and its feature."""

    def __init__(self) -> None:
        self.samples: dict[str, int] = {}
        self.ids: dict[str, int] = {}
        self._at: dict[int, float] = {}

    def add(self, sample: str, feature: str, value: float) -> bool:
        """Add a value; returns False where sample and feature have another one already."""
        row = self.samples.setdefault(sample, len(self.samples))
        key = row << 32 | self.ids.setdefault(feature, len(self.ids))
        held = self._at.setdefault(key, value)
        if len(self._at) > MOST_VALUES:
            raise FormatError(f"more than {MOST_VALUES:,} values of samples: no table of features")
        return held is value or held == value or (math.isnan(held) and math.isnan(value))

    def matrix(self, features: dict[str, list[str]]) -> MatrixData:
        """Return samples × features, NaN where nothing was told."""
        import numpy as np

        x = np.full((len(self.samples), len(self.ids)), math.nan)
        for key, value in self._at.items():
            x[key >> 32, key & 0xFFFFFFFF] = value
        return MatrixData(x, tuple(self.samples), tuple(self.ids), features, {"repeated_features": 0})


def rows(file: OpenFile, found: Found, separator: str = "\t", *, blank: bool = False) -> Iterator[Row]:
    """Yield (line number, cells) of every line but empty ones at the end; the compression becomes a fact.

    With `blank`, empty lines may stand anywhere.
    """
    lines = Lines(file.blocks())
    number, empty, blanks = 0, 0, 0
    for batch in lines:
        for line in batch:
            number += 1
            if not line.strip():
                empty, blanks = empty or number, blanks + 1
                if blanks > MOST_BLANK:
                    raise FormatError(f"line {number}: more than {MOST_BLANK:,} empty lines")
                continue
            blanks = 0
            if empty and not blank:
                raise FormatError(f"line {empty}: an empty line inside the table")
            yield number, _cells(line, number, separator, found)
    found.facts["compression"] = lines.compression
    if not number or empty == 1:
        raise FormatError("an empty file")


def _cells(line: bytes, number: int, separator: str, found: Found) -> list[str]:
    if b"\0" in line:
        raise FormatError(f"line {number}: NUL bytes: no text file")
    if line.count(separator.encode()) > MOST_CELLS:
        raise FormatError(f"line {number}: more than {MOST_CELLS:,} cells")
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
        if not any("latin-1" in warning for warning in found.warnings):
            found.warnings.append(f"line {number}: not UTF-8, read as latin-1")
    if '"' not in text or separator == "\t":
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error:
        raise FormatError(f"line {number}: the quotes do not close") from None


def numbers(
    cells: list[str], line: int, first: int, *, missing: Collection[str] = (), negative: bool = False
) -> list[float]:
    """Return the numbers in neighbouring cells; NaN for what stands for no value.

    Args:
        cells: the cells as text.
        line: the number of their line.
        first: the position of the first cell in its line, from 0.
        missing: what stands for no value.
        negative: whether numbers below zero are possible.

    Raises:
        FormatError: names line and column of a cell that is no number, not finite or below zero.
    """
    try:
        values = [float(cell) for cell in cells]
        in_range = all(map(math.isfinite, values)) and (negative or min(values, default=0) >= 0)
        if in_range and "_" not in "".join(cells):
            return values
    except ValueError:
        pass
    for position, cell in enumerate(cells, first + 1):
        why = cell_problem(cell, missing, negative=negative)
        if why or (cell not in missing and math.isnan(float(cell))):
            why = why or "no number"
            raise FormatError(f"line {line}, column {position}: {why}")
    return [math.nan if cell in missing else float(cell) for cell in cells]


def whole(cell: str, line: int, what: str) -> int:
    """Return a whole number, zero or more."""
    if not (cell.isascii() and cell.isdigit() and len(cell) < 19):
        raise FormatError(f"line {line}: {what} is no whole number")
    return int(cell)


def fits(cells: list[str], line: int, width: int) -> None:
    """Refuse a line that has not the header's width."""
    if len(cells) != width:
        raise FormatError(f"line {line}: {len(cells)} cells instead of {width}")


@dataclass
class Padding:
    """Lines of a table of `width` columns whose last cells may be cut off where they are empty.

    At least `least` cells must be there; `first` is the number of the first short line.
    """

    width: int
    least: int
    first: int = 0

    def filled(self, cells: list[str], line: int) -> list[str]:
        """Return the cells of a line with the empty ones at its end."""
        lacking = self.width - len(cells)
        if not 0 <= lacking <= self.width - self.least:
            raise FormatError(f"line {line}: {len(cells)} cells instead of {self.width}")
        self.first = self.first or (line if lacking else 0)
        return cells + [""] * lacking

    def tell(self, found: Found) -> None:
        """Warn of short lines."""
        if self.first:
            found.warnings.append(f"line {self.first}: the last cells, which are empty, are cut off the line")


def once(seen: dict[str, int], name: str, line: int, what: str) -> None:
    """Refuse an empty or repeated name."""
    if not name.strip():
        raise FormatError(f"line {line}: the {what} has no name")
    if seen.setdefault(name, line) != line:
        raise FormatError(f"line {line}: the {what} of line {seen[name]} again")


def distinct(names: tuple[str, ...], line: int, what: str = "sample") -> None:
    """Refuse empty or repeated names in a header."""
    if not all(name.strip() for name in names):
        raise FormatError(f"line {line}: a {what} has no name")
    if len(set(names)) < len(names):
        raise FormatError(f"line {line}: {len(names) - len(set(names))} {what} names repeat in the header")


def head_lines(head: bytes, most: int = 8) -> list[list[str]]:
    """Return the first lines of a file, cut at tabs; none where it is no text."""
    text = text_head(head).removeprefix(b"\xef\xbb\xbf")
    if b"\0" in text:
        return []
    lines = text.split(b"\n", most)[:most]
    return [line.decode("utf-8", "replace").rstrip("\r").split("\t") for line in lines]


def stem(file: OpenFile, suffixes: tuple[str, ...]) -> tuple[str]:
    """Return the file's name without its suffix: what a sample is called that has no name inside."""
    ends = [suffix for suffix in suffixes if file.name.lower().endswith(suffix)]
    return (file.name[: -max(map(len, ends))] if ends else file.name,)


def add_up(total: float, expected: float, share: float) -> bool:
    """Tell whether a sum is what it should be, up to a share of that; nothing at all is right too."""
    return total == 0 or abs(total - expected) <= share * expected
