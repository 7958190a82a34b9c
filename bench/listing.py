"""Registering 100,000 objects of an S3 store that did not change, against obstore's bare Arrow listing of them.

Client CPU (user and system time of this process: Postgres and the answering server are others'), and how much more
memory 100,000 objects take than 10,000. The server is our own: it answers pages of XML that were written before.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.report import BenchRow, show
from omics_orchestrator.registry.reading import inspector_of
from omics_orchestrator.registry.register import Circumstances, Registered, register
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.database import Database
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator.storage.schema import migrate
from omics_orchestrator.studies.assay import Assay

OBJECTS = 100_000
FEW = 10_000
REPEATS = 7
PAGE = 1000  # of S3
GOAL = 1.5
FLAT = 32.0  # MiB of memory that ten times as many objects may cost
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
REGISTERED = """
with sets as (
    insert into registry.file_set (study, assay, name, digest, verdict, facts, problems, unknown_names, misnamed, state)
    select 'bench', %(assay)s, 'f' || to_char(n, 'FM0000000') || '.bin', md5(n::text), 'valid', '{}', '[]', 0, '{}',
           md5(n::text) from generate_series(0, %(count)s - 1) n returning number, name),
files as (
    insert into registry.file (set_number, store, key, version)
    select number, 'store+bench', %(folder)s || name, 1 from sets returning number, key)
insert into registry.file_version
    (file_number, version, size, modified, etag, sha256, verdict, inspector, facts, samples, problems, identifying)
select number, 1, 1000 + n, '2026-01-02T03:04:05Z', '"' || lpad(to_hex(n), 32, '0') || '"',
       encode(sha256(n::text::bytea), 'hex'), 'valid', %(inspector)s, '{}', '[]', '[]', '[]'
from (select number, substring(key from '(\\d+)\\.bin$')::int as n from files) of
"""

# What linking 100,000 sets for the first time takes is no part of this measurement: as few ended, so do many.
LINKED = """
insert into registry.quarantine (set_number, reason, nearest)
select many.number, few.reason, few.nearest from registry.file_set many
join (select name, reason, nearest from registry.quarantine join registry.file_set on set_number = number
      where assay = 'few') few on few.name = 'f0000000.bin' where many.assay = 'many';
update registry.file_set set state = few.state from (select * from registry.file_set where name = 'f0000000.bin'
and assay = 'few') few where file_set.assay = 'many';
insert into registry.assay select study, 'many', linked_by from registry.assay where assay = 'few';
"""


def pages(prefix: str, count: int) -> list[bytes]:
    """Return the answers to list-objects-v2, in order; the continuation token is the number of the page."""
    made = []
    for start in range(0, count, PAGE):
        number = start // PAGE + 1
        more = start + PAGE < count
        token = f"<NextContinuationToken>{number}</NextContinuationToken>" if more else ""
        entries = "".join(
            ENTRY.format(key=f"{prefix}f{n:07}.bin", etag=f"{n:032x}", size=1000 + n)
            for n in range(start, min(start + PAGE, count))
        )
        made.append(
            f"<ListBucketResult><Name>bench</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}"
            "</ListBucketResult>".encode()
        )
    return made


def serve() -> None:
    """Answer until killed; the port is told on standard output."""
    held = {f"{name}/": pages(f"{name}/", count) for name, count in (("many", OBJECTS), ("few", FEW))}

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            page = held[asked["prefix"][0]][int(asked.get("continuation-token", ["0"])[0])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    print(server.server_port, flush=True)
    server.serve_forever()


class Registration:
    """Objects that are registered already, and their store."""

    def __init__(self, database: Database, folder: str, port: str) -> None:
        self.database = database
        environment = {
            "OMICS_HOME": folder,
            "OMICS_STORE_BENCH_URL": "s3://bench",
            "OMICS_STORE_BENCH_ENDPOINT": f"http://127.0.0.1:{port}",
            "OMICS_STORE_BENCH_ACCESS_KEY_ID": "key",
            "OMICS_STORE_BENCH_SECRET_ACCESS_KEY": "secret",
            "OMICS_STORE_BENCH_REGION": "us-east-1",
        }
        self.stores = Stores(Settings.from_environment(environment))

    def assay(self, name: str) -> Assay:
        return Assay.model_validate({"format": "opaque", "location": f"store+bench://{name}/"})

    def fill(self, name: str, count: int) -> None:
        """Write the registry's rows as reading every object would have."""
        inspector = inspector_of(self.assay(name).format)
        with self.database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(
                REGISTERED, {"assay": name, "count": count, "folder": f"{name}/", "inspector": inspector}
            )
            if name == "many":
                cursor.execute(LINKED)
        first = self.register(name)
        assert (first.rows["read"], first.rows["files"], first.rows["missing"]) == (0, count, 0), first.rows
        with self.database.transaction() as connection, connection.cursor() as cursor:
            cursor.execute("analyze registry.file_set, registry.file, registry.file_version")

    def register(self, name: str) -> Registered:
        return register(
            self.database,
            self.stores,
            study="bench",
            assay_name=name,
            assay=self.assay(name),
            circumstances=Circumstances(),
        )

    def unchanged(self, name: str) -> None:
        done = self.register(name)
        assert (done.touched, done.rows["read"]) == (0, 0), done

    def bare(self, name: str) -> None:
        """List as a program would that wants nothing but the listing."""
        import obstore

        listed = obstore.list(self.stores.source("bench").obstore(), name, return_arrow=True)
        assert sum(batch.num_rows for batch in listed) == (OBJECTS if name == "many" else FEW)


def cpu(work: Callable[[], object]) -> float:
    """Return the seconds of user and system time that this process spends."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak(folder: str, port: str, name: str) -> float:
    """Return the peak memory in MiB of a process that registers `name` once more."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.listing", "once", folder, port, name],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def highest_memory() -> float:
    """Return this process's peak in MiB (`ru_maxrss` would begin with the parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def rows() -> list[BenchRow]:
    """Return one row for the client's CPU time and one for memory (MiB in place of seconds)."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.listing", "serve"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    try:
        with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
            database = Database.open(Settings.from_environment({"OMICS_HOME": folder}))
            migrate(database)
            bench = Registration(database, folder, port)
            for name, count in (("few", FEW), ("many", OBJECTS)):
                bench.fill(name, count)
            laps = [
                (cpu(lambda: bench.unchanged("many")), cpu(lambda: bench.bare("many")))
                for _ in range(REPEATS + 1)
            ][1:]
            ours, bare = (statistics.median(column) for column in zip(*laps, strict=True))
            many, few = peak(folder, port, "many"), peak(folder, port, "few")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    return [
        BenchRow(
            f"client CPU, {OBJECTS:,} unchanged objects : obstore's Arrow listing",
            ours,
            bare,
            ours / bare,
            GOAL,
        ),
        BenchRow(f"peak MiB, {OBJECTS:,} objects : {FEW:,} objects", many, few, many / few, 1 + FLAT / few),
    ]


def main(arguments: list[str]) -> None:
    match arguments:
        case ["serve"]:
            serve()
        case ["once", folder, port, name]:
            database = Database.open(Settings.from_environment({"OMICS_HOME": folder}))
            Registration(database, folder, port).unchanged(name)
            print(highest_memory())
        case _:
            show(rows())


if __name__ == "__main__":
    main(sys.argv[1:])
