"""What stores list and nobody can reach by its name."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
create table registry.barred (
    study text not null,
    assay text not null,
    store text not null,
    key text not null,
    below text,
    folder boolean not null,
    why text not null,
    since timestamptz not null default now(),
    constraint barred_pkey primary key (study, assay, store, key)
);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(TABLES)


def downgrade() -> None:
    """Drop it; the next registration would find the same again."""
    op.drop_table("barred", schema="registry")
