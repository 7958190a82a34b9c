"""How a study writes its participant ids: the grammar, the house spelling, old spellings settled by hand."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.dictionary.problems import Problems
from omics_orchestrator.dictionary.strict_csv import read_csv

# The SQL engine reads patterns by RE2, which knows neither look-around nor back references.
NOT_IN_RE2 = re.compile(r"\(\?<?[=!]|(?<!\\)\\[1-9]|\(\?P=")


def usable_pattern(pattern: str) -> str:
    """Return the pattern when both Python and the SQL engine can read it."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if found := NOT_IN_RE2.search(pattern):
        raise ValueError(f"look-around and back references cannot be used in a pattern: {found[0]}")
    return pattern


Pattern = Annotated[str, AfterValidator(usable_pattern)]


def written_by(pattern: str, template: str) -> None:
    """Check that a template names groups of the pattern only.

    Raises:
        ValueError: naming the groups that there are.
    """
    groups = re.compile(pattern).groupindex
    try:
        named = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ValueError(f"not a template: {error}") from error
    for name in named:
        if name not in groups:
            known = ", ".join(groups) or "none"
            raise ValueError(f"{{{name}}} is not a named group of the pattern; its groups: {known}")


class IdGrammar(Declared):
    """Which texts are participant ids of this study, and how they are written in the house."""

    pattern: Pattern = Field(examples=["M1-(?P<number>[0-9]+)"])
    """A regular expression for the whole id; named groups can be read as participant_id.<group>."""
    written: str | None = None
    """How the id is written in the house, by named groups (`M1-{number}`); by default as it matched."""
    aliases: Annotated[dict[str, str], WithJsonSchema({"type": "string"})] = {}
    """A CSV file beside study.yaml (old,new): spellings that a person settled by hand."""

    @model_validator(mode="after")
    def _template_fits(self) -> IdGrammar:
        if self.written is not None:
            written_by(self.pattern, self.written)
        return self

    def read(self, text: str) -> str | None:
        """Return the id in the house's spelling, or None where the text is no id of this study."""
        known = text.strip()
        match = re.fullmatch(self.pattern, self.aliases.get(known, known))
        if match is None:
            return None
        if self.written is None:
            return match[0]
        return self.written.format(**{name: value or "" for name, value in match.groupdict().items()})


def read_aliases(file: Path, pattern: object, problems: Problems) -> dict[str, str]:
    """Return old → new spelling; the new one must be an id by the grammar, where that can be read."""
    try:
        form = re.compile(usable_pattern(pattern)) if isinstance(pattern, str) else None
    except ValueError:
        form = None
    aliases: dict[str, str] = {}
    for row in read_csv(file, ("old", "new"), ("old", "new"), problems):
        old, new = row.cells["old"], row.cells["new"]
        if old in aliases:
            problems.add(file, row.line, "", "this old spelling is given twice")
        elif form and not form.fullmatch(new):
            problems.add(file, row.line, "", "the new spelling does not match participant_id.pattern")
        aliases[old] = new
    return aliases
