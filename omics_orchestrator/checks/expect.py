"""`expect`: a statement that every row of an entity should satisfy. harmonise/ evaluates it."""

from __future__ import annotations

from typing import Literal

from omics_orchestrator.declared import Declared
from omics_orchestrator.findings import Finding, counted


class Expect(Declared):
    """Counts the rows for which the expression is false; a row for which it is unknown passes.

    `sccai_not_in_cd: {expect: "sccai is null or participant.study_group <> 'cd'", says: SCCAI stands in CD
    rows}`
    """

    kind: Literal["expect"] = "expect"
    expect: str
    """An SQL expression over the variables of the entity and `participant.<variable>`."""
    severity: Literal["note", "warning", "error"] = "warning"
    """`error` also blocks what lies downstream."""
    says: str = ""
    """What it means when the expression is false, in words."""

    def finding(self, name: str, count: int, source_rows: int) -> Finding:
        """Return the finding for `count` rows, made from `source_rows`, in which the expression is false."""
        says = self.says or f"rows break the expectation {name}"
        told = counted(count, "row")
        if source_rows != count:
            told += f", made from {counted(source_rows, 'source row')}"
        return Finding(check=name, message=f"{says} ({told})", count=count, severity=self.severity)
