"""What Alembic runs: applies the revisions on the connection that storage/schema.py hands over."""

from __future__ import annotations

from alembic import context

from omics_orchestrator.storage.migrations.tables import METADATA, SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
