"""From tables with their guessed keys to what is known of a study; whence the tables come: file.py, database.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from omics_orchestrator.settings import Settings
from omics_orchestrator.sources.described import Described
from omics_orchestrator.steps.new_study.id_shape import pattern_of
from omics_orchestrator.steps.new_study.origin import Origin
from omics_orchestrator.steps.new_study.rows import Rows, guesses, ids_of, joins, seems_identifying


def of_tables(
    source: str,
    declared: Sequence[str],
    said: Sequence[str],
    rows: Sequence[Rows],
    settings: Settings,
    *,
    notes: Sequence[str],
    columns: Sequence[Described] | None = None,
    set_up: Mapping[str, str] | None = None,
) -> Origin:
    """Return what tables say of a study; the arguments are those of `Origin`."""
    found = guesses(rows)
    people = found.get("participant")
    first = next((one for one in rows if people and one.table == people.table), None)
    apart = [one.person for one in rows if one.person and seems_identifying(one)]
    where = "" if first is None or len(rows) == 1 else f"{first.table}."
    return Origin(
        source,
        declared,
        said,
        found,
        partial(joins, rows, found),
        pattern_of(ids_of(first), letters=not apart) if first else "",
        f"the shape of what stands in {where}{first.person}" if first else "",
        settings,
        columns=columns,
        notes=notes,
        apart=list(dict.fromkeys(apart)),
        keys=[(one.table, one.person) for one in rows if one.person],
        set_up=set_up or {},
    )
