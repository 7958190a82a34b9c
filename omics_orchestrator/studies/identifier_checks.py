"""Whether what study.yaml says under `identifiers:` fits the sources and the mapping."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Dict

from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.sources.base import Source, admits
from omics_orchestrator.studies.mapping import Mapping
from omics_orchestrator.studies.references import MappingCheck
from omics_orchestrator.studies.study import Identifiers, split

FORM = "write <source>.<table>.<column>"
KEYS = frozenset({"record_id", "event_name", "event_instance", "form_instance", "row_number"})


def check_identifiers(
    document: Document,
    identifiers: Identifiers,
    sources: Dict[str, Source],
    declared: Collection[str],
    check: MappingCheck,
) -> None:
    """Every entry names one column of one table; what is kept apart is read by no rule and is not left out.

    Args:
        document: study.yaml.
        identifiers: what it says.
        sources: the sources that could be read.
        declared: the names of all, also of those that could not.
        check: the check of the mapping, which knows what rules and keys read.
    """
    seen: set[str] = set()
    for number, entry in enumerate(identifiers.keep):
        place: Place = ("identifiers", "keep", number)
        if entry in seen:
            document.complain(place, f"the column {entry!r} is listed twice")
        seen.add(entry)
        if entry in identifiers.not_identifying:
            document.complain(place, f"{entry!r} stands under not_identifying too", "keep one of the lines")
        if _named(document, place, entry, sources, declared):
            _apart(document, place, entry, sources, check)
    for entry in identifiers.not_identifying:
        _named(document, ("identifiers", "not_identifying", entry), entry, sources, declared)


def _named(
    document: Document, place: Place, entry: str, sources: Dict[str, Source], declared: Collection[str]
) -> bool:
    """Tell whether an entry names a column of a table; a mistake is noted, once for a broken source."""
    source = entry.partition(".")[0]
    if source in declared and source not in sources:
        return False
    table, column = split(entry, sources)
    if table is None:
        document.complain(place, f"{entry!r} names no column of a table that a source delivers", FORM)
    elif "*" in column:
        document.complain(place, f"{entry!r} is a pattern: each column is decided on by itself", FORM)
        return False
    return table is not None


def _apart(
    document: Document, place: Place, entry: str, sources: Dict[str, Source], check: MappingCheck
) -> None:
    """Note a kept column that something else of the study speaks of."""
    table, column = split(entry, sources)
    if column in KEYS:
        document.complain(place, f"{column!r} is a key of the raw table and cannot be kept apart from it")
    if any(tables == {table} for tables in check.asked().get(column, ())):
        message = f"{entry!r} is read by a rule or a key"
        document.complain(place, message, "what is kept as an identifier can be read by none")
    if _left_out(check.mapping, table, column, sources):
        document.complain(
            place, f"{entry!r} is kept, and not_mapped leaves it out", "take it off one of them"
        )


def _left_out(
    mapping: Mapping, table: tuple[str, str] | None, column: str, sources: Dict[str, Source]
) -> bool:
    named = (split(entry, sources) for entry in mapping.listed())
    return any(place in {None, table} and admits([pattern])(column) for place, pattern in named)
