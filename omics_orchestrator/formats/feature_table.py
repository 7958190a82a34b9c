"""Tables of numbers, samples × features, as delimited text. Tables of mixed columns are sources."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import JsonValue, model_validator

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import table_text
from omics_orchestrator.formats.base import Inspection, OpenFile
from omics_orchestrator.formats.gene_ids import gene_id_system
from omics_orchestrator.formats.matrix_format import SampleMatrix
from omics_orchestrator.formats.text import Lines

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SURE = 0.9  # share of ids; not every table of numbers is one of genes
KNOWN_GENES = {"symbol": {"ACTB", "GAPDH"}, "entrez": {"2597", "100287102"}}
JOINT = "|"  # between the parts of a feature id that is made of several columns


@dataclass(frozen=True)
class MatrixData:
    """A feature table in memory.

    Attributes:
        x: float64, samples × features; empty cells are NaN.
        sample_ids: unique, as the file writes them.
        feature_ids: unique; the second `a` is `a#2`.
        features: column → value per feature, as written, for what identifies a feature.
        facts: counts and decisions (see `FeatureTable.inspect`).
    """

    x: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    sample_ids: tuple[str, ...]
    feature_ids: tuple[str, ...]
    features: dict[str, list[str]]
    facts: dict[str, JsonValue]


class FeatureTable(SampleMatrix):
    """Tables of numbers with one row or one column per sample: counts, peak areas … (CSV or TSV, also gzip).

    Lines with `#` above the header (BIOM exports) and an R-style header, which lacks the first column's name,
    are understood. Nothing is dropped: a cell that is no number makes the file invalid.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(
        f".{name}{packed}" for name in ("csv", "tsv", "txt") for packed in ("", ".gz")
    )
    holds_samples: ClassVar[bool] = True

    format: Literal["feature_table"] = "feature_table"
    """A table of numbers, samples × features."""
    samples: Literal["rows", "columns"]
    """Whether a sample is a row or a column."""
    feature_columns: tuple[str, ...] = ()
    """For `samples: columns`: the columns that together identify a feature; by default the first."""
    sample_column: str | None = None
    """For `samples: rows`: the column with the sample's name; by default the first."""
    ignore_columns: tuple[str, ...] = ()
    """Columns of the table that are neither numbers nor names; they must exist."""
    separator: Literal["tab", "comma", "semicolon"] | None = None
    """What stands between cells; by default what cuts the header into most names."""
    missing: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan")
    """Cells that mean: no value."""
    negative: bool = False
    """Whether numbers below zero are possible (logarithms, scores); otherwise they make the file invalid."""

    @model_validator(mode="after")
    def _options_fit(self) -> FeatureTable:
        if self.samples == "rows" and self.feature_columns:
            raise ValueError(
                "feature_columns belongs to `samples: columns`; with rows, name the sample_column"
            )
        if self.samples == "columns" and self.sample_column:
            raise ValueError(
                "sample_column belongs to `samples: rows`; with columns, name the feature_columns"
            )
        return self

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the suffix and that it may be text."""
        return cls.bears_suffix(name) and bool(head) and (b"\0" not in head or head.startswith(b"\x1f\x8b"))

    def inspect(self, file: OpenFile) -> Inspection:
        """Read the table and count samples, features, repeated feature ids and empty cells."""
        try:
            data = self.read(file)
        except FormatError as error:
            return Inspection.refused(error, {})
        warnings = ["not UTF-8, read as latin-1"] if data.facts["encoding"] != "utf-8" else []
        return Inspection.of(data.facts, data.sample_ids, warnings)

    def read(self, file: OpenFile) -> MatrixData:
        """Read the whole table.

        Raises:
            FormatError: a line that has not the header's width, a cell that is no number, a repeated sample …
        """
        import numpy as np

        lines = Lines(file.blocks())
        text = table_text.split(table_text.whole(lines.text()), self.separator)
        names = self._name_columns(text.names)
        number_columns = self._number_columns(text.names, names)
        table = table_text.parse(text, number_columns, self.missing, negative=self.negative)
        build = self._from_rows if self.samples == "rows" else self._from_columns
        data = build(text, table, names, number_columns)
        data.facts.update(
            samples=len(data.sample_ids),
            features=len(data.feature_ids),
            missing=int(np.isnan(data.x).sum()),
            separator=text.separator,
            encoding=text.encoding,
            header_line=text.first_line - 1,
            compression=lines.compression,
            **_gene_ids(data.feature_ids),
        )
        return data

    def _name_columns(self, names: tuple[str, ...]) -> list[int]:
        """Return the positions of the columns that name features (or, with rows, the sample)."""
        declared = self.feature_columns or ((self.sample_column,) if self.sample_column else ())
        return [_position(names, name) for name in declared] or [0]

    def _number_columns(self, names: tuple[str, ...], others: list[int]) -> list[int]:
        """Return the positions of the columns of numbers: all but the named ones."""
        without = {*others, *(_position(names, name) for name in self.ignore_columns)}
        if not (numbers := [position for position in range(len(names)) if position not in without]):
            raise FormatError("no column of numbers is left")
        return numbers

    def _from_columns(
        self, text: table_text.TableText, table: pa.Table, names: list[int], numbers: list[int]
    ) -> MatrixData:
        import numpy as np

        x = np.stack([table.column(position).to_numpy() for position in numbers])
        headings = tuple(text.names[position] for position in numbers)
        for seen, heading in enumerate(headings):
            if not heading:
                raise FormatError(f"line {text.first_line - 1}: column {numbers[seen] + 1} has no heading")
        if repeats := _repeated(headings):
            raise FormatError(f"line {text.first_line - 1}: {repeats} sample names repeat in the header")
        features = {text.names[position]: table.column(position).to_pylist() for position in names}
        ids, repeated = unique([JOINT.join(parts) for parts in zip(*features.values(), strict=True)])
        return MatrixData(x, headings, ids, features, {"repeated_features": repeated})

    def _from_rows(
        self, text: table_text.TableText, table: pa.Table, names: list[int], numbers: list[int]
    ) -> MatrixData:
        import numpy as np

        x = np.empty((table.num_rows, len(numbers)))
        for at, position in enumerate(numbers):
            x[:, at] = table.column(position).to_numpy()
        samples = tuple(table.column(names[0]).to_pylist())
        seen: dict[str, int] = {}
        for line, sample in enumerate(samples, text.first_line):
            if not sample:
                raise FormatError(f"line {line}: the sample has no name")
            if seen.setdefault(sample, line) != line:
                raise FormatError(f"line {line}: the sample of line {seen[sample]} again")
        headings = [text.names[position] for position in numbers]
        ids, repeated = unique(headings)
        return MatrixData(x, samples, ids, {"feature": headings}, {"repeated_features": repeated})


def _gene_ids(ids: tuple[str, ...]) -> dict[str, JsonValue]:
    """Return the naming system of the gene ids; words and plain numbers are genes only where known ones occur."""
    found = gene_id_system(ids)
    known = KNOWN_GENES.get(found.system)
    if found.share < SURE or (known is not None and not known.issubset(ids)) or found.system == "unknown":
        return {}
    return {"gene_ids": found.system, "gene_ids_share": found.share}


def _position(names: tuple[str, ...], name: str) -> int:
    """Return where the one column `name` stands."""
    if names.count(name) != 1:
        raise FormatError(f'the header has {names.count(name)} columns "{name}" instead of one')
    return names.index(name)


def _repeated(names: tuple[str, ...] | list[str]) -> int:
    """Return how many distinct names occur more than once."""
    return sum(count > 1 for count in Counter(names).values())


def unique(names: list[str]) -> tuple[tuple[str, ...], int]:
    """Return the names made unique (`a`, `a#2`, `a#3`) and how many distinct ones occur more than once."""
    if not (repeated := _repeated(names)):
        return tuple(names), 0
    taken = set(names)
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        candidate = name
        while seen[name] > 1 and candidate in taken:
            candidate = f"{name}#{seen[name]}"
            seen[name] += candidate in taken
        taken.add(candidate)
        unique.append(candidate)
    return tuple(unique), repeated
