"""The metadata and the tables of an mzTab file, taken line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.feature_table import MatrixData, unique
from omics_orchestrator.formats.matrix_table import Found, Wide, distinct, fits, numbers

ROWS = {"PRH": "PRT", "PEH": "PEP", "PSH": "PSM", "SMH": "SML", "SFH": "SMF", "SEH": "SME"}
"""Prefix of a header → prefix of its rows."""
REQUIRED = {
    "1": ("mzTab-version", "mzTab-mode", "mzTab-type", "description", "ms_run[1]-location"),
    "2": ("mzTab-version", "mzTab-ID", "ms_run[1]-location"),
}
"""Version → entries that every file must have (1.0: table 1; M 2.0: section 6.2)."""
IDS = {"PRH": "accession", "PEH": "sequence", "PSH": "PSM_ID", "SMH": "identifier"}
M_IDS = {"SMH": "SML_ID", "SFH": "SMF_ID", "SEH": "SME_ID"}
COLUMNS = {
    "PRH": "accession description taxid species database database_version search_engine best_search_engine_score[1] "
    "ambiguity_members modifications",
    "PSH": "sequence PSM_ID accession unique database database_version search_engine search_engine_score[1] "
    "modifications retention_time charge exp_mass_to_charge calc_mass_to_charge spectra_ref pre post start end",
}
"""Header of 1.0 → columns that stand in it whatever the mode and type (1.0: sections 6.3 and 6.5)."""
MISSING = frozenset({"null", "NaN"})
_RUN = re.compile(r"(ms_run\[[1-9][0-9]*\]):")
_ABUNDANCE = re.compile(r"(?:\w*_)?abundance_(assay\[[1-9][0-9]*\])")
_KEY = re.compile(r"[A-Za-z_][\w\-\[\]:. ]*")
MODES = {"mzTab-mode": ("Summary", "Complete"), "mzTab-type": ("Identification", "Quantification")}


class Metadata:
    """The entries of the metadata; `complete` refuses a file that lacks some."""

    def __init__(self) -> None:
        self._entries: dict[str, str] = {}
        self._lines: dict[str, int] = {}

    def add(self, line: int, cells: list[str]) -> None:
        """Add a line `MTD key value`."""
        if len(cells) != 3 or not _KEY.fullmatch(cells[1]):
            raise FormatError(f"line {line}: metadata are MTD, a key and a value")
        self._entries.setdefault(cells[1], cells[2].strip())
        self._lines.setdefault(cells[1], line)

    def complete(self, found: Found) -> None:
        """Check what must be there and fill the facts."""
        version = self._entries.get("mzTab-version", "")
        if not re.fullmatch(r"[12]\.\d+(?:\.\d+)?(?:-M)?(?: .*)?", version):
            raise FormatError("mzTab-version is missing or none that exists")
        found.facts |= {"version": version[:20], "ms_runs": len(self._each("ms_run", "-location"))}
        for key in REQUIRED[version[0]]:
            if key not in self._entries:
                raise FormatError(f"the required metadata {key} are missing")
        for key, words in MODES.items() if version[0] == "1" else ():
            if self._entries[key] not in words:
                raise FormatError(f"line {self._lines[key]}: {key} is neither {words[0]} nor {words[1]}")
            found.facts[key.removeprefix("mzTab-")] = self._entries[key]
        software = self._entries.get("software[1]", "").strip("[] ").split(",")
        if len(software) == 4:
            found.facts["software"] = " ".join(part.strip() for part in software[2:])[:100]

    def _each(self, what: str, ending: str) -> list[str]:
        """Return the values of `what[1]ending`, `what[2]ending` and so on."""
        pattern = re.compile(re.escape(what) + r"\[[1-9][0-9]*\]" + re.escape(ending))
        return [value for key, value in self._entries.items() if pattern.fullmatch(key)]

    def holds(self, key: str) -> bool:
        """Tell whether there is such an entry."""
        return key in self._entries

    def name(self, assay: str) -> str:
        """Return what an assay is called: its name (M), the description of its sample, or `assay[1]` itself."""
        sample = self._entries.get(f"{assay}-sample_ref", "")
        named = self._entries.get(assay, "") or self._entries.get(f"{sample}-description", "")
        return named if named not in ("", "null") else assay

    def samples(self) -> list[str]:
        """Return the assays by name, in order; without any, the samples."""
        assays = dict.fromkeys(
            key.partition("]")[0] + "]" for key in self._entries if re.match(r"assay\[[1-9]", key)
        )
        return [self.name(assay) for assay in assays] or self._each("sample", "-description")

    @property
    def is_m(self) -> bool:
        """Whether it is mzTab-M."""
        return self._entries.get("mzTab-version", "").startswith("2")

    def entries(self, looked_at: tuple[str, ...], most: int) -> Iterator[tuple[str, str, str]]:
        """Yield (place, key, value) of free texts."""
        told = [key for key in self._entries if key.startswith(looked_at)]
        for key in told[:most]:
            yield f"line {self._lines[key]}", key, self._entries[key][:2000]


class Section:
    """A table: its header and rows; abundances per assay are kept."""

    def __init__(self, line: int, cells: list[str], metadata: Metadata) -> None:
        prefix, *names = cells
        distinct(tuple(names), line, "column")
        key = (M_IDS if metadata.is_m else IDS).get(prefix, "")
        if key not in names:
            raise FormatError(f"line {line}: the header lacks the column {key or 'with the id'}")
        self.count = 0
        self._width, self._key, self._metadata = len(cells), cells.index(key), metadata
        self._spectrum = cells.index("spectra_ref") if "spectra_ref" in names else 0
        self._lines: dict[str, int] = {}
        needed = "" if metadata.is_m else COLUMNS.get(prefix, "")
        for column in needed.split():
            if column not in names:
                self._lines[f"the header lacks the column {column}"] = line
        per_assay = {at: found[1] for at, name in enumerate(cells) if (found := _ABUNDANCE.fullmatch(name))}
        self._at = list(per_assay)
        self.samples, _ = unique([metadata.name(assay) for assay in per_assay.values()])
        self._wide = Wide(self.samples, (key,))

    def add(self, line: int, cells: list[str]) -> None:
        """Add a row."""
        fits(cells, line, self._width)
        if not cells[self._key].strip():
            raise FormatError(f"line {line}: the row has no id")
        if "" in cells:
            self._lines.setdefault("an empty cell instead of null", line)
        if self._spectrum:
            runs = _RUN.findall(cells[self._spectrum])
            if not all(self._metadata.holds(f"{run}-location") for run in runs):
                self._lines.setdefault("a spectrum of an ms_run that the metadata do not name", line)
        self.count += 1
        if self._at:
            values = [one for at in self._at for one in numbers([cells[at]], line, at, missing=MISSING)]
            self._wide.add(cells[self._key], values, cells[self._key])

    def told(self) -> list[str]:
        """Return what breaks the specification and is read all the same."""
        return [f"line {line}: {problem}" for problem, line in self._lines.items()]

    def matrix(self) -> MatrixData:
        """Return the abundances, samples × rows."""
        return self._wide.matrix()
