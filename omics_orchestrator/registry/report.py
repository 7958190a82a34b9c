"""What a registration tells: findings, counts and the fingerprint of what the assay holds now.

All of it is asked of the tables, not of what changed: an unchanged invalid file stays told. Files are named by
their registry numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omics_orchestrator.findings import Finding, Severity, counted

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

NAMED = 20  # file numbers in a message
WAIT = ("file set waits", "file sets wait")
SEEN = f"""
with files as materialized (
    select file.number, missing_since is not null as missing, damaged_since is not null as damaged,
           file_version.verdict, size, identifying <> '[]' as identifying,
           exists (select from registry.sample_link where sample_link.set_number = file_set.number) as linked
    from registry.file_set
    join registry.file on file.set_number = file_set.number
    join registry.file_version on file_number = file.number and file_version.version = file.version
    where study = %(study)s and assay = %(assay)s)
select null as kind, missing, verdict, linked, count(*), sum(size)::bigint, null as numbers
from files group by missing, verdict, linked
union all
select kind, null, null, null, count(*), null, (array_agg(number order by number))[1:{NAMED}] from (
    select number, case when missing then 'missing' else verdict end as kind from files
    union all select number, 'damaged' from files where damaged and not missing
    union all select number, 'identifying' from files where identifying and not missing
    union all select unnest(misnamed), 'misnamed' from registry.file_set
        where study = %(study)s and assay = %(assay)s) as told
where kind <> 'valid' group by kind
"""
SETS = """
select reason, count(*), count(nearest) from registry.file_set join registry.quarantine on set_number = number
where study = %(study)s and assay = %(assay)s and reason <> 'invalid' group by reason order by reason
"""
ABOUT_SETS = """
select coalesce(sum(unknown_names), 0), count(*) filter (where verdict = 'warnings'),
       count(*) filter (where verdict = 'invalid'), coalesce(encode(sha256(convert_to(
           string_agg(state, ' ' order by name collate "C"), 'UTF8')), 'hex'), 'nothing')
from registry.file_set where study = %(study)s and assay = %(assay)s
"""
HOW_MANY_SETS = "select count(*) from registry.file_set where study = %(study)s and assay = %(assay)s"
COLLISIONS = """
select count(*) from (
    select sample_id from registry.sample_link join registry.file_set on number = set_number
    where study = %(study)s and assay = %(assay)s and sample_id is not null and rule <> 'in_file'
    and exists (select from registry.file where file.set_number = number and missing_since is null)
    group by sample_id having count(*) > 1) as several
"""
NOT_THERE = """
select count(*) from unnest(%(keys)s::text[]) as named (key) where not exists (
    select from registry.file join registry.file_set on file_set.number = set_number
    where study = %(study)s and assay = %(assay)s and file.key = named.key and missing_since is null)
