"""One column of a study, with all that is known when variables are suggested for it. How it is found: columns.py."""

from __future__ import annotations

from dataclasses import dataclass

from omics_orchestrator.sources.described import Described


@dataclass(frozen=True)
class SourceColumn:
    """One column of a study.

    Attributes:
        source: as study.yaml calls it.
        about: what is known of it.
        undecided: whether no entry of the mapping uses it or leaves it out.
        identifying: the kind of direct identifier that it seems to hold.
        unit: the unit that its label or its note names.
        words: short words in its cells, only to be compared with labels, never to be shown.
    """

    source: str
    about: Described
    undecided: bool = True
    identifying: str | None = None
    unit: str = ""
    words: frozenset[str] = frozenset()

    @property
    def table(self) -> str:
        """The table as the mapping writes it."""
        return self.source if self.about.table == self.source else f"{self.source}.{self.about.table}"

    @property
    def reference(self) -> str:
        """The column as the mapping writes it in full: `<source>.<table>.<column>`."""
        return f"{self.table}.{self.about.name}"
