"""Finds whose a file set is: by a person's word, or by the rule of its assay (its key, a sample sheet, names inside).

Every set ends up linked or with a reason. Whether a named sample is known is asked of whose.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from omics_orchestrator.errors import DeliveryError
from omics_orchestrator.registry.manifest import Manifest
from omics_orchestrator.registry.sets import FileSet, Link
from omics_orchestrator.registry.whose import Reason, Whose
from omics_orchestrator.studies.assay import Assay, InFile, NamesInFile, SampleSheet
from omics_orchestrator.studies.sample_names import sample_reader

if TYPE_CHECKING:
    import pyarrow as pa

    from omics_orchestrator.storage.objects import Stores

Named = tuple[str | None, str | None]  # participant, sample: as the study wrote them
Settled = Mapping[str, Named]  # set name or path below the location → what a person says of it
UNUSABLE: tuple[Reason, ...] = ("unreadable", "invalid")


class Linker:
    """Links sets by an assay's rule, unless a person settled whose they are (links.csv)."""

    def __init__(
        self, assay: Assay, whose: Whose, stores: Stores, settled: Settled, manifest: Manifest, folder: str
    ) -> None:
        self._sheet = _rows(assay.link, stores) if isinstance(assay.link, SampleSheet) else ()
        self._names, self._rule, self._otherwise = _rule(assay, self._sheet)
        self._whose = whose
        self._settled = settled
        self._manifest = manifest
        self._folder = folder

    def depends_on(self, assay: Assay, tables: Iterable[pa.Table | None]) -> str:
        """Return a digest of all that decides links beside the files: when it changes, all sets are linked anew."""
        digest = hashlib.sha256(assay.model_dump_json(include={"link"}).encode())
        digest.update(repr((self._sheet, sorted(self._settled.items()), *self._manifest.lines())).encode())
        for table in tables:
            for column in table.columns if table is not None else ():
                digest.update(repr(column.to_pylist()).encode())
            digest.update(b"\0")
        return digest.hexdigest()

    def link(self, file_set: FileSet) -> None:
        """Give the set its links or the reason why it has none; one that is gone keeps what it had."""
        present = file_set.present()
        if not present and file_set.known:
            known = file_set.known
            file_set.links, file_set.reason, file_set.nearest = known.links, known.reason, known.nearest
            file_set.unknown = known.unknown
            return
        verdicts = {member.reading.verdict for member in present} | {file_set.judgement.verdict}
        unusable = next((verdict for verdict in UNUSABLE if verdict in verdicts), None)
        if unusable:
            file_set.reason = unusable
        elif self._manifest and any(
            self._manifest.contradicts(
                self._folder + member.relative, member.reading.sha256, member.reading.md5
            )
            for member in present
        ):
            file_set.reason = "manifest_differs"
        else:
            self._find(file_set)

    def _find(self, file_set: FileSet) -> None:
        if by_hand := self._by_hand(file_set):
            names, rule = by_hand, "settled"
        else:
            names, rule = self._names(file_set), self._rule
        found = [self._whose.link(*named, rule) for named in names] or [self._otherwise]
        links = frozenset(link for link in found if isinstance(link, Link))
        missed = len(found) - len(links)
        if links and (rule == "in_file" or len(found) == 1 or (by_hand and not missed)):
            file_set.links = links
            file_set.unknown = missed
            return
        file_set.reason = next((one for one in found if isinstance(one, str)), "ambiguous")
        if file_set.reason == "sample_unknown":
            near = {self._whose.nearest(sample) for _, sample in names} - {None}
            file_set.nearest = near.pop() if len(near) == 1 else None

    def _by_hand(self, file_set: FileSet) -> set[Named]:
        keys = [file_set.name, *(member.relative for member in file_set.members)]
        return {self._settled[key] for key in keys if key in self._settled} if self._settled else set()


def _rule(
    assay: Assay, sheet: Iterable[tuple[str, str]]
) -> tuple[Callable[[FileSet], set[Named]], str, Reason]:
    """Return what names a set's samples, the rule's word, and the reason when it names none."""
    link = assay.link
    if isinstance(link, str):
        return _by_key(re.compile(link)), "key", "no_match"
    if isinstance(link, SampleSheet):
        return _by_sheet(sheet), "sample_sheet", "not_in_sheet"
    if isinstance(link, NamesInFile) or assay.format.holds_samples:
        return _by_names_inside(link.in_file if link else InFile()), "in_file", "no_samples_inside"
    return lambda _: set(), "", "no_rule"


def _by_key(pattern: re.Pattern[str]) -> Callable[[FileSet], set[Named]]:
    """Match the whole key below the location; companions of a matching file need not match."""

    def names(file_set: FileSet) -> set[Named]:
        matches = (pattern.fullmatch(member.relative) for member in file_set.members if member.present)
        return {_named(match) for match in matches if match}

    return names


def _by_names_inside(rule: InFile) -> Callable[[FileSet], set[Named]]:
    read = sample_reader(rule)

    def names(file_set: FileSet) -> set[Named]:
        inside = dict.fromkeys(name for member in file_set.present() for name in member.reading.samples)
        inside.update(dict.fromkeys(file_set.judgement.samples))
        return {read(name) for name in inside}

    return names


def _named(match: re.Match[str]) -> Named:
    groups = match.groupdict()
    return groups.get("participant"), groups.get("sample")


def _by_sheet(rows: Iterable[tuple[str, str]]) -> Callable[[FileSet], set[Named]]:
    """Look files up by their key below the location or, where the sheet gives bare names, by their name."""
    samples: dict[str, set[str]] = {}
    for file, sample in rows:
        samples.setdefault(file, set()).add(sample)

    def names(file_set: FileSet) -> set[Named]:
        found: set[str] = set()
        for member in file_set.present():
            path = member.relative
            found |= samples.get(path) or samples.get(path.rpartition("/")[2], set())
        return {(None, sample) for sample in found}

    return names


def _rows(sheet: SampleSheet, stores: Stores) -> list[tuple[str, str]]:
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
    return [
        (file.strip(), sample.strip()) for file, sample in zip(files, samples, strict=True) if file and sample
    ]