"""
TOLD: dict[str, tuple[str, tuple[str, str], Severity]] = {
    "unreadable": ("verdict", ("file could not be read", "files could not be read"), "warning"),
    "invalid": ("verdict", ("file breaks its format", "files break their format"), "warning"),
    "unverified": ("verdict", ("file was not read yet", "files were not read yet"), "warning"),
    "warnings": (
        "verdict",
        ("file is readable, with remarks on its form", "files are readable, with remarks on their form"),
        "note",
    ),
    "missing": ("missing", ("file is listed no more", "files are listed no more"), "warning"),
    "damaged": (
        "damaged",
        ("file holds other bytes than were registered", "files hold other bytes than were registered"),
        "error",
    ),
    "identifying": (
        "identifying",
        (
            "file seems to hold a direct identifier in its name or header",
            "files seem to hold direct identifiers in their names or headers",
        ),
        "warning",
    ),
    "misnamed": (
        "sample_names",
        (
            "file holds another sample name than the one it is linked to",
            "files hold other sample names than the one they are linked to",
        ),
        "warning",
    ),
}


@dataclass(frozen=True)
class Files:
    """The files of one assay, counted in one pass over them.

    Attributes:
        states: missing, verdict, linked, how many files, their bytes.
        kinds: kind of what is told of files (a key of `TOLD`) → how many, the lowest numbers of them.
    """

    states: list[tuple[bool, str, bool, int, int]]
    kinds: dict[str, tuple[int, list[int]]]

    def count(self, *, missing: bool = False, linked: bool | None = None, invalid: bool | None = None) -> int:
        """Return how many files are so; None = whether they are or not."""
        return sum(
            count
            for gone, verdict, of_sample, count, _ in self.states
            if gone == missing and linked in (None, of_sample) and invalid in (None, verdict == "invalid")
        )

    def facts(self) -> dict[str, int]:
        """Return how many of the files that are there have each verdict, and how many bytes they are."""
        found: dict[str, int] = {}
        for missing, verdict, _, count, _ in sorted(self.states):
            if not missing:
                found[f"verdict_{verdict}"] = found.get(f"verdict_{verdict}", 0) + count
        return {**found, "bytes": sum(size for missing, *_, size in self.states if not missing)}


def files(cursor: Cursor, whose: dict[str, object]) -> Files:
    """Count the files of an assay."""
    cursor.execute(SEEN, whose)
    found = Files([], {})
    for kind, missing, verdict, linked, count, size, numbers in cursor:
        if kind is None:
            found.states.append((missing, verdict, linked, count, size))
        else:
            found.kinds[kind] = count, numbers
    return found


def counts(cursor: Cursor, whose: dict[str, object], of: Files) -> dict[str, int]:
    """Return how many files there are and of which kind; linked + quarantined + invalid = files."""
    cursor.execute(HOW_MANY_SETS, whose)
    (file_sets,) = cursor.fetchone() or (0,)
    return {
        "file_sets": file_sets,
        "files": of.count(),
        "linked": of.count(linked=True, invalid=False),
        "quarantined": of.count(linked=False, invalid=False),
        "invalid": of.count(invalid=True),
        "missing": of.count(missing=True),
    }


def findings(cursor: Cursor, whose: dict[str, object], of: Files) -> tuple[tuple[Finding, ...], str]:
    """Return what the checks on files have to tell, and the fingerprint of what the assay holds."""
    told = [_files(kind, *of.kinds[kind]) for kind in TOLD if kind in of.kinds]
    cursor.execute(SETS, whose)
    told += _quarantined(cursor.fetchall())
    cursor.execute(ABOUT_SETS, whose)
    unknown, remarks, broken, state = cursor.fetchone() or (0, 0, 0, "nothing")
    if broken:
        words = ("set of files does not fit together", "sets of files do not fit together")
        told.append(Finding("verdict", counted(broken, *words), broken))
    if remarks:
        words = ("set of files fits together, with remarks", "sets of files fit together, with remarks")
        told.append(Finding("verdict", counted(remarks, *words), remarks, "note"))
    if unknown:
        message = "sample names inside the files belong to no harmonised sample"
        told.append(Finding("linked", message, unknown))
    cursor.execute(COLLISIONS, whose)
    several = (cursor.fetchone() or (0,))[0]
    if several:
        words = ("sample has several file sets", "samples have several file sets each")
        told.append(Finding("linked", counted(several, *words), several, "note"))
    return tuple(told), state[:24]


def not_there(cursor: Cursor, whose: dict[str, object], keys: Sequence[str]) -> tuple[Finding, ...]:
    """Return the finding on files that a manifest names (keys as they are written) and the store does not list."""
    cursor.execute(NOT_THERE, {**whose, "keys": list(keys)})
    count = (cursor.fetchone() or (0,))[0]
    words = ("file of the manifest is not there", "files of the manifest are not there")
    return (Finding("manifest", counted(count, *words), count),) if count else ()


def _files(kind: str, count: int, numbers: Sequence[int]) -> Finding:
    check, words, severity = TOLD[kind]
    named = ", ".join(map(str, numbers)) + (" …" if count > len(numbers) else "")
    what = f"{counted(count, *words)} (registry {'file' if count == 1 else 'files'} {named})"
    return Finding(check, what, count, severity)


def _quarantined(reasons: Sequence[tuple[str, int, int]]) -> Iterable[Finding]:
    if not reasons:
        return
    total = sum(count for _, count, _ in reasons)
    by_reason = ", ".join(f"{reason} {count}" for reason, count, _ in reasons)
    near = sum(nearest for *_, nearest in reasons)
    hint = f"; {near} differ from a known sample in spelling only" if near else ""
    differs = sum(count for reason, count, _ in reasons if reason == "manifest_differs")
    if differs:
        words = ("file set is not as its manifest says", "file sets are not as their manifests say")
        yield Finding("manifest", counted(differs, *words), differs, "error")
    yield Finding(
        "linked", f"{counted(total, *WAIT)} in quarantine: {by_reason}{hint} (omics files --unlinked)", total
    )
