"""The I/O manager of all tables: writes a step's tables in one transaction, reads a table as Arrow.

What the tables hold is decided by the steps; how they are written by storage/tables.py.
"""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

from omics_orchestrator.orchestration import describe_datasets
from omics_orchestrator.orchestration.current import current_workspace
from omics_orchestrator.orchestration.retries import told
from omics_orchestrator.steps.result import StepResult, facts_of
from omics_orchestrator.steps.staged import forget
from omics_orchestrator.storage.tables import read_table, write_tables
from omics_orchestrator.studies.places import table_of


class PostgresTables(dg.ConfigurableIOManager):
    """Asset key ↔ Postgres table; an unchanged table is not touched."""

    def handle_output(self, context: dg.OutputContext, obj: StepResult) -> None:
        """Write every table of the step in one transaction and tell how many rows were touched."""
        step = context.step_context
        with told(step.dagster_run, step.previous_attempt_count):
            written = write_tables(current_workspace().database, obj.writes)
            forget(current_workspace(), obj.applied)
        told_of = describe_datasets.release_note(current_workspace(), context.asset_key.path)
        context.add_output_metadata({"dagster/row_count": obj.rows, **facts_of(written), **told_of})

    def load_input(self, context: dg.InputContext) -> pa.Table:
        """Read the table of the upstream asset."""
        step = context.step_context
        with told(step.dagster_run, step.previous_attempt_count):
            return read_table(current_workspace().database, *table_of(context.asset_key.path))
