"""Extract: one table of a source, unchanged and all text, ready for the schema `raw_<study>`.

Reading a system is the source's own method (sources/); writing is the I/O manager's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from omics_orchestrator.columns import safe_names
from omics_orchestrator.errors import nearest
from omics_orchestrator.findings import Finding, counted
from omics_orchestrator.sources.base import Delivery
from omics_orchestrator.steps import staged
from omics_orchestrator.steps.attachments import stored_attachments
from omics_orchestrator.steps.held import Before
from omics_orchestrator.steps.identify import separate, stop_identifiers, write_identifiers
from omics_orchestrator.steps.new_codes import new_codes
from omics_orchestrator.steps.pseudonymise import pseudonymised
from omics_orchestrator.steps.result import StepResult, combined_version
from omics_orchestrator.steps.workspace import Workspace
from omics_orchestrator.storage.fingerprint import fingerprint, in_key_order
from omics_orchestrator.storage.tables import TableWrite
from omics_orchestrator.studies import Study, versions
from omics_orchestrator.studies.places import table_of

ORIGINAL = b"original"  # field metadata: the column's name in the source
ADDED = ("row_hash", "run_id")


def extract(workspace: Workspace, study: Study, source: str, table: str, *, run_id: str) -> StepResult:
    """Read `table` of `source` and return it as a raw table with its findings.

    A source that knows what changed is asked for that only, and its answer is laid over what is held.

    Raises:
        DeliveryError: when the source delivered something unusable, or identifiers nobody decided on.
    """
    schema, name = table_of(("raw", study.study, source, table))
    before = Before(workspace.database, schema, name, versions.raw(study, source, table))
    waiting = staged.waiting(workspace, study, source, table)
    held = (
        None if study.pseudonymise else before.held(tuple(waiting.values()))
    )  # a source knows its own ids, not pseudonyms
    admitted = study.raw_tables()[source, table]
    delivery = study.sources[source].deliver(source, table, admitted, workspace.stores, held=held)
    delivery = pseudonymised(workspace, study, source, table, delivery)
    apart = separate(study, source, table, delivery)
    delivery = apart.delivery
    raw = in_key_order(before.over(_raw_table(delivery, run_id), delivery.replaced), delivery.key)
    told = (*apart.findings, *stop_identifiers(study, source, table, with_original_names(raw)))
    told += tuple(new_codes(before, raw, delivery.key, ORIGINAL))
    described = _described(study, source)
    write = TableWrite(schema, name, raw, delivery.key, ignore=("run_id",), description=described)
    kept = write_identifiers(workspace, study, source, table, apart)
    return StepResult(
        data_version=combined_version([fingerprint(raw, ignore=("run_id",)), *_declared_types(raw)]),
        findings=(*delivery.findings, *told, *_empty(raw, delivery), *_drift(study, source, table, delivery)),
        facts={**delivery.decisions, "columns_in_delivery": len(delivery.seen), **_amount(delivery)},
        writes=(write, *_beside(workspace, before, delivery), *kept),
        rows=raw.num_rows,
        applied=tuple(waiting),
    )


def _amount(delivery: Delivery) -> dict[str, int]:
    """Tell how many rows a delivery of changes held."""
    return {} if delivery.replaced is None else {"rows_delivered": delivery.data.num_rows}


def _beside(workspace: Workspace, before: Before, delivery: Delivery) -> Iterator[TableWrite]:
    """Yield the writes of what stands beside the raw table: side tables, attachments, the source's mark."""
    sides = dict(delivery.beside)
    if delivery.attachments or before.state("attachments"):
        sides["attachments"] = stored_attachments(workspace.stores.own, delivery)
    for side, (table, key) in sides.items():
        yield before.side(side, table, key, delivery.replaced)
    if delivery.mark:
        yield before.marked(delivery.mark)


