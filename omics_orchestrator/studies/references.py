"""Whether the parts of a study hold together: assays, tables, keys, columns left out. Rules: see rules.py.

The models know their own fields only; here each reference is followed, and each mistake gets its own line.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as Dict
from typing import TypeAlias

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.dictionary.problems import suggest
from omics_orchestrator.dictionary.strict_yaml import Document, Place
from omics_orchestrator.sources.base import Source, admits
from omics_orchestrator.studies.assay import Assay
from omics_orchestrator.studies.grammar import IdGrammar
from omics_orchestrator.studies.mapping import EntityBlock, Mapping
from omics_orchestrator.studies.rules import RuleCheck
from omics_orchestrator.studies.study import NAME, resolve, split

Asked: TypeAlias = "dict[str, list[set[tuple[str, str] | None]]]"


def check_sources(document: Document, sources: Dict[str, Source]) -> None:
    """Table names become parts of keys and of Postgres names."""
    for name, source in sources.items():
        for table in source.tables() or ():
            if not re.fullmatch(NAME, table):
                message = f"{table!r} is not a name: small letters, digits and _, at most 40, a letter first"
                document.complain(("sources", name, "tables", table), message)


def check_assays(document: Document, assays: Dict[str, Assay], dictionary: Dictionary) -> None:
    """An assay bears a name of assays.yaml, or one with a suffix, and comes in one of that kind's formats or unread."""
    for name, assay in assays.items():
        kind, form = kind_of(name, dictionary), assay.format
        if kind is None:
            message = f"{name!r} is not an assay of assays.yaml, nor one of them with a suffix after _"
            document.complain(("assays", name), message, suggest(name, dictionary.assays))
        elif form.format not in (allowed := dictionary.assays[kind].formats) and not form.opaque:
            message = f"{kind} does not come as {form.format}"
            formats = ", ".join(dict.fromkeys([*allowed, "opaque"]))
            document.complain(("assays", name, "format"), message, f"formats: {formats}")
        if assay.link is None and not form.holds_samples:
            message = f"'link' is missing: a {form.format} file does not say whose sample it is"
            document.complain(("assays", name), message)


def kind_of(assay: str, dictionary: Dictionary) -> str | None:
    """Return the kind that a study's assay belongs to: its own name, or the longest one before a `_`."""
    fitting = [kind for kind in dictionary.assays if assay == kind or assay.startswith(f"{kind}_")]
    return max(fitting, key=len, default=None)


