"""Which columns of a study hold participant ids, and what stands there when the study is pseudonymised.

How ids are replaced: steps/pseudonymise.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dict

from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator.studies.mapping import EntityBlock, Mapping
from omics_orchestrator.studies.study import Study, StudyFile, resolve

RECORD = "record_id"  # the raw key of every REDCap table
PSEUDONYM = IdGrammar(pattern="P[A-Z2-7]{16}")
GROUP = "participant_id."
WAY_OUT = "leave it out, or leave pseudonymise out"
Lying = tuple[str, str]  # table as the block names it, column


def id_columns(study: Study, source: str, table: str) -> frozenset[str]:
    """Return the columns of a raw table that hold participant ids, by the keys and joins of the mapping."""
    found = {RECORD}
    for block in study.mapping.entities.values():
        for name, column in holding_ids(block):
            if resolve(block.table_of(name), study.sources) == (source, table):
                found.add(column)
    return frozenset(found)


def holding_ids(block: EntityBlock) -> Iterator[Lying]:
    """Yield each table of a block with a column of it that holds participant ids."""
    key = block.key[0] if block.key else RECORD
    tables, column = block.columns_of(key)
    yield from ((table, column) for table in tables)
    for name, join in block.join.items():
        for ours, theirs in (join.on or {key: key}).items():
            if block.columns_of(ours)[1] == column:
                yield name, theirs


def check_pseudonyms(head: StudyFile, mapping: Mapping, about: Document, rules: Document) -> None:
    """Note what cannot be done with pseudonyms: conditions on an id as it was."""
    if not head.pseudonymise:
        return
    for entity, block in mapping.entities.items():
        ids = {column for _, column in holding_ids(block)}
        read: list[tuple[Place, Iterable[str]]] = [((entity, "where"), block.where_reads)]
        read += [((entity, "join", name, "where"), join.where_reads) for name, join in block.join.items()]
        for place, names in read:
            if any(block.columns_of(name)[1] in ids for name in names):
                rules.complain(
                    place, "the condition reads the participant id: a pseudonym stands there", WAY_OUT
                )
        read += [((entity, name), rule.references()) for name, rule in block.rules.items()]
        for place, names in read:
            if any(name.startswith(GROUP) for name in names):
                rules.complain(place, f"a pseudonym has no groups to be read as {GROUP}…", WAY_OUT)


def line_grammar(head: StudyFile | None) -> IdGrammar | None:
    """Return the grammar of the ids that the line sees: of pseudonyms, where the study asks for them."""
    if head is None:
        return None
    return PSEUDONYM if head.pseudonymise else head.participant_id


def seen_by_the_line(head: StudyFile) -> Dict[str, object]:
    """Return the words of study.yaml with the ids as the line sees them; the sources' grammar stays beside it."""
    words: dict[str, object] = dict(head)
    if head.pseudonymise:
        words |= {"participant_id": PSEUDONYM, "written_id": head.participant_id}
    return words
