"""What a registration tells: findings, counts and the fingerprint of what the assay holds now.

All of it is taken from the whole state, not from what changed: an unchanged invalid file stays told.
Files are named by their registry numbers only.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from omics_orchestrator.findings import Finding, Severity, counted
from omics_orchestrator.registry.changes import FileSet
from omics_orchestrator.registry.scan import Member

NAMED = 20  # file numbers in a message


def counts(sets: Sequence[FileSet]) -> dict[str, int]:
    """Return how many files there are and of which kind; linked + quarantined + invalid = files."""
    rows = dict.fromkeys(("file_sets", "files", "linked", "quarantined", "invalid", "missing"), 0)
    rows["file_sets"] = len(sets)
    for file_set in sets:
        for member in file_set.members:
            if member.found is None:
                rows["missing"] += 1
                continue
            rows["files"] += 1
            invalid = member.content.verdict == "invalid"
            rows["invalid" if invalid else "linked" if file_set.links else "quarantined"] += 1
    return rows


def findings(sets: Sequence[FileSet], unknown_inside: int) -> tuple[Finding, ...]:
    """Return what the checks verdict, linked, sample_names and missing have to tell."""
    there = [member for file_set in sets for member in file_set.members if member.found]
    verdicts: dict[str, list[Member]] = {}
    for member in there:
        verdicts.setdefault(member.content.verdict, []).append(member)
    gone = [member for file_set in sets for member in file_set.members if not member.found]
    told = [
        _files(
            "verdict", ("file could not be read", "files could not be read"), verdicts.get("unreadable", [])
        ),
        _files(
            "verdict", ("file breaks its format", "files break their format"), verdicts.get("invalid", [])
        ),
        _files(
            "verdict",
            ("file is readable, with remarks on its form", "files are readable, with remarks on their form"),
            verdicts.get("warnings", []),
            severity="note",
        ),
        _files("missing", ("file is listed no more", "files are listed no more"), gone),
        _files(
            "sample_names",
            (
                "file holds another sample name than the one it is linked to",
                "files hold other sample names than the one they are linked to",
            ),
            _misnamed(sets),
        ),
        *_quarantined(sets),
    ]
    if unknown_inside:
        message = "sample names inside the files belong to no harmonised sample"
        told.append(Finding("linked", message, unknown_inside))
    return tuple(finding for finding in told if finding)


def _files(
    check: str, words: tuple[str, str], members: Sequence[Member], severity: Severity = "warning"
) -> Finding | None:
    if not members:
        return None
    numbers = sorted(member.number for member in members)
    named = ", ".join(map(str, numbers[:NAMED])) + (" …" if len(numbers) > NAMED else "")
    what = f"{counted(len(numbers), *words)} (registry {'file' if len(numbers) == 1 else 'files'} {named})"
    return Finding(check, what, len(numbers), severity)


def _quarantined(sets: Iterable[FileSet]) -> Iterable[Finding]:
    reasons = Counter(
        file_set.reason for file_set in sets if file_set.reason and file_set.reason != "invalid"
    )
    if reasons:
        by_reason = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        message = f"{reasons.total()} file sets wait in quarantine: {by_reason}"
        yield Finding("linked", message, reasons.total())


def _misnamed(sets: Iterable[FileSet]) -> list[Member]:
    """Return files linked by name or sheet whose sample names hold neither that sample nor participant."""
    misnamed = []
    for file_set in sets:
        ids = {name for link in file_set.links if link.rule != "in_file" for name in link[:2]}
        misnamed += [
            member
            for member in file_set.members
            if ids and member.found and member.content.samples and ids.isdisjoint(member.content.samples)
        ]
    return misnamed


def fingerprint(sets: Iterable[FileSet]) -> str:
    """Return one digest over set digests, verdicts, links, reasons and what is missing."""
    digest = hashlib.sha256()
    for file_set in sorted(sets, key=lambda one: one.name):
        verdicts = sorted(
            (member.relative, member.content.verdict if member.found else "missing")
            for member in file_set.members
        )
        links = sorted(tuple(part or "" for part in link) for link in file_set.links)
        digest.update(repr((file_set.name, file_set.digest, verdicts, links, file_set.reason)).encode())
    return digest.hexdigest()[:24]
