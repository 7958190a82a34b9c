"""Find: which keys exist here, how many rows they have, how well each variable is covered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from omics_orchestrator.dictionary import ENTITIES, Dictionary
from omics_orchestrator.errors import UnknownKey
from omics_orchestrator.registry.query import file_counts, files_of
from omics_orchestrator.steps.select import Selection, select
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.tables import TableState, list_tables, read_table, table_state
from omics_orchestrator.studies.datasets import BESIDE
from omics_orchestrator.studies.places import table_of

Coverage = dict[str, dict[tuple[str, str], float]]  # study → (entity, variable) → share of rows with a value


def stored_tables(workspace: Workspace) -> dict[str, TableState]:
    """Return asset key → state of every stored table that is an asset (side tables left out)."""
    raw = {
        table_of(("raw", name, *place)): "/".join(("raw", name, *place))
        for name, study in workspace.catalogue.studies.items()
        for place in study.raw_tables()
    }
    found = {}
    for state in list_tables(workspace.database):
        layer, _, study = state.schema.partition("_")
        if key := raw.get((state.schema, state.name)):
            found[key] = state
        elif layer == "harmonised" and state.name in ENTITIES:
            found[f"harmonised/{study}/{state.name}"] = state
        elif layer == "dataset" and "__" not in state.name:
            found[f"dataset/{study}/{state.name}"] = state
        elif layer == "identity" and state.name == table_of(("identity", study))[1]:
            found[f"identity/{study}"] = state
        elif state.schema == "warehouse" and state.name in ENTITIES:
            found[f"warehouse/{state.name}"] = state
    return found


def read_key(workspace: Workspace, key: str, asked: Selection) -> pa.Table:
    """Return the rows of the table that bears an asset key; inexact values come with their comparators.

    Raises:
        UnknownKey: no table bears that key, or a column is not known; the nearest names are listed.
    """
    try:
        state = table_state(workspace.database, *table_of([part for part in key.split("/") if part]))
    except ValueError:  # no kind of asset has such a key
        state = None
    if state is None:
        raise unknown_key(workspace, key)
    return select(workspace.database, state, asked, inexact_variables(workspace.dictionary))


def inexact_variables(dictionary: Dictionary) -> frozenset[str]:
    """Return the variables of which a value may be inexact: numbers like `<20`, dates known to the year."""
    return frozenset(one.name for one in dictionary.variables.values() if one.type in BESIDE)


def unknown_key(workspace: Workspace, key: str) -> UnknownKey:
    """Return the error that helps on: the keys below a prefix, else the nearest keys."""
    known = known_keys(workspace)
    below = [name for name in known if name.startswith(key.strip("/") + "/")]
    return UnknownKey("asset", key, below, below=True) if below else UnknownKey("asset", key, known)


def known_keys(workspace: Workspace) -> list[str]:
    """Return every key that `load` answers, sorted."""
    keys = set(stored_tables(workspace))
    for study, assay, _ in file_counts(workspace.database):
        keys |= {f"files/{study}", f"files/{study}/{assay}"}
    keys |= {f"matrix/{study}/{assay}" for study, assay in stored_matrices(workspace)}
    return sorted(keys)


def stored_matrices(workspace: Workspace) -> list[tuple[str, str]]:
    """Return (study, assay) of every complete matrix in our store."""
    from omics_orchestrator.matrices.build import list_matrices

    return list_matrices(workspace.stores)


def files_by_study(workspace: Workspace) -> dict[str, int]:
    """Return study → number of registered files."""
    counts: dict[str, int] = defaultdict(int)
    for study, _, number in file_counts(workspace.database):
        counts[study] += number
    return dict(counts)


def coverage(workspace: Workspace) -> Coverage:
    """Return for every harmonised study the share of rows that have a value, by entity and variable."""
    tables = stored_tables(workspace)
    there = {(state.schema, state.name) for state in list_tables(workspace.database)}
    shares: Coverage = {}
    for key, state in tables.items():
        layer, *rest = key.split("/")
        if layer != "harmonised" or rest[1] not in ENTITIES:
            continue
        study, entity = rest
        place = (state.schema, f"{state.name}__status")
        status = read_table(workspace.database, *place).to_pylist() if place in there else []
        of_study = shares.setdefault(study, {})
        for row in status:  # the ledger counts cells of sources: computed variables have none
            if row["n_value"] is not None:
                of_study[entity, row["variable"]] = row["n_value"] / state.rows if state.rows else 0.0
    return shares


@dataclass(frozen=True)
class FileCounts:
    """Registered files: all, with a known sample, waiting in quarantine, breaking their format."""

    registered: int
    linked: int
    quarantined: int
    invalid: int


def count_files(workspace: Workspace, studies: Collection[str] | None = None) -> FileCounts:
    """Count the files of all or some studies (a file of many samples counts once)."""
    table = files_of(workspace.database)
    if studies is not None:
        table = table.filter(pc.is_in(table["study"], value_set=pa.array(list(studies), pa.string())))

    def distinct(mask: pa.ChunkedArray) -> int:
        return int(pc.count_distinct(table["number"].filter(mask)).as_py())

    return FileCounts(
        registered=int(pc.count_distinct(table["number"]).as_py()),
        linked=distinct(pc.or_(pc.is_valid(table["sample_id"]), pc.is_valid(table["participant_id"]))),
        quarantined=distinct(pc.is_valid(table["reason"])),
        invalid=distinct(pc.equal(table["verdict"], "invalid")),
    )


@dataclass(frozen=True)
class Ledger:
    """Values over all rules of some studies: read, kept, and lost by outcome."""

    values_in: int
    values_out: int
    lost: dict[str, int]


def ledger(workspace: Workspace, studies: Collection[str]) -> Ledger:
    """Sum the loss ledgers of the harmonised tables of `studies`."""
    counted: dict[str, int] = defaultdict(int)
    for key, state in stored_tables(workspace).items():
        layer, study = key.split("/")[:2]
        if layer == "harmonised" and study in studies:
            for row in read_table(workspace.database, state.schema, f"{state.name}__ledger").to_pylist():
                if row["variable"]:
                    counted[row["outcome"]] += row["count"]
    values_in, values_out = counted.pop("values_in", 0), counted.pop("values_out", 0)
    return Ledger(values_in, values_out, dict(counted))