class MappingCheck:
    """Follows the references of one mapping.

    What could not be read in study.yaml is not complained about a second time: `declared` names its sources,
    also the unreadable ones (None: no source is known), and `grammar` is None where it is broken.
    """

    def __init__(
        self,
        document: Document,
        mapping: Mapping,
        dictionary: Dictionary,
        sources: Dict[str, Source],
        declared: Collection[str] | None,
        grammar: IdGrammar | None,
    ) -> None:
        self.document = document
        self.complain = document.complain
        self.mapping = mapping
        self.dictionary = dictionary
        self.sources = sources
        self.declared = declared
        self.grammar = grammar

    def run(self) -> None:
        """Note every mistake."""
        rules = RuleCheck(self.document, self.mapping, self.dictionary, self.grammar)
        for entity, block in self.mapping.entities.items():
            self.tables(entity, block)
            self.key(entity, block)
            self.joins(entity, block)
            rules.run(entity, block, redcap=self.from_redcap(block))
        self.absences()
        self.left_out()

    def tables(self, entity: str, block: EntityBlock) -> None:
        """Every table is one that a source delivers, and is named once."""
        places: list[tuple[Place, str]] = [((entity, "from"), block.from_)] if block.from_ is not None else []
        places += [((entity, "stack", number), table) for number, table in enumerate(block.stack)]
        for name, join in block.join.items():
            here: Place = (entity, "join", name)
            places.append(((*here, "table"), join.table) if join.table else (here, name))
        for place, table in places:
            if not self.unreadable(table) and not resolve(table, self.sources):
                self.complain(place, f"no source delivers a table {table!r}", suggest(table, self.known()))
        seen: set[str] = set()
        named = [*places[: len(block.own_tables())], *(((entity, "join", name), name) for name in block.join)]
        for place, name in named:
            if name in seen:
                message = f"the table {name!r} is named twice in this block"
                self.complain(place, message, "a join may have a name of its own: <name>: {table: …}")
            seen.add(name)

    def unreadable(self, table: str) -> bool:
        """Return whether the source of a table is declared, but not in a way that could be read."""
        source = table.partition(".")[0]
        return self.declared is None or (source in self.declared and source not in self.sources)

    def known(self) -> list[str]:
        """Return the table references that can be written."""
        known = []
        for name, source in self.sources.items():
            tables = source.tables()
            if tables is None:
                known.append(f"{name}.<instrument>")
            else:
                known += [f"{name}.{table}" for table in tables] or [name]
        return known

    def from_redcap(self, block: EntityBlock) -> bool:
        """Return whether the block's rows come from tables that have a key of their own."""
        names = {table.partition(".")[0] for table in block.own_tables()} & self.sources.keys()
        return bool(names) and all(self.sources[name].tables() is None for name in names)

    def key(self, entity: str, block: EntityBlock) -> None:
        """A file has no key of its own, so the block must name it."""
        house = KEYS[entity]
        own = {table.partition(".")[0] for table in block.own_tables()}
        if not block.key and own and own <= self.sources.keys() and not self.from_redcap(block):
            self.complain((entity,), "'key' is missing", f"the columns that give {' and '.join(house)}")
        elif block.key and len(house) == 1 < len(block.key):
            self.complain((entity, "key"), f"the key of {entity} is one column, the participant id")
        elif block.key and len(block.key) < len(house):
            self.complain(
                (entity, "key"),
                f"one column cannot name a {entity}",
                f"needed: {', '.join(house)}; where each row is one {entity}, let a slot name it: "
                f"key: [{block.key[0]}, slot] with reshape: {{slots: [first], columns: {{row: {block.key[0]}}}}}",
            )
        if len(set(block.key)) < len(block.key):
            self.complain((entity, "key"), "a column is named twice")

    def joins(self, entity: str, block: EntityBlock) -> None:
        """A join without `on` takes the block's key."""
        for table, join in block.join.items():
            if not join.on and not block.key and not self.from_redcap(block):
                self.complain(
                    (entity, "join", table), "'on' is missing", "the columns that both tables share"
                )

    def absences(self) -> None:
        """`none:` names variables of the dictionary that no rule makes."""
        ruled = {name: entity for entity, block in self.mapping.entities.items() for name in block.rules}
        for name in self.mapping.none:
            if name not in self.dictionary.variables:
                message = f"{name!r} is not a variable of the dictionary"
                self.complain(("none", name), message, suggest(name, self.dictionary.variables))
            elif name in ruled:
                message = f"{name!r} has a rule under {ruled[name]}"
                self.complain(("none", name), message, "keep either the rule or this line")

    def left_out(self) -> None:
        """`not_mapped:` lists a column once, and none that a rule or a key reads."""
        first: dict[str, Place] = {}
        asked = self.asked()
        for reason, entries in self.mapping.not_mapped.items():
            if not reason.strip():
                self.complain(
                    ("not_mapped", reason), "the reason is blank", "say in words why the columns are left out"
                )
            for number, entry in enumerate(entries):
                place: Place = ("not_mapped", reason, number)
                if entry in first:
                    line = self.document.line(first[entry])
                    self.complain(place, f"the column {entry!r} is listed twice, first on line {line}")
                first.setdefault(entry, place)
                self.left_out_entry(place, entry, asked)

    def left_out_entry(self, place: Place, entry: str, asked: Asked) -> None:
        """Hold one entry against the columns that are asked for."""
        table, column = split(entry, self.sources)
        if not column.strip("*"):
            self.complain(place, f"the pattern {entry!r} would leave out every column", "name how they begin")
            return
        found = filter(admits([column]), asked) if "*" in column else asked.keys() & {column}
        places = ((name, tables) for name in found for tables in asked[name])
        used = next((name for name, tables in places if not table or tables == {table}), None)
        if used is not None:
            covered = f"{entry!r}" if used == column else f"{entry!r} covers {used!r}, which"
            message = f"{covered} is read by a rule or a key"
            self.complain(place, message, "take it off, or write <source>.<table>.<column> of another table")

    def asked(self) -> Asked:
        """Return the columns that rules and keys read, each with the sets of tables in which it may lie."""
        found: Asked = {}
        for block in self.mapping.entities.values():
            for tables, column in block.asked():
                places = {resolve(block.table_of(table), self.sources) for table in tables}
                found.setdefault(column, []).append(places)
        return found
