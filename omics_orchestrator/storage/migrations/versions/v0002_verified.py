"""What a set is judged as a whole, what was read when, manifests' md5, header identifiers, damage, near misses."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
alter table registry.file_set
    add column verdict text not null default 'valid',
    add column facts jsonb not null default '{}',
    add column problems jsonb not null default '[]',
    add column unknown_names integer not null default 0,
    add column misnamed bigint[] not null default '{}',
    add column state text,
    add constraint file_set_verdict_check check (verdict in ('valid', 'warnings', 'invalid'));
alter table registry.file add column damaged_since timestamptz;
create index file_key_idx on registry.file (store, key);
create index file_set_number_idx on registry.file (set_number);
alter table registry.file_version
    add column md5 text,
    add column identifying jsonb not null default '[]',
    add column verified_at timestamptz,
    drop constraint file_version_verdict_check,
    add constraint file_version_verdict_check
        check (verdict in ('valid', 'warnings', 'invalid', 'unreadable', 'unverified'));
update registry.file_version set verified_at = registered_at where sha256 is not null;
create index file_version_sha256_idx on registry.file_version (sha256);
alter table registry.quarantine add column nearest text;
create table registry.assay (
    study text not null,
    assay text not null,
    linked_by text not null,
    constraint assay_pkey primary key (study, assay)
);
"""
DROPPED = """
drop table registry.assay;
alter table registry.quarantine drop column nearest;
drop index registry.file_version_sha256_idx;
delete from registry.file_version where verdict = 'unverified';
alter table registry.file_version
    drop column md5, drop column identifying, drop column verified_at,
    drop constraint file_version_verdict_check,
    add constraint file_version_verdict_check
        check (verdict in ('valid', 'warnings', 'invalid', 'unreadable'));
drop index registry.file_set_number_idx;
drop index registry.file_key_idx;
alter table registry.file drop column damaged_since;
alter table registry.file_set
    drop constraint file_set_verdict_check,
    drop column verdict, drop column facts, drop column problems, drop column unknown_names,
    drop column misnamed, drop column state;
"""


def upgrade() -> None:
    """Add what the second registry knows."""
    op.execute(TABLES)


def downgrade() -> None:
    """Go back to the first registry."""
    op.execute(DROPPED)
