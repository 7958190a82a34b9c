"""The text layout of mwTab, and the parts that both layouts give."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.matrix_table import Found
from omics_orchestrator.formats.text import Lines

DATA = ("MS_METABOLITE_DATA", "NMR_METABOLITE_DATA", "NMR_BINNED_DATA")
TITLE = "#METABOLOMICS WORKBENCH"
_SECTION = re.compile(r"#([A-Z_]+):?(?:\t.*)?")
_STATED = re.compile(r"(STUDY_ID|ANALYSIS_ID|PROJECT_ID|DATATRACK_ID):(\S+)")


@dataclass
class MwtabParts:
    """Sections, samples with their factors, the table of metabolites: (line, metabolite, cells); those described."""

    sections: set[str] = field(default_factory=set)
    samples: list[str] = field(default_factory=list)
    factors: list[tuple[str, str, str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, str, list[str]]] = field(default_factory=list)
    described: set[str] = field(default_factory=set)
    facts: dict[str, JsonValue] = field(default_factory=dict)

    def state(self, entries: dict[str, str]) -> None:
        """Keep what the title says: accession numbers and the version."""
        for name in ("STUDY_ID", "ANALYSIS_ID", "VERSION"):
            if name in entries:
                self.facts[name.lower()] = entries[name][:40]


def parse(file: OpenFile, found: Found) -> MwtabParts:
    """Read the text of a file.

    Raises:
        FormatError: no title, a line that fits no section, a block that does not end, no #END.
    """
    parts, reader, number, ended = MwtabParts(), _Reader(), 0, False
    lines = Lines(file.blocks())
    for batch in lines:
        for raw in batch:
            number += 1
            if b"\0" in raw:
                raise FormatError(f"line {number}: NUL bytes: no text file")
            text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
            if number == 1 and not text.startswith(TITLE):
                raise FormatError("line 1: not the title METABOLOMICS WORKBENCH")
            if ended and text.strip():
                raise FormatError(f"line {number}: something follows #END")
            ended = ended or text.rstrip() == "#END"
            if text.strip() and not ended:
                reader.take(number, text, parts)
    found.facts["compression"] = lines.compression
    if not ended:
        raise FormatError("no #END: the file is cut off" if number else "an empty file")
    if reader.block:
        raise FormatError(f"the block {reader.block} does not end")
    return parts


class _Reader:
    """Where in the text we are: the section, and the block of data that is open."""

    def __init__(self) -> None:
        self.block = ""
        self._section = ""

    def take(self, line: int, text: str, parts: MwtabParts) -> None:
        key, *cells = text.split("\t")
        key = key.strip()
        if text.startswith(TITLE):
            parts.state(dict(_STATED.findall(text)))
        elif self.block:
            self._in_block(line, key, cells, parts)
        elif (section := _SECTION.fullmatch(text.rstrip())) and not self.block:
            self._section = section[1]
            parts.sections.add(section[1])
        elif key.endswith("_START") and not cells:
            self.block = key.removesuffix("_START")
        elif not cells:
            raise FormatError(f"line {line}: neither a section nor a key with its value")
        elif key == "SUBJECT_SAMPLE_FACTORS":
            _sample(line, cells, parts)
        elif key == "VERSION":
            parts.state({key: cells[0]})
        elif key.endswith(":UNITS"):
            parts.facts |= {"level": self._section, "units": cells[0].strip()[:60]}

    def _in_block(self, line: int, key: str, cells: list[str], parts: MwtabParts) -> None:
        if key == f"{self.block}_END":
            self.block = ""
        elif self.block == "METABOLITES":
            parts.described.add(key)
        elif self.block in DATA:
            if not parts.header:
                if not cells:
                    raise FormatError(f"line {line}: no samples above the data")
                parts.header = [cell.strip() for cell in cells]
            elif key != "Factors" or parts.rows:
                if len(cells) != len(parts.header):
                    raise FormatError(f"line {line}: {len(cells)} values instead of {len(parts.header)}")
                parts.rows.append((line, key, [cell.strip() for cell in cells]))


def _sample(line: int, cells: list[str], parts: MwtabParts) -> None:
    """Take a line of SUBJECT_SAMPLE_FACTORS: subject, sample, factors, additional data."""
    if len(cells) < 3 or not cells[1].strip():
        raise FormatError(f"line {line}: a sample is told by subject, sample and factors")
    parts.samples.append(cells[1].strip())
    for told in (cells[2].split("|"), cells[3].split(";") if len(cells) > 3 else []):
        for one in told:
            name, _, value = one.replace("=", ":").partition(":")
            parts.factors.append((f"line {line}", name.strip(), value.strip()[:200]))
