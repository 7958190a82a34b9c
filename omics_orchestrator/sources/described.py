"""What a source tells of its columns before any cell is read. What they mean is asked in steps/suggest/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["", "text", "number", "date", "yes_no", "choice", "several", "file"]


@dataclass(frozen=True)
class Described:
    """One column of a source, as its codebook or at least its header tells of it.

    Attributes:
        table: of the source.
        name: of the column; of a checkbox field `<field>___*`, all its boxes.
        label: the question, without markup.
        kind: what its cells are; '' = not told.
        choices: code → label.
        note: what stands beside the question, often the unit.
        lowest: the least number that is expected.
        highest: the greatest one.
        identifier: whether the source flags it as a direct identifier.
        option: the code of the box, where it is one box of a checkbox field.
        told: what the detectors of identifiers are told of it.
    """

    table: str
    name: str
    label: str = ""
    kind: Kind = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    lowest: float | None = None
    highest: float | None = None
    identifier: bool = False
    option: str = ""
    told: Mapping[str, str] = field(default_factory=dict)


def of_header(table: str, names: Sequence[str]) -> Iterator[Described]:
    """Yield columns of which only the names are known."""
    for name in names:
        yield Described(table, name)
