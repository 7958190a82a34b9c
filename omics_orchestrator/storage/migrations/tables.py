"""The fixed tables of schema `registry`: file sets, files, what they hold, whose they are.

A file set is the unit that is linked to samples or waits in quarantine; a file keeps its number for ever; a
version is what its bytes were at some time. Tables shaped by the dictionary lie elsewhere (../tables.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "registry"
VERDICTS = ("valid", "warnings", "invalid", "unreadable", "unverified")
JUDGEMENTS = VERDICTS[:3]

METADATA = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)


def _number() -> Column[int]:
    return Column("number", BigInteger, Identity(), primary_key=True)


def _set_number(*, primary_key: bool = False) -> Column[int]:
    reference = ForeignKey(f"{SCHEMA}.file_set.number", ondelete="CASCADE")
    return Column("set_number", BigInteger, reference, primary_key=primary_key, nullable=False)


def _now(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


FILE_SET = Table(
    "file_set",
    METADATA,
    _number(),
    Column("study", Text, nullable=False),
    Column("assay", Text, nullable=False),
    Column("name", Text, nullable=False, doc="the name its files share, relative to the assay's location"),
    Column(
        "digest",
        Text,
        doc="sha256 over sorted (relative path, sha256); null while a file is missing or unread",
    ),
    _now("registered_at"),
    Column("verdict", Text, nullable=False, server_default="valid", doc="on the set as a whole"),
    Column("facts", JSONB, nullable=False, server_default="{}"),
    Column("problems", JSONB, nullable=False, server_default="[]"),
    Column(
        "unknown_names",
        Integer,
        nullable=False,
        server_default="0",
        doc="names inside that are no known sample",
    ),
    Column(
        "misnamed", ARRAY(BigInteger), nullable=False, server_default="{}", doc="files that hold other names"
    ),
    Column(
        "state",
        Text,
        doc="digest of all that a reader of the set sees; what follows is stale when it changes",
    ),
    UniqueConstraint("study", "assay", "name"),
    CheckConstraint(f"verdict in {JUDGEMENTS}", name="verdict"),
)
FILE = Table(
    "file",
    METADATA,
    _number(),
    _set_number(),
    Column("store", Text, nullable=False, doc="`store` or `store+<name>`, as written in study.yaml"),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False, doc="the current one of file_version"),
    Column("missing_since", DateTime(timezone=True), doc="when its object was first not listed any more"),
    Column("damaged_since", DateTime(timezone=True), doc="when its bytes were first others, unannounced"),
    UniqueConstraint("set_number", "store", "key"),
    Index("file_key_idx", "store", "key"),
    Index("file_set_number_idx", "set_number"),
)
FILE_VERSION = Table(
    "file_version",
    METADATA,
    Column(
        "file_number", BigInteger, ForeignKey(f"{SCHEMA}.file.number", ondelete="CASCADE"), primary_key=True
    ),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, doc="bytes"),
    Column("modified", DateTime(timezone=True), nullable=False, doc="as the store says"),
    Column("etag", Text, doc="the store's own checksum: tells that something may have changed, no identity"),
    Column("sha256", Text, doc="identity of the bytes; null when they could not be read"),
    Column("verdict", Text, nullable=False),
    Column(
        "inspector", Text, nullable=False, doc="format, its version and options that gave verdict and facts"
    ),
    Column("facts", JSONB, nullable=False),
    Column("samples", JSONB, nullable=False, doc="sample names found inside"),
    Column("problems", JSONB, nullable=False),
    Column("run_id", Text),
    _now("registered_at"),
    Column("md5", Text, doc="only where a manifest gives one"),
    Column("identifying", JSONB, nullable=False, server_default="[]", doc="places of the header, no content"),
    Column("verified_at", DateTime(timezone=True), doc="when all bytes were read last and had this sha256"),
    CheckConstraint(f"verdict in {VERDICTS}", name="verdict"),
    Index("file_version_sha256_idx", "sha256"),
)
SAMPLE_LINK = Table(
    "sample_link",
    METADATA,
    _set_number(),
    Column("participant_id", Text),
    Column("sample_id", Text),
    Column("rule", Text, nullable=False, doc="what linked it: key, sample_sheet, in_file"),
    UniqueConstraint("set_number", "participant_id", "sample_id", postgresql_nulls_not_distinct=True),
    CheckConstraint("num_nonnulls(participant_id, sample_id) > 0", name="whose"),
)
QUARANTINE = Table(
    "quarantine",
    METADATA,
    _set_number(primary_key=True),
    Column("reason", Text, nullable=False),
    _now("since"),
    Column("nearest", Text, doc="a known sample whose name differs in spelling only"),
)
ASSAY = Table(
    "assay",
    METADATA,
    Column("study", Text, primary_key=True),
    Column("assay", Text, primary_key=True),
    Column(
        "linked_by", Text, nullable=False, doc="digest of the rule, the samples and what a person settled"
    ),
    Column("beside", Text, doc="digest of the listing of the sample sheet and manifests"),
)
BARRED = Table(
    "barred",
    METADATA,
    Column("study", Text, primary_key=True),
    Column("assay", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("key", Text, primary_key=True, doc="escaped: no such key can be asked for"),
    Column("below", Text, doc="how keys below it begin; null = they are replaced"),
    Column("folder", Boolean, nullable=False, doc="it stands for all that is below"),
    Column("why", Text, nullable=False),
    _now("since"),
)
