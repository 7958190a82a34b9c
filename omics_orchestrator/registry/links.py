"""Finds whose a file set is, by the rule of its assay: its key, a sample sheet, or the names inside.

Every set ends up linked or with a reason. Whether a named sample is known is asked of whose.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.registry.changes import FileSet
from omics_orchestrator.registry.state import Link
from omics_orchestrator.registry.whose import Reason, Whose
from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile, SampleSheet
from omics_orchestrator.studies.sample_names import sample_reader

if TYPE_CHECKING:
    from omics_orchestrator.storage.objects import Stores

Named = tuple[str | None, str | None]  # participant, sample: as the study wrote them


class Linker:
    """Links sets by an assay's rule; `unknown` counts the names inside linked files that belong to no sample."""

    def __init__(self, assay: Assay, whose: Whose, stores: Stores) -> None:
        self._names, self._rule, self._otherwise = _rule(assay, stores)
        self._whose = whose
        self.unknown = 0

    def link(self, file_set: FileSet) -> None:
        """Give the set its links or the reason why it has none; one that is gone keeps what it had."""
        verdicts = {member.content.verdict for member in file_set.members if member.found}
        if not verdicts and file_set.known:
            file_set.links, file_set.reason = file_set.known.links, file_set.known.reason
        elif "unreadable" in verdicts or "invalid" in verdicts:
            file_set.reason = "unreadable" if "unreadable" in verdicts else "invalid"
        else:
            self._find(file_set)

    def _find(self, file_set: FileSet) -> None:
        rule = self._rule
        found = [self._whose.link(*named, rule) for named in self._names(file_set)] or [self._otherwise]
        links = frozenset(link for link in found if isinstance(link, Link))
        missed = len(found) - len(links)
        if links and (rule == "in_file" or len(found) == 1):
            file_set.links = links
            self.unknown += missed
        else:
            file_set.reason = next((one for one in found if isinstance(one, str)), "ambiguous")


def _rule(assay: Assay, stores: Stores) -> tuple[Callable[[FileSet], set[Named]], str, Reason]:
    """Return what names a set's samples, the rule's word, and the reason when it names none."""
    link = assay.link
    if isinstance(link, str):
        return _by_key(re.compile(link)), "key", "no_match"
    if isinstance(link, SampleSheet):
        return _by_sheet(link, stores), "sample_sheet", "not_in_sheet"
    if isinstance(link, NamesInFile) or assay.format.holds_samples:
        return _by_names_inside(link.in_file if link else InFile()), "in_file", "no_samples_inside"
    return lambda _: set(), "", "no_rule"


def _by_key(pattern: re.Pattern[str]) -> Callable[[FileSet], set[Named]]:
    """Match the whole key below the location; companions of a matching file need not match."""

    def names(file_set: FileSet) -> set[Named]:
        matches = (pattern.fullmatch(member.relative) for member in file_set.members if member.found)
        return {_named(match) for match in matches if match}

    return names


def _by_names_inside(rule: InFile) -> Callable[[FileSet], set[Named]]:
    read = sample_reader(rule)

    def names(file_set: FileSet) -> set[Named]:
        inside = {name for member in file_set.members if member.found for name in member.content.samples}
        return {read(name) for name in inside}

    return names


def _named(match: re.Match[str]) -> Named:
    groups = match.groupdict()
    return groups.get("participant"), groups.get("sample")


def _by_sheet(sheet: SampleSheet, stores: Stores) -> Callable[[FileSet], set[Named]]:
    """Look files up by their key below the location or, where the sheet gives bare names, by their name."""
    samples: dict[str, set[str]] = {}
    for file, sample in _rows(sheet, stores):
        samples.setdefault(file, set()).add(sample)

    def names(file_set: FileSet) -> set[Named]:
        found: set[str] = set()
        for member in file_set.members:
            if member.found:
                found |= samples.get(member.relative) or samples.get(member.key.rpartition("/")[2], set())
        return {(None, sample) for sample in found}

    return names


def _rows(sheet: SampleSheet, stores: Stores) -> Iterable[tuple[str, str]]:
    from omics_orchestrator.sources import Delimited, Excel

    kind = Excel if sheet.sample_sheet.lower().endswith((".xlsx", ".xlsm", ".xls", ".ods")) else Delimited
    source = kind.model_validate({"kind": kind.model_fields["kind"].default, "location": sheet.sample_sheet})
    delivery = source.deliver("sample_sheet", "sample_sheet", {sheet.file, sheet.sample}, stores)
    for column in (sheet.file, sheet.sample):
        if column not in delivery.seen:
            raise DeliveryError(
                f"the sample sheet has no column '{column}'; its columns: {', '.join(delivery.seen)}"
            )
    files, samples = (delivery.data[column].to_pylist() for column in (sheet.file, sheet.sample))
    return (
        (file.strip(), sample.strip()) for file, sample in zip(files, samples, strict=True) if file and sample
    )
