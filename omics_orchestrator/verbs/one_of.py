"""`one_of`: the ticked option of a checkbox field → one code. Several ticks are a conflict, never the last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from omics_orchestrator.verbs.base import NULL, Cell, Column, ColumnVerb, Target, literal

Precedence = Annotated[tuple[str, ...], Field(min_length=1)]


class OneOf(ColumnVerb):
    """Takes the one option of a checkbox field that is ticked; several ticked options are a conflict.

    `{one_of: baseline_mont_cd_loc, map: {0: L1, 1: L2, 2: L3}}` reads the columns `<field>___<code>`. Options
    outside the map do not count as ticked; another rule uses them, or `not_mapped` lists them. `several: [L3, L2]`
    takes the first of these instead of a conflict. `missing: {"-1000": unknown}` reads a missing-data option.
    """

    verb: Literal["one_of"] = "one_of"
    version: ClassVar[str] = "2"
    columns: Column
    """The checkbox field."""
    map: Annotated[dict[str, str], Field(min_length=1)]
    """Code of the option → value of the variable."""
    several: Literal["conflict"] | Precedence = "conflict"
    """What several ticked options give: a conflict, or the first of these values that is ticked."""

    def references(self) -> tuple[str, ...]:
        """Return the column of every option that the rule reads."""
        return tuple(self.option(code) for code in (*self.map, *self._missing_options()))

    def option(self, code: str) -> str:
        """Return the column in which REDCap exports an option."""
        return f"{self.columns[0]}___{code.lower().replace('-', '_')}"

    def complaints(self, target: Target) -> Iterator[str]:
        """Yield what is wrong with the rule for this variable."""
        if target.type not in {"code", "text"}:
            yield f"one_of makes no {target.type}; use it for a variable of type code or text"
        precedence = self.several if self.several != "conflict" else ()
        for value in dict.fromkeys([*self.map.values(), *precedence]):
            if target.constant(value) is None:
                yield f"{value!r} is no value of this variable; allowed: {target.allowed}"
        for value in precedence:
            if value not in self.map.values():
                yield f"{value!r} stands in several but not in the map; its values: {', '.join(self.map.values())}"
        for code in self.map.keys() & self.missing.keys():
            yield f"the code {code!r} stands in map and in missing; keep one of them"
        if "*" in self.missing:
            yield "one_of reads options by their code; '*' is none"

    def cell(self, target: Target) -> Cell:
        """Return the SQL of one cell; `candidates` are the values of all ticked options."""
        ticked = [
            f"CASE WHEN {self._ticked(target, code)} THEN {literal(to)} END" for code, to in self.map.items()
        ]
        candidates = f"list_sort(list_distinct([{', '.join(ticked)}]))"  # list_distinct leaves NULLs out
        if self.several == "conflict":
            value = f"CASE WHEN len({candidates}) = 1 THEN {candidates}[1] END"
        else:
            cases = [
                f"WHEN list_contains({candidates}, {literal(one)}) THEN {literal(one)}"
                for one in self.several
            ]
            value = f"CASE WHEN len({candidates}) = 1 THEN {candidates}[1] {' '.join(cases)} END"
        reasons = [
            f"WHEN {self._ticked(target, code)} THEN {literal(self.missing[code])}"
            for code in self._missing_options()
        ]
        reason = f"CASE WHEN len({candidates}) > 0 THEN NULL {' '.join(reasons)} END" if reasons else NULL
        texts = [target.column(reference) for reference in self.references()]
        odd = " OR ".join(f"coalesce({text} NOT IN ('0', '1'), false)" for text in texts)
        answered = " OR ".join(f"coalesce({text} <> '0', false)" for text in texts)
        flaw = f"CASE WHEN len({candidates}) > 1 THEN 'conflicting' WHEN {odd} THEN 'invalid' END"
        return Cell(
            value,
            answered,
            f"CAST({reason} AS VARCHAR)",
            flaw=f"CASE WHEN ({value}) IS NULL THEN {flaw} END",
            candidates=f"CASE WHEN len({candidates}) > 1 THEN {candidates} END",
            hides=True,
        )

    def _ticked(self, target: Target, code: str) -> str:
        return f"coalesce({target.column(self.option(code))} = '1', false)"

    def _missing_options(self) -> tuple[str, ...]:
        return tuple(code for code in self.missing if code not in self.map and code != "*")
