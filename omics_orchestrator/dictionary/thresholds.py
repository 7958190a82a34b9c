"""Clinical cut-offs as parameters, each with its source: reading `thresholds.yaml`. Rules name `threshold.<name>`."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from pydantic import FiniteFloat

from omics_orchestrator.declared import Declared, Words
from omics_orchestrator.dictionary.problems import Problems, suggest
from omics_orchestrator.dictionary.strict_yaml import read_yaml
from omics_orchestrator.dictionary.validation import Shape, validate

PREFIX = "threshold."
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Threshold(Declared):
    """One cut-off, the same for all rules that name it."""

    value: FiniteFloat
    """The number."""
    unit: str = ""
    """Its unit: that of the variables with which it is compared."""
    source: Words
    """Where the number was read."""
    description: str = ""
    """What it divides, and which other cut-offs are in use."""


THRESHOLD: Shape[Threshold] = Shape(Threshold)


def read_thresholds(file: Path, problems: Problems, units: Collection[str]) -> dict[str, Threshold]:
    """Return the cut-offs by name; a dictionary without that file has none.

    Args:
        file: `thresholds.yaml`.
        problems: where mistakes are noted.
        units: the units in which variables are stored.
    """
    if not file.is_file():
        return {}
    document = read_yaml(file, problems)
    found = {name: validate(THRESHOLD, tree, document, (name,)) for name, tree in document.section().items()}
    for name, threshold in found.items():
        if not NAME.fullmatch(name):
            allowed = "small letters, digits and _, beginning with a letter"
            document.complain((name,), f"{name!r} is not a name for an expression", allowed)
        if threshold and threshold.unit and threshold.unit not in units:
            message = f"{threshold.unit!r} is not a unit of units.csv"
            document.complain((name, "unit"), message, suggest(threshold.unit, units))
    return {name: threshold for name, threshold in found.items() if threshold}
