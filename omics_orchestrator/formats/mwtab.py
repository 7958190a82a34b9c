"""mwTab of the Metabolomics Workbench, as text or JSON: a study's description, its samples and their metabolites.

The specification: "mwTab file format specification", version 1.5. The text: mwtab_text.py.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import OpenFile
from omics_orchestrator.formats.biom_json import load
from omics_orchestrator.formats.feature_table import MatrixData
from omics_orchestrator.formats.header_scan import suspicious
from omics_orchestrator.formats.matrix_table import MISSING, Found, MatrixTable, Wide, numbers, suffixed
from omics_orchestrator.formats.mwtab_text import DATA, MwtabParts, parse
from omics_orchestrator.formats.text import text_head

TITLE = "METABOLOMICS WORKBENCH"
REQUIRED = ("PROJECT", "STUDY", "SUBJECT", "COLLECTION", "ANALYSIS")
MOST = 200  # factors of samples that are looked at for identifiers


class Mwtab(MatrixTable):
    """mwTab files: METABOLOMICS WORKBENCH, sections of a study, SUBJECT_SAMPLE_FACTORS, metabolites × samples.

    Checked: sections, the end mark (a text without #END is cut off), samples that repeat, widths, numbers; samples
    of the data that the list of samples lacks are told, and metabolites that METABOLITES lacks.
    """

    suffixes: ClassVar[tuple[str, ...]] = suffixed("txt", "json", "mwtab")
    holds_samples: ClassVar[bool] = True

    format: Literal["mwtab"] = "mwtab"
    """Metabolites per sample in mwTab."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell by the title in the first line, or the first key of the JSON."""
        text = text_head(head).removeprefix(b"\xef\xbb\xbf").lstrip()
        title = TITLE.encode()
        if text.startswith(b"{"):
            return b'"' + title + b'"' in text[:2000]
        return text.startswith(b"#" + title)

    def take(self, file: OpenFile, found: Found) -> MatrixData:
        """Read the samples and their metabolites."""
        first = text_head(next(iter(file.blocks()), b"")).lstrip()
        parts = _of_json(load(file, found)) if first.startswith(b"{") else parse(file, found)
        if lacking := [name for name in REQUIRED if name not in parts.sections]:
            raise FormatError(f"the section {lacking[0]} is missing")
        if len(set(parts.samples)) < len(parts.samples):
            raise FormatError("sample names repeat in SUBJECT_SAMPLE_FACTORS")
        if not parts.samples:
            raise FormatError("no samples in SUBJECT_SAMPLE_FACTORS")
        found.facts |= {**parts.facts, "sections": len(parts.sections), "listed_samples": len(parts.samples)}
        found.identifying = suspicious(parts.factors[:MOST])
        if not parts.header:
            found.warnings.append("no table of metabolites: results may lie in a file of their own")
        if unlisted := set(parts.header) - set(parts.samples):
            found.warnings.append(f"{len(unlisted)} samples of the data are not in SUBJECT_SAMPLE_FACTORS")
        if parts.described and (others := {name for _, name, _ in parts.rows} - parts.described):
            found.warnings.append(f"{len(others)} metabolites of the data are not in METABOLITES")
        found.samples = tuple(parts.header or parts.samples)
        return _matrix(parts, found)


def _matrix(parts: MwtabParts, found: Found) -> MatrixData:
    if len(set(found.samples)) < len(found.samples):
        raise FormatError("sample names repeat above the data")
    wide = Wide(found.samples, ("metabolite",))
    for line, name, cells in parts.rows:
        if not name.strip():
            raise FormatError("a metabolite has no name", record=line)
        wide.add(name, numbers(cells, line, 1, missing=MISSING | {"-"}, negative=True), name)
    data = wide.matrix()
    if parts.header and not wide.ids:
        raise FormatError("no metabolite below the samples")
    if repeated := data.facts["repeated_features"]:
        found.warnings.append(f"{repeated} metabolites repeat")
    low = int((data.x < 0).sum())
    if low:
        found.facts["below_zero"] = low
    return data


def _of_json(content: Any) -> MwtabParts:
    """Return the parts of the JSON."""
    if not isinstance(content, dict) or not isinstance(title := content.get(TITLE), dict):
        raise FormatError("no mwTab: the JSON has no METABOLOMICS WORKBENCH")
    parts = MwtabParts(sections=set(content))
    listed = content.get("SUBJECT_SAMPLE_FACTORS")
    for number, one in enumerate(listed if isinstance(listed, list) else (), 1):
        if not isinstance(one, dict) or not isinstance(one.get("Sample ID"), str):
            raise FormatError("SUBJECT_SAMPLE_FACTORS: no Sample ID", record=number)
        parts.samples.append(one["Sample ID"])
        for kind in ("Factors", "Additional sample data"):
            named = one.get(kind)
            for name, value in named.items() if isinstance(named, dict) else ():
                parts.factors.append((f"sample {number}", str(name), str(value)[:200]))
    parts.state({name: str(value) for name, value in title.items()})
    for section in DATA:
        if isinstance(data := content.get(section), dict):
            _data_of_json(section, data, parts)
            break
    return parts


def _data_of_json(section: str, data: dict[str, Any], parts: MwtabParts) -> None:
    parts.facts |= {"level": section, "units": str(data.get("Units", ""))[:60] or None}
    rows = data.get("Data")
    for number, row in enumerate(rows if isinstance(rows, list) else (), 1):
        if not isinstance(row, dict) or not row:
            raise FormatError(f"{section}: a row is no object", record=number)
        (_, name), *cells = row.items()
        parts.header = parts.header or [sample for sample, _ in cells]
        if [sample for sample, _ in cells] != parts.header:
            raise FormatError(f"{section}: not the samples of the first row", record=number)
        parts.rows.append((number, str(name), [str(cell) for _, cell in cells]))
    described = data.get("Metabolites")
    for row in described if isinstance(described, list) else ():
        if isinstance(row, dict) and row:
            parts.described.add(str(next(iter(row.values()))))
