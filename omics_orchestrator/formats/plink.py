"""PLINK: sets of genotypes, variants and samples (bed, bim, fam; pgen, pvar, psam) that lie together under one stem.

The tables: plink_text.py; the genotypes: plink_genotypes.py. Genotypes are not decoded; .ped and .map are no set here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from omics_orchestrator.errors import FormatError
from omics_orchestrator.formats.base import Format, Inspection, OpenFile
from omics_orchestrator.formats.plink_genotypes import bed_size, inspect_genotypes, is_genotypes
from omics_orchestrator.formats.plink_text import ZSTD, inspect_samples, inspect_variants, text_blocks
from omics_orchestrator.formats.text import GZIP, text_head

STEM = re.compile(r"(?is)(.*)\.(bed|bim|fam|pgen|pvar|psam)(?:\.(?:zst|gz))?(?:\.pgi)?")
PARTS = {"bed": (("bim",), ("fam",)), "pgen": (("pvar", "bim"), ("psam", "fam"))}


class Plink(Format):
    """PLINK sets: .bed with .bim and .fam, .pgen with .pvar and .psam (the variants may be gzip or Zstandard).

    Checked: mode and dimensions of the genotypes against the samples and variants beside them, every row of the
    tables, unique samples, positions; a .pgen is opened by PLINK's own library where that is installed.
    """

    suffixes: ClassVar[tuple[str, ...]] = (
        *(".bed", ".bim", ".fam", ".pgen", ".pvar", ".psam"),
        *(".bim.zst", ".pvar.zst", ".psam.zst", ".bim.gz", ".pvar.gz", ".psam.gz"),
    )
    companions: ClassVar[tuple[str, ...]] = (".pgi",)
    holds_samples: ClassVar[bool] = True

    format: Literal["plink"] = "plink"
    """Sets of genotypes by PLINK 1 or 2; sample ids stand in the .fam or .psam."""

    @classmethod
    def sniff(cls, name: str, head: bytes) -> bool:
        """Tell genotypes by their first bytes, tables by the suffix and the columns of the first line."""
        if is_genotypes(head):
            return True
        text = _first_text(head)
        line = next((one for one in text.split(b"\n") if not one.startswith(b"##")), b"").split()
        kind = _kind(name)
        if kind == "psam" and line[:1] in ([b"#FID"], [b"#IID"]):
            return True
        if kind == "pvar" and line[:5] == [b"#CHROM", b"POS", b"ID", b"REF", b"ALT"]:
            return True
        if kind in {"fam", "psam"}:
            return 5 <= len(line) <= 6
        return kind in {"bim", "pvar"} and len(line) == 6 and line[3].removeprefix(b"-").isdigit()

    @classmethod
    def set_key(cls, name: str) -> str:
        """Return the stem that the parts of a set share."""
        found = STEM.fullmatch(name)
        return found[1] if found else name

    def inspect(self, file: OpenFile) -> Inspection:
        """Read one part of a set."""
        kind = _kind(file.name)
        if kind in {"fam", "psam"}:
            return inspect_samples(file)
        if kind in {"bim", "pvar"}:
            return inspect_variants(file)
        return inspect_genotypes(file)

    def judge(self, members: Mapping[str, Inspection], files: Mapping[str, OpenFile]) -> Inspection:
        """Say which parts of the set are missing, and whether samples × variants are the genotypes' dimensions."""
        by_kind = {_kind(path): path for path in members if not self.is_companion(path)}
        genotypes = [kind for kind in PARTS if kind in by_kind]
        facts: dict[str, JsonValue] = {"parts": list[JsonValue](sorted(by_kind))}
        if not genotypes:
            return _unusable("the genotypes are missing: no .bed or .pgen of this stem", facts)
        for kind in genotypes:
            found: dict[str, JsonValue] = {}
            for needed, what in zip(PARTS[kind], ("variants", "samples"), strict=True):
                part = next((by_kind[one] for one in needed if one in by_kind), None)
                if part is None:
                    return _unusable(f"the {what} are missing: no .{needed[0]} beside the .{kind}", facts)
                if members[part].verdict == "invalid":
                    return Inspection.of(facts)
                found[what] = members[part].facts.get(what)
            facts |= found
            if problem := _disagreement(kind, members[by_kind[kind]], files[by_kind[kind]].size, found):
                return _unusable(problem, facts)
        return Inspection.of(facts)


def _unusable(problem: str, facts: dict[str, JsonValue]) -> Inspection:
    return Inspection.refused(FormatError(problem), facts)


def _kind(name: str) -> str:
    """Return which part of a set a file is by its name; empty = none."""
    found = STEM.fullmatch(name)
    return found[2].lower() if found else ""


def _first_text(head: bytes) -> bytes:
    """Return the first text of a table, inflated."""
    if not head.startswith(ZSTD):
        return text_head(head) if head.startswith(GZIP) else head
    try:
        return next(text_blocks([head]), b"")
    except FormatError:
        return b""


def _disagreement(kind: str, genotypes: Inspection, size: int, found: Mapping[str, JsonValue]) -> str:
    """Return how the dimensions of the genotypes disagree with the tables; empty = they do not, or cannot be told."""
    variants, samples = int(str(found["variants"])), int(str(found["samples"]))
    if genotypes.verdict == "invalid":
        return ""
    if genotypes.facts.get("layout") == "bed":
        by_sample = genotypes.facts["mode"] == 0
        due = bed_size(variants, samples) if by_sample else bed_size(samples, variants)
        if size != due:
            return (
                f"the .{kind} has {size:,} bytes; {samples:,} samples and {variants:,} variants make {due:,}"
            )
    for what, count in (("samples", samples), ("variants", variants)):
        if (told := genotypes.facts.get(what)) not in (None, count):
            return f"the .{kind} holds {told} {what}, the table beside it {count}"
    return ""