def with_original_names(raw: pa.Table) -> pa.Table:
    """Return a raw table as the source named it: original column names, without row hash and run id."""
    kept = raw.drop_columns([name for name in ADDED if name in raw.column_names])
    names = [(field.metadata or {}).get(ORIGINAL, field.name.encode()).decode() for field in kept.schema]
    return kept.rename_columns(names)


def _raw_table(delivery: Delivery, run_id: str) -> pa.Table:
    data = delivery.data
    payload = [name for name in data.column_names if name not in delivery.key]
    safe = safe_names(payload, reserved=(*delivery.key, *ADDED))
    fields = [data.schema.field(name) for name in delivery.key]
    columns = [data.column(name) for name in delivery.key]
    for name in payload:
        told = (
            data.schema.field(name).metadata or {}
        )  # what the source declares of the column, e.g. its REDCap type
        fields.append(pa.field(safe[name], pa.string(), metadata={**told, ORIGINAL: name.encode()}))
        columns.append(data.column(name))
    fields += [pa.field("row_hash", pa.string()), pa.field("run_id", pa.string())]
    columns += [_row_hash(data, payload), pa.array([run_id] * data.num_rows, pa.string())]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _row_hash(data: pa.Table, payload: list[str]) -> pa.ChunkedArray:
    """Return the md5 of each row's cells; unit and record separators keep `a|b` apart from `ab|`."""
    import duckdb

    if not payload:
        return pa.chunked_array([pa.array([""] * data.num_rows, pa.string())])
    positional = data.select(payload).rename_columns([f"c{number}" for number in range(len(payload))])
    cells = ", ".join(f"coalesce(c{number}, chr(30))" for number in range(len(payload)))
    query = f"select md5(concat_ws(chr(31), {cells})) as row_hash from cells"
    with duckdb.connect() as connection:
        connection.register("cells", positional)
        hashed: pa.Table = connection.sql(query).to_arrow_table()
    return hashed.column("row_hash").cast(pa.string())


def _declared_types(raw: pa.Table) -> list[str]:
    """Return what the source declares of each column: rules may read a cell otherwise when that changes."""
    return [f"{field.name} {sorted((field.metadata or {}).items())}" for field in raw.schema]


def _empty(raw: pa.Table, delivery: Delivery) -> list[Finding]:
    """Tell a delivery without rows: what it held before leaves every table downstream."""
    if raw.num_rows:
        return []
    others = {*delivery.seen} - {*delivery.key}
    read = others & {*delivery.data.column_names}
    why = (
        ": no rule reads a column of it yet, and a form that is not marked as complete counts as filled in by the "
        "columns that are read alone"
    )
    why = why if "record_id" in delivery.key and others and not read else ""
    return [Finding("delivery", f"the table was delivered without any row{why}")]


def _drift(study: Study, source: str, table: str, delivery: Delivery) -> list[Finding]:
    """Name the columns that nobody decided about, which stay out, and those that rules read and are not there."""
    there = {*delivery.seen, *delivery.key, *study.kept_apart(source, table)}
    unknown = study.undecided(source, table, [name for name in delivery.seen if name not in delivery.key])
    gone = sorted(study.needed(source, table) - there)
    found = []
    if unknown:
        columns = counted(len(unknown), "column is", "columns are")
        text = f"{columns} neither mapped nor listed under not_mapped, hence left out: {_named(unknown)}"
        found.append(Finding("drift", text, len(unknown), "warning"))
    if gone:
        perhaps = [name for name in unknown if nearest(name, gone)]
        new = f"; a new name of it may be {_named(perhaps)}" if perhaps else ""
        text = f"{counted(len(gone), 'column')} that the mapping reads did not come: {_named(gone)}{new}"
        found.append(Finding("drift", text, len(gone), "warning"))
    return found


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in columns[:10]) + (" …" if len(columns) > 10 else "")


def _described(study: Study, source: str) -> str:
    return f"{study.title}: cells of source {source} as delivered, admitted columns only"
