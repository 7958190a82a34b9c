"""What lay beside an assay's files when they were registered: its sample sheet and manifests."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the digest of their listing."""
    op.execute("alter table registry.assay add column beside text")


def downgrade() -> None:
    """Forget it."""
    op.execute("alter table registry.assay drop column beside")
