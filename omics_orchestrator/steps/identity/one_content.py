"""One content under two participants or samples: asked of the registry alone, by sha256."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from omics_orchestrator.steps.identity.outcome import Outcome, Owner
from omics_orchestrator.storage.schema import migrate

if TYPE_CHECKING:
    from omics_orchestrator.storage.database import Database

# A file that is small beside the largest of its set is passed over: gene lists of 10x folders, indexes, manifests are
# rightly the same for many samples. So are empty files.
FILES = """
with file_of as (
    select sha256, file.number, file.set_number, size,
           max(size) over (partition by file.set_number) as largest
    from registry.file_set
    join registry.file on file.set_number = file_set.number
    join registry.file_version on file_number = file.number and file_version.version = file.version
    where study = %s and missing_since is null and damaged_since is null and sha256 is not null and size > 0
), owned as (
    select file_of.*,
           array_agg(coalesce(participant_id, '') order by participant_id, sample_id)
             filter (where sample_link.set_number is not null) as participants,
           array_agg(coalesce(sample_id, '') order by participant_id, sample_id)
             filter (where sample_link.set_number is not null) as samples
    from file_of left join registry.sample_link using (set_number)
    where 2 * size >= largest
    group by sha256, number, set_number, size, largest
)
select sha256, number, participants, samples from owned
where sha256 in (select sha256 from owned group by sha256 having count(*) > 1)
order by sha256, number
"""
TWO_PARTICIPANTS = "linked to two participants"
TWO_SAMPLES = "linked to two samples of one participant"
UNLINKED = "one of the two is not linked"
TWO_PLACES = "in two places, linked alike"


def one_content(database: Database, study: str) -> list[Outcome]:
    """Return one outcome per file whose content stands in an earlier one; another study's files are not looked at."""
    migrate(database)
    with database.transaction(read_only=True) as connection, connection.cursor() as cursor:
        cursor.execute(FILES, (study,))
        rows = cursor.fetchall()
    return list(_outcomes(rows))


def _outcomes(rows: list[tuple[str, int, list[str] | None, list[str] | None]]) -> Iterator[Outcome]:
    for _, same in groupby(rows, key=itemgetter(0)):
        (_, first, people, samples), *others = same
        for _, number, other_people, other_samples in others:
            one, other = _owner(first, people, samples), _owner(number, other_people, other_samples)
            if people is None or other_people is None:
                yield Outcome("one_content", one, "undetermined", UNLINKED, other)
            elif (people, samples) == (other_people, other_samples):
                yield Outcome("one_content", one, "agrees", TWO_PLACES, other)
            else:
                reason = TWO_SAMPLES if set(people) == set(other_people) else TWO_PARTICIPANTS
                yield Outcome("one_content", one, "differs", reason, other)


def _owner(number: int, people: list[str] | None, samples: list[str] | None) -> Owner:
    """Return whose a file is; one of many samples names none."""
    if not people or not samples or len(people) > 1:
        return Owner(number, 0, None, None)
    return Owner(number, 0, people[0] or None, samples[0] or None)
