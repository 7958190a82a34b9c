"""What the registry knows of file sets: looked up by name or number, for one portion of a registration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omics_orchestrator.formats.base import Inspection
from omics_orchestrator.registry.names import Names
from omics_orchestrator.registry.sets import KnownSet, Link, Member, Reading

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

SETS = """
select name, number, digest, state, verdict, facts, problems, unknown_names, misnamed
from registry.file_set where study = %s and assay = %s and {by} = any(%s)
"""
LINKS = (
    "select set_number, participant_id, sample_id, rule from registry.sample_link where set_number = any(%s)"
)
QUARANTINE = "select set_number, reason, nearest from registry.quarantine where set_number = any(%s)"
MEMBERS = """
select set_number, file.number, key, missing_since is null, file.version, size, sha256, md5, verdict, {facts}, samples,
       problems, identifying
from registry.file join registry.file_version on file_number = file.number and file_version.version = file.version
where set_number = any(%s) and not file.number = any(%s) order by file.number
"""


def known_sets(
    cursor: Cursor, whose: tuple[str, str], by: str, values: Sequence[object]
) -> dict[str, KnownSet]:
    """Return the registered sets of a study's assay by their written names.

    Args:
        cursor: of the registration.
        whose: study, assay.
        by: `name` or `number`.
        values: the names or numbers asked for.
    """
    cursor.execute(SETS.format(by=by), (*whose, list(values)))
    sets = {
        name: KnownSet(
            number,
            digest,
            state,
            Inspection(verdict, facts, tuple(facts.pop("samples_inside", ())), tuple(problems)),
            unknown=unknown,
            misnamed=tuple(misnamed),
        )
        for name, number, digest, state, verdict, facts, problems, unknown, misnamed in cursor
    }
    _add_whose(cursor, {known.number: known for known in sets.values()})
    return sets


def _add_whose(cursor: Cursor, sets: dict[int, KnownSet]) -> None:
    """Add links and reasons of quarantine."""
    if not sets:
        return
    numbers = list(sets)
    links: dict[int, set[Link]] = {}
    cursor.execute(LINKS, (numbers,))
    for number, *link in cursor:
        links.setdefault(number, set()).add(Link(*link))
    for number, found in links.items():
        sets[number].links = frozenset(found)
    cursor.execute(QUARANTINE, (numbers,))
    for number, reason, nearest in cursor:
        sets[number].reason, sets[number].nearest = reason, nearest


def known_members(
    cursor: Cursor, sets: Sequence[int], without: Sequence[int], names: Names, start: int, *, facts: bool
) -> dict[int, list[Member]]:
    """Return set number → its registered files, but for those that are read now.

    Args:
        cursor: of the registration.
        sets: numbers of sets.
        without: numbers of the files that are read now.
        names: how keys and names are written.
        start: length of the folder that the assay's location names.
        facts: fetch the facts too (only formats that judge sets need them).
    """
    found: dict[int, list[Member]] = {}
    if not sets:
        return found
    cursor.execute(MEMBERS.format(facts="facts" if facts else "null"), (list(sets), list(without)))
    for set_number, number, key, present, version, size, sha256, md5, verdict, *inside in cursor:
        told, samples, problems, identifying = inside
        reading = Reading(
            sha256,
            verdict,
            told or {},
            [names.original(name) for name in samples],
            problems,
            identifying,
            md5,
        )
        relative = names.original(key)[start:]
        found.setdefault(set_number, []).append(
            Member(relative, present, reading, number, version, size=size)
        )
    return found
