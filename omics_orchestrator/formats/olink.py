"""Olink: NPX (normalised protein expression, log2), one line per sample and assay, as text or Parquet.

Columns as the documentation of Olink's NPX Map and of its R package OlinkAnalyze names them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats import parquet_rows
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.matrix_table import (
    MISSING,
    Found,
    Long,
    MatrixTable,
    Row,
    fits,
    numbers,
    rows,
    suffixed,
)
from omics_orchestrator.formats.text import text_head

REQUIRED = ("SampleID", "OlinkID", "NPX")
MEANING = {
    "sample_qc": ("QC_Warning", "SampleQC", "Sample_QC"),
    "assay_qc": ("Assay_Warning", "AssayQC", "Assay_QC"),
    "sample_type": ("Sample_Type", "SampleType"),
    "assay_type": ("AssayType", "Assay_Type"),
    "plate": ("PlateID",),
    "lod": ("LOD",),
    "version": ("ExploreVersion", "Explore_Version"),
    "normalisation": ("Normalization",),
}
"""What a column means → what it is called in one version or another."""
FEATURE = ("UniProt", "Assay", "Panel")
GOOD = {"PASS", "NA", "", "Pass"}
QC = GOOD | {"WARN", "Warning", "FAIL", "EXCLUDED", "MANUAL_WARN", "MANUAL_FAIL"}
_OLINK_ID = re.compile(r"OID[0-9]{5}")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}")
_CONTROL = re.compile(r"control|neg[_ ]?c|ipc", re.IGNORECASE)
_WORDS = (b"SampleID", b"OlinkID", b"NPX")


class Olink(MatrixTable):
    """NPX of Olink in long form: SampleID, OlinkID, NPX and more; text (semicolon, comma, tab) or Parquet.

    Checked: widths, OlinkIDs, numbers, words of quality control, assays that repeat in a sample. Control samples and
    control assays are counted and are no part of the matrix; warnings of quality control are counted.
    """

    suffixes: ClassVar[tuple[str, ...]] = (*suffixed("csv", "txt", "tsv"), ".parquet")
    holds_samples: ClassVar[bool] = True

    format: Literal["olink"] = "olink"
    """Protein levels (NPX) by Olink."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the header's words; a Parquet file by its columns, or the name where they are not at hand."""
        if parquet_rows.is_parquet(head):
            named = bool(re.search(r"npx|olink", name, re.IGNORECASE))
            return parquet_rows.names_column(head, "OlinkID") or named
        first = text_head(head).removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
        words = set(re.split(rb"[;,\t]", first.replace(b'"', b"").strip()))
        return set(_WORDS) <= words

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read NPX per sample and assay."""
        lines, names = _lines(file, found)
        if lacking := [name for name in REQUIRED if name not in names]:
            raise FormatError(f"line 1: no column {lacking[0]}")
        reader = _Reader(names)
        for line, cells in lines:
            fits(cells, line, len(names))
            reader.take(line, cells)
        reader.tell(found)
        found.samples = tuple(reader.npx.samples)
        return reader.npx.matrix(reader.features())


def _lines(file: OpenFile, found: Found) -> tuple[Iterator[Row], list[str]]:
    """Return the lines below the header, and its names."""
    first = next(iter(file.blocks()), b"")
    if parquet_rows.is_parquet(first):
        wanted = {*REQUIRED, *FEATURE, *(name for names in MEANING.values() for name in names)}
        lines = parquet_rows.rows(file, found, wanted)
    else:
        header = text_head(first).partition(b"\n")[0]
        separator = max(";,\t", key=lambda one: header.count(one.encode()))
        found.facts["separator"] = {";": "semicolon", ",": "comma", "\t": "tab"}[separator]
        lines = rows(file, found, separator)
    _, names = next(lines)
    names = [name.strip('"') for name in names]
    if len(set(names)) < len(names):
        raise FormatError("line 1: column names repeat")
    return lines, names


class _Reader:
    """Takes line by line; control samples and control assays are counted, not kept."""

    def __init__(self, names: list[str]) -> None:
        self._at = {name: names.index(name) for name in (*REQUIRED, *FEATURE) if name in names}
        self._means = {
            what: names.index(name) for what, told in MEANING.items() for name in told if name in names
        }
        self.npx = Long()
        self._about: dict[str, list[str]] = {}
        self._apart: dict[str, set[str]] = {"samples": set(), "assays": set()}
        self._plates: set[str] = set()
        self._panels: set[str] = set()
        self._versions: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._seen: set[tuple[int, int, str]] = set()
        self._warned: dict[str, int] = {}

    def _cell(self, cells: list[str], what: str) -> str:
        return cells[self._means[what]].strip() if what in self._means else ""

    def take(self, line: int, cells: list[str]) -> None:
        sample, assay = cells[self._at["SampleID"]], cells[self._at["OlinkID"]]
        if not sample.strip():
            raise FormatError(f"line {line}: no SampleID")
        if not _OLINK_ID.fullmatch(assay):
            raise FormatError(f"line {line}: the OlinkID is not OID and five digits")
        at = self._at["NPX"]
        (value,) = numbers([cells[at]], line, at, missing=MISSING, negative=True)
        self._count(line, cells, missing=math.isnan(value))
        if self._is_control(sample, self._cell(cells, "sample_type")):
            self._apart["samples"].add(sample)
            return
        if self._cell(cells, "assay_type").lower() not in ("", "assay"):
            self._apart["assays"].add(assay)
            return
        if assay not in self._about:
            self._about[assay] = [cells[self._at[name]] for name in FEATURE if name in self._at]
        self.npx.add(sample, assay, value)
        key = self.npx.samples[sample], self.npx.ids[assay], self._cell(cells, "plate")
        if key in self._seen:
            raise FormatError(f"line {line}: an assay repeats in its sample on the same plate")
        self._seen.add(key)

    def _is_control(self, sample: str, kind: str) -> bool:
        return kind != "SAMPLE" if kind else bool(_CONTROL.search(sample))

    def _count(self, line: int, cells: list[str], *, missing: bool) -> None:
        self._counts["lines"] += 1
        self._counts["missing"] += missing
        for what in ("sample_qc", "assay_qc"):
            word = self._cell(cells, what)
            self._counts[f"{what}_warnings"] += word not in GOOD
            if word not in QC:
                self._warned.setdefault(f"a word of quality control that Olink does not use ({what})", line)
        if lod := self._cell(cells, "lod"):
            numbers([lod], line, self._means["lod"], missing=MISSING, negative=True)
        self._plates.add(self._cell(cells, "plate"))
        self._panels.add(cells[self._at["Panel"]] if "Panel" in self._at else "")
        if _VERSION.fullmatch(version := self._cell(cells, "version")):
            self._versions.add(version)

    def tell(self, found: Found) -> None:
        """Fill facts and warnings."""
        if not self._counts["lines"]:
            raise FormatError("no line below the header")
        found.facts |= {
            "normalisation": "NPX (log2)",
            **self._counts,
            "control_samples": len(self._apart["samples"]),
            "control_assays": len(self._apart["assays"]),
            "plates": len(self._plates - {""}),
            "panels": len(self._panels - {""}),
            "program_version": ", ".join(sorted(self._versions)[:5]) or None,
        }
        found.warnings += [f"line {line}: {what}" for what, line in self._warned.items()]
        pairs = {key[:2] for key in self._seen}
        if len(pairs) < len(self._seen):
            found.warnings.append(
                f"{len(self._seen) - len(pairs)} values of assays that repeat in a sample on another plate: "
                "the first counts"
            )

    def features(self) -> dict[str, list[str]]:
        names = [name for name in FEATURE if name in self._at]
        columns = {name: [about[at] for about in self._about.values()] for at, name in enumerate(names)}
        return {"OlinkID": list(self._about), **columns}
