"""An assay of a study: where its files lie, what format they have, and how a file finds its samples."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from omics_orchestrator.declared import Declared
from omics_orchestrator.formats import AnyFormat
from omics_orchestrator.studies.grammar import Pattern, usable_pattern, written_by

OWN = ("location", "link", "manifest", "index", "leave_out")  # what does not belong to the format
LOCATION = r"^store(\+[A-Za-z0-9_]+)?://.*$"


def _names_a_sample(pattern: str) -> str:
    groups = re.compile(usable_pattern(pattern)).groupindex
    if not {"sample", "participant"} & set(groups):
        found = ", ".join(groups) or "none"
        raise ValueError(f"needs a named group (?P<sample>…) or (?P<participant>…); its groups: {found}")
    return pattern


class SampleSheet(Declared):
    """A table that says which file belongs to which sample."""

    sample_sheet: str = Field(pattern=LOCATION)
    """Where the table lies."""
    file: str
    """Its column with the file name."""
    sample: str
    """Its column with the sample id."""


class InFile(Declared):
    """The names inside the file are the samples, by default as they stand there."""

    pattern: Pattern = "(?P<sample>.+)"
    """What a name must match as a whole."""
    written: str | None = None
    """The sample id, by named groups of the pattern."""

    @model_validator(mode="after")
    def _template_fits(self) -> InFile:
        if self.written is not None:
            written_by(self.pattern, self.written)
        return self


class NamesInFile(Declared):
    """Links a file by the sample names found inside it."""

    in_file: InFile


def _kind_of_link(link: Any) -> str:
    if isinstance(link, str):
        return "pattern"
    return "in_file" if isinstance(link, NamesInFile) or "in_file" in (link or ()) else "sample_sheet"


Link = Annotated[
    Annotated[str, AfterValidator(_names_a_sample), Tag("pattern")]
    | Annotated[SampleSheet, Tag("sample_sheet")]
    | Annotated[NamesInFile, Tag("in_file")],
    Discriminator(_kind_of_link),
]


class Assay(Declared):
    """One assay: files of one format. In YAML the format's options stand beside `format`."""

    format: AnyFormat
    location: str = Field(pattern=LOCATION)
    """One file, a glob in the last part, or a folder ending in `/`."""
    link: Link | None = None
    """How a file finds its samples: a pattern on its name, a sample sheet, or the names inside it."""
    manifest: str | None = Field(default=None, pattern=LOCATION)
    """Where the list of digests lies, as md5sum or sha256sum write it: a file, or a glob in the last part."""
    leave_out: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), examples=[["*.txt", "logs/*"]]
    )
    """Files below the location that are none of the assay: `*` stands for any text, `?` for one character."""
    index: bool = False
    """Whether indexes that files came without (.bai, .csi, .crai, .tbi) are made, in our own store."""

    @model_validator(mode="before")
    @classmethod
    def _gather_format(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or not isinstance(raw.get("format", ""), str):
            return raw
        own = {name: raw[name] for name in OWN if name in raw}
        return {**own, "format": {name: value for name, value in raw.items() if name not in OWN}}

    @model_validator(mode="after")
    def _has_indexes(self) -> Assay:
        if self.index and not self.format.indexable:
            raise ValueError(f"files of the format {self.format.format} have no index: leave `index` out")
        return self

    def locations(self) -> tuple[str, ...]:
        """Return where the bytes lie, the sample sheet included."""
        sheet = (self.link.sample_sheet,) if isinstance(self.link, SampleSheet) else ()
        return (self.location, *sheet, *((self.manifest,) if self.manifest else ()))
