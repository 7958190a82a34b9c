"""A typed table of 1,000,000 × 20 into Postgres and back: against `psql \\copy`, the same steps by hand, and pandas.

`python -m bench.postgres`, on a server of its own; OMICS_POSTGRES_BIN chooses its version.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bench.report import BenchRow, compare, show
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.binaries import find_binaries
from omics_orchestrator.storage.copying import copy_into
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.tables import TableWrite, drop_table, read_table, write_tables

ROWS = 1_000_000
PANDAS_ROWS = 50_000  # a million would take pandas minutes
SQL_TYPES = {
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.string(): "text",
}


def typed_table(rows: int = ROWS) -> pa.Table:
    """Return a key and 19 columns of six types, a tenth of the cells empty."""
    random = np.random.default_rng(20)

    def column(values: np.ndarray) -> pa.Array:
        return pa.array(values, mask=random.random(rows) < 0.1)

    columns = {"id": pa.array(np.arange(rows))}
    columns |= {f"integer_{n}": column(random.integers(0, 10_000, rows)) for n in range(4)}
    columns |= {f"decimal_{n}": column(random.normal(size=rows)) for n in range(5)}
    columns |= {f"boolean_{n}": column(random.random(rows) < 0.5) for n in range(2)}
    columns |= {
        f"date_{n}": column(random.integers(0, 20_000, rows).astype("datetime64[D]")) for n in range(2)
    }
    columns["moment"] = column(random.integers(0, 2**50, rows).astype("datetime64[us]"))
    columns |= {
        f"code_{n}": column(np.array([f"code_{k}" for k in random.integers(0, 500, rows)])) for n in range(3)
    }
    columns |= {
        f"text_{n}": column(np.array([f"cell {k}" for k in random.integers(0, 10**9, rows)]))
        for n in range(2)
    }
    return pa.table(columns)


@dataclass
class Bench:
    """The table as Arrow and as CSV, and the two ways into Postgres."""

    database: Database
    psql: Path
    table: pa.Table
    file: Path

    @property
    def columns(self) -> str:
        return ", ".join(f"{field.name} {SQL_TYPES[field.type]}" for field in self.table.schema)

    @property
    def write(self) -> TableWrite:
        return TableWrite("bench", "ours", self.table, ("id",))

    def by_psql(self, *commands: str) -> None:
        arguments = [argument for command in commands for argument in ("-c", command)]
        subprocess.run(
            [self.psql, self.database.url, "-qX1", "-v", "ON_ERROR_STOP=1", *arguments], check=True
        )

    def psql_copy(self) -> None:
        self.by_psql("truncate bench.peer", rf"\copy bench.peer from '{self.file}' csv header")

    def our_copy(self) -> None:
        with self.database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute("truncate bench.copied")
            copy_into(cursor, "bench.copied", self.table)

    def our_write(self) -> None:
        drop_table(self.database, "bench", "ours")
        assert write_tables(self.database, [self.write])[0].inserted == ROWS

    def by_hand(self) -> None:
        """The same outcome in SQL: a new table, its rows, its key, and a note of what it holds."""
        self.by_psql(
            f"drop table bench.hand; create table bench.hand ({self.columns})",
            rf"\copy bench.hand from '{self.file}' csv header",
            "alter table bench.hand add primary key (id)",
            "insert into bench.state select 'hand', count(*), now() from bench.hand "
            "on conflict (name) do update set (rows, at) = (excluded.rows, excluded.at)",
        )

    def write_again(self) -> None:
        """Unchanged content: not one row is written."""
        assert write_tables(self.database, [self.write])[0].touched == 0

    def read_back(self) -> None:
        assert read_table(self.database, "bench", "ours").schema == self.table.schema

    def psql_out(self) -> None:
        self.by_psql(rf"\copy (select * from bench.ours order by id) to '{self.file}.out' csv header")

    def our_part(self) -> None:
        drop_table(self.database, "bench", "part")
        write_tables(self.database, [TableWrite("bench", "part", self.table.slice(0, PANDAS_ROWS), ("id",))])

    def by_pandas(self) -> None:
        frame = self.table.slice(0, PANDAS_ROWS).to_pandas()
        frame.to_sql("pandas", self.database.engine, schema="bench", if_exists="replace", index=False)


def rows() -> list[BenchRow]:
    """Measure everything on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({**os.environ, "OMICS_HOME": folder, "OMICS_DATABASE_URL": ""})
        database = Database.open(settings)
        binaries = find_binaries(settings, settings.home / "postgres" / "data")
        bench = Bench(database, binaries.folder / "psql", typed_table(), Path(folder) / "table.csv")
        csv.write_csv(bench.table, bench.file)
        bench.by_psql(
            "create schema bench; create table bench.state (name text primary key, rows bigint, at timestamptz)",
            f"create table bench.peer ({bench.columns}); create table bench.copied ({bench.columns})",
            "create table bench.hand ()",
        )
        size, server = f"{ROWS:,} × {bench.table.num_columns}", f"PostgreSQL {binaries.version}"
        same = "written with key, fingerprint and state / the same steps by hand in SQL"
        part = f"{PANDAS_ROWS:,} of the rows written / pandas.to_sql"
        return [
            compare(
                f"{size} into an empty table / psql \\copy ({server})",
                bench.our_copy,
                bench.psql_copy,
                0.7,
                3,
            ),
            compare(same, bench.our_write, bench.by_hand, 1.5, 3),
            compare(
                "written again: 0 rows touched / psql \\copy", bench.write_again, bench.psql_copy, 0.5, 3
            ),
            compare(
                "read back in the types written / psql \\copy out", bench.read_back, bench.psql_out, 1.1, 3
            ),
            compare(part, bench.our_part, bench.by_pandas, 0.05, 3),
        ]


if __name__ == "__main__":
    show(rows())
