"""One study through the line in this process: deliver, harmonise; every table and finding at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from omics_orchestrator.dictionary import KEYS, Dictionary
from omics_orchestrator.findings import Finding
from omics_orchestrator.formats.base import MemoryFile
from omics_orchestrator.formats.feature_table import FeatureTable, MatrixData
from omics_orchestrator.harmonise import Harmonised, harmonise
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.sources import Delivery
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.studies import Catalogue, EntityBlock, InFile, NamesInFile, Study
from omics_orchestrator.studies.sample_names import sample_reader

DATA = WORKING_COPY.parent / "shared" / "data"
DICTIONARY = WORKING_COPY / "data_dictionary"


def stores_at(folder: Path, store: str = "public") -> Stores:
    """Return stores of which `store` is a folder."""
    return Stores(Settings.from_environment({f"OMICS_STORE_{store.upper()}_URL": folder.as_uri()}))


class Line:
    """A study's deliveries and harmonised entities, each made once."""

    def __init__(self, study: Study, dictionary: Dictionary, stores: Stores) -> None:
        self.study = study
        self.dictionary = dictionary
        self.stores = stores
        self._made: dict[str, Harmonised] = {}

    @cached_property
    def deliveries(self) -> dict[str, Delivery]:
        """Table reference → what the source gave, admitted columns only."""
        found = {}
        for (source, table), admitted in self.study.raw_tables().items():
            reference = source if source == table else f"{source}.{table}"
            found[reference] = self.study.sources[source].deliver(source, table, admitted, self.stores)
        return found

    def undecided(self) -> list[str]:
        """Return every delivered column that is neither used nor listed under not_mapped."""
        return [
            f"{source}.{table}.{column}"
            for source, table in self.study.raw_tables()
            for column in self.study.undecided(source, table, self._seen(source, table))
        ]

    def _seen(self, source: str, table: str) -> tuple[str, ...]:
        return self.deliveries[source if source == table else f"{source}.{table}"].seen

    def entity(self, name: str) -> Harmonised:
        """Return one harmonised entity."""
        if name not in self._made:
            block = self.block(name)
            raw = {table: self.deliveries[block.table_of(table)].data for table in block.tables()}
            participants = None if name == "participant" else self.entity("participant").table
            self._made[name] = harmonise(self.study, name, self.dictionary, raw, participants)
        return self._made[name]

    def block(self, entity: str) -> EntityBlock:
        """Return the mapping's block of one entity."""
        return {str(name): block for name, block in self.study.mapping.entities.items()}[entity]

    def counts(self, entity: str, variable: str) -> dict[object, int]:
        """Return value → rows, None for a missing one."""
        counted = self.entity(entity).table[variable].value_counts().to_pylist()
        return {pair["values"]: pair["counts"] for pair in counted}

    def reasons(self, entity: str, variable: str) -> dict[str, int]:
        """Return missing reason → rows."""
        counted = self.entity(entity).missing[variable].drop_null().value_counts().to_pylist()
        return dict(sorted((pair["values"], pair["counts"]) for pair in counted))

    def ledger(self, entity: str, variable: str) -> dict[str, int]:
        """Return outcome → count."""
        rows = self.entity(entity).ledger.to_pylist()
        return {row["outcome"]: row["count"] for row in rows if row["variable"] == variable}

    def finding(self, entity: str, check: str) -> Finding:
        """Return the one finding of a check."""
        (found,) = [finding for finding in self.entity(entity).findings if finding.check == check]
        return found


def lines_of(catalogue: Catalogue, dictionary: Dictionary, stores: Stores) -> Callable[[str], Line]:
    """Return a function: study → its line over `stores`, each made once."""
    lines: dict[str, Line] = {}

    def line(study: str) -> Line:
        if study in catalogue.broken:
            raise catalogue.broken[study]
        return lines.setdefault(study, Line(catalogue.studies[study], dictionary, stores))

    return line


def unique_keys(table: pa.Table, entity: str) -> bool:
    """Tell whether every row has a key of its own and no part of it is missing."""
    rows = list(zip(*(table[key].to_pylist() for key in KEYS[entity]), strict=True))
    return len(set(rows)) == len(rows) and not any(part is None for row in rows for part in row)


def balanced(line: Line, entity: str) -> None:
    """Assert that every rule over columns has its ledger and that in = out + what was lost, rows included."""
    read = {name for name, rule in line.block(entity).rules.items() if not rule.reads_variables}
    ledgers = {name: line.ledger(entity, name) for name in {*read, "(rows)"}}
    for name, found in ledgers.items():
        assert found["values_in"] == sum(found.values()) - found["values_in"], (name, found)
        if name in read:
            values = line.entity(entity).table[name]
            assert found["values_out"] == len(values) - values.null_count, name
    assert ledgers["(rows)"]["values_out"] == line.entity(entity).table.num_rows
    assert not [one for one in line.entity(entity).findings if one.check == "ledger"]


def read_assay(line: Line, name: str) -> tuple[MatrixData, list[str]]:
    """Return the feature table of an assay and its samples under the study's names."""
    assay = line.study.assays[name]
    assert isinstance(assay.format, FeatureTable)
    ((store, found),) = line.stores.expand(assay.location)
    data = assay.format.read(MemoryFile(Path(found.key).name, store.get(found.key)))
    rule = assay.link.in_file if isinstance(assay.link, NamesInFile) else InFile()
    read = sample_reader(rule)
    return data, [read(sample)[1] or "" for sample in data.sample_ids]
