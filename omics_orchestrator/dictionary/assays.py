"""What an assay measures, on what, and in which formats it may come: reading `assays.yaml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_yaml import read_yaml
from omics_orchestrator.dictionary.validation import Shape, validate


class AssayKind(Declared):
    """One kind of assay, the same in all studies."""

    label: str
    """The name shown to people."""
    measures: str
    """What is measured (transcripts, metabolites, germline variants …)."""
    material: tuple[str, ...] = Field(min_length=1)
    """What it is measured on (stool, blood, biopsy …)."""
    formats: tuple[str, ...] = Field(min_length=1)
    """The file formats in which it may be delivered."""
    description: str = ""
    terms: tuple[str, ...] = ()
    """Terminology codes."""


KIND: Shape[AssayKind] = Shape(AssayKind)


def read_assays(file: Path, problems: Problems) -> dict[str, AssayKind]:
    """Return the kinds of assay by name."""
    document = read_yaml(file, problems)
    found = {name: validate(KIND, tree, document, (name,)) for name, tree in document.section().items()}
    return {name: kind for name, kind in found.items() if kind}
