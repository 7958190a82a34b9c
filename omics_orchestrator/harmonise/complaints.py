"""Gathering what is wrong with a block while it is compiled, and telling it with the line in mapping.yaml."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_yaml import Document, read_yaml
from omics_orchestrator.studies import Study
from omics_orchestrator.studies.families import write_out
from omics_orchestrator.verbs.threevalued import ExpressionError

T = TypeVar("T")


class Complaints:
    """The mistakes found so far in one entity's block, written `what is wrong; what is allowed`."""

    def __init__(self, study: Study, entity: str) -> None:
        self.study = study
        self.entity = entity
        self.found: list[tuple[tuple[str, ...], str]] = []

    def add(self, place: tuple[str, ...], complaint: str) -> None:
        """Note one mistake; `place` begins below the entity."""
        self.found.append((place, complaint))

    def attempt(self, place: tuple[str, ...], make: Callable[[], T]) -> T | None:
        """Return what `make` gives; where it cannot, note why and return None."""
        try:
            return make()
        except ExpressionError as error:
            self.add(place, str(error))
            return None

    def raise_if_any(self) -> None:
        """Raise one error that names every mistake.

        Raises:
            DeclarationError: when anything was noted.
        """
        if not self.found:
            return
        problems, file = Problems(), self.study.folder / "mapping.yaml"
        document = read_yaml(file, Problems()) if file.is_file() else Document(file, problems)
        write_out(document)
        for place, complaint in self.found:
            message, _, allowed = complaint.partition("; ")
            whole = (self.entity, *place)
            problems.add(file, document.line(whole), ".".join(whole), message, allowed)
        problems.raise_if_any()
