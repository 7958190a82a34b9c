"""What is said about a workbook: complaints that name the sheet and the cell, review remarks, changes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Complaint:
    """One mistake: `variables!C17: crp: what is wrong`, then what would be right."""

    sheet: str
    row: int
    cell: str
    message: str
    allowed: str = ""

    def __str__(self) -> str:
        text = f"{self.sheet}!{self.cell or self.row}: {self.message}" if self.row else self.message
        return f"{text}\n    {self.allowed}" if self.allowed else text


@dataclass(frozen=True)
class Remark:
    """What a reviewer wrote beside a row."""

    sheet: str
    cell: str
    name: str
    text: str
    reviewer: str = ""

    def __str__(self) -> str:
        by = f" ({self.reviewer})" if self.reviewer else ""
        return f"{self.sheet}!{self.cell}  {self.name}: {self.text}{by}"


@dataclass
class Told:
    """Everything that is told of one workbook.

    Attributes:
        complaints: each of them keeps everything from being written.
        changes: what the workbook changes in the dictionary, one line each.
        meanwhile: what was changed in the dictionary since the export, one line each; it stays.
        remarks: of reviewers.
        notes: what is worth knowing and stops nothing.
    """

    complaints: list[Complaint] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    meanwhile: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
