"""A REDCap project of 10,000 records × 500 fields, by the kind `redcap` and by PyCap: client CPU, peak memory, bytes.

A server in a process of its own answers from memory: an unmeasured lap of each contender came before. Every contender
runs in a process of its own, in turn; its peak counts above what the process held when it began. All give the same
cells, all text. Ours is an Arrow table, as the line goes on with it, with the declarations, findings, side tables and
the second list of keys that shows that no row is missing. PyCap gives a pandas frame: by its CSV path
(`export_records("df")`, types not guessed) and by its JSON path (`pandas.DataFrame(export_records("json"))`). The same
goals are put to the Arrow table and to two frames made from it: `frame`, whose columns are pandas's Arrow strings (the
same cells, another storage than PyCap's, no copy), and `objects`, whose cells are Python strings as PyCap's are.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import redcap

from bench.harmonise import memory
from bench.report import BenchRow, show
from omics_orchestrator.demo.redcap_server import RedcapServer
from omics_orchestrator.demo.redcap_store import METADATA, Key, RedcapProject
from omics_orchestrator.settings import Settings
from omics_orchestrator.sources import Redcap
from omics_orchestrator.sources.base import Held
from omics_orchestrator.sources.redcap_shared import SHARED
from omics_orchestrator.storage.fingerprint import fingerprint
from omics_orchestrator.storage.objects import Stores

RECORDS, FIELDS, REPEATS = 10_000, 500, 3
FILLED = 0.3
TOKEN = "7B4E5A0DFC2E4B7A9F1D3C5E7A9B1C3D"
CHOICES = {
    "radio": "1, never | 2, former | 3, current | 4, unknown",
    "checkbox": "1, a | 2, b | 3, c",
    "text": "",
}
CONTENDERS = ("ours", "frame", "objects", "pycap_csv", "pycap_json")


def kind_of(number: int) -> str:
    return {7: "radio", 9: "checkbox"}.get(number % 20, "text")


def make_project(records: int = RECORDS) -> RedcapProject:
    """Return one instrument: numbers, dates, words and sentences, a twentieth radio, a twentieth checkbox."""
    chance = random.Random(3)
    names = [("record_id", "text"), *((f"f{n}_{kind_of(n)}", kind_of(n)) for n in range(1, FIELDS))]
    metadata = [
        dict.fromkeys(METADATA, "")
        | {"field_name": name, "form_name": "base", "field_type": kind, "field_label": f"What {name} is"}
        | {"select_choices_or_calculations": CHOICES[kind]}
        for name, kind in names
    ]
    texts = [
        *(f"{chance.random() * 200:.1f}" for _ in range(3000)),
        *(f"20{chance.randrange(10, 26)}-{chance.randrange(1, 13):02}-15" for _ in range(500)),
        *(f"word {n}" for n in range(500)),
        *(f'Said "no", then {n} tablets à 5 mg,\ndaily' for n in range(100)),
    ]
    boxes = {name: tuple(f"{name}___{code}" for code in "123") for name, kind in names if kind == "checkbox"}
    project = RedcapProject(metadata)
    for number in range(records):
        cells = {"base_complete": "2"}
        for name, kind in names[1:]:
            if chance.random() >= FILLED:
                continue
            if kind == "checkbox":
                cells[chance.choice(boxes[name])] = "1"
            else:
                cells[name] = chance.choice(texts) if kind == "text" else chance.choice("1234")
        project.rows[Key(f"P{number:05}")] = cells
    return project


def serve() -> None:
    """Serve until stdin ends; a line asks for the bytes sent so far (`sent`), or for one changed cell (`edit`)."""
    project = make_project()
    with RedcapServer({TOKEN: project}) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            if line.strip() == "edit":
                project.clock = lambda: datetime.now(UTC) + timedelta(seconds=1)
                project.edit("P04711", "f1_text", "changed")
            print(server.sent, flush=True)


class Served:
    """The server's address, and what may be asked of its process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.url = self.line()

    def line(self) -> str:
        assert self.child.stdout
        return self.child.stdout.readline().strip()

    def tell(self, word: str) -> int:
        assert self.child.stdin
        self.child.stdin.write(f"{word}\n")
        self.child.stdin.flush()
        return int(self.line())


@contextmanager
def served() -> Iterator[Served]:
    asked = [sys.executable, "-m", "bench.extraction", "serve"]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield Served(child)
        finally:
            assert child.stdin
            child.stdin.close()


def source_of(url: str) -> tuple[Redcap, Stores]:
    home = Path(tempfile.gettempdir())
    words = {"url": url, "token": {"secret": "TOKEN"}, "requests_per_second": 1000}
    settings = Settings(home=home, dictionary=home, store_url=home.as_uri(), environment={"TOKEN": TOKEN})
    return Redcap.model_validate(words), Stores(settings)


def ours(url: str) -> pa.Table:
    source, stores = source_of(url)
    return source.deliver("redcap", "base", None, stores).data


def frame(url: str) -> pd.DataFrame:
    return ours(url).to_pandas(types_mapper={pa.string(): pd.ArrowDtype(pa.string())}.get)


def objects(url: str) -> pd.DataFrame:
    return ours(url).to_pandas(self_destruct=True, split_blocks=True)


def pycap_csv(url: str) -> pd.DataFrame:
    text = {"dtype": str, "keep_default_na": False}
    return redcap.Project(url, TOKEN).export_records(format_type="df", df_kwargs=text)


def pycap_json(url: str) -> pd.DataFrame:
    return pd.DataFrame(redcap.Project(url, TOKEN).export_records(format_type="json"))


def answers(found: pa.Table | pd.DataFrame) -> str:
    """Return a digest of all cells, whatever the order of columns; our key without events and repeats."""
    if isinstance(found, pd.DataFrame):
        plain = found.reset_index() if found.index.name else found
        found = pa.Table.from_pandas(plain, preserve_index=False)
    names = sorted(set(found.column_names) - {"event_name", "event_instance", "form_instance"})
    same = pa.table({name: found[name].cast(pa.string()).combine_chunks() for name in names})
    return fingerprint(same.sort_by("record_id"))


def run_alone(contender: str, url: str) -> None:
    """Run one contender in this process and print what it took."""
    pd.DataFrame({"a": ["x"]}).to_numpy()  # what is loaded late is no part of the measurement
    pa.table({"a": ["x"]}).to_pandas()
    run = {
        "ours": ours,
        "frame": frame,
        "objects": objects,
        "pycap_csv": pycap_csv,
        "pycap_json": pycap_json,
    }[contender]
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    base, cpu, began = memory("VmRSS"), resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = run(url)
    wall, used, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF), memory("VmHWM")
    took = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
    told = {"wall": wall, "cpu": took, "memory": (peak - base) / 1024, "rows": len(found)}
    print(json.dumps(told | {"answers": answers(found)}))


def measured(url: str, repeats: int) -> dict[str, dict[str, float]]:
    """Return contender → medians, after asserting that all gave the same cells."""
    laps: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(repeats + 1):
        for contender, found in laps.items():
            asked = [sys.executable, "-m", "bench.extraction", contender, url]
            found.append(json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout))
    assert len({lap["answers"] for found in laps.values() for lap in found}) == 1, "the cells differ"
    return {
        contender: {
            what: statistics.median(lap[what] for lap in found[1:]) for what in ("wall", "cpu", "memory")
        }
        for contender, found in laps.items()
    }


def received(server: Served) -> tuple[float, float]:
    """Return the bytes of a whole pull and of the next one, after one record of all changed."""
    source, stores = source_of(server.url)
    SHARED.forget()
    begun = server.tell("sent")
    whole = source.deliver("redcap", "base", None, stores)
    between = server.tell("edit")
    SHARED.forget()
    held = Held(whole.mark, whole.data.select(whole.key))
    part = source.deliver("redcap", "base", None, stores, held=held)
    assert part.replaced is not None
    assert part.data["f1_text"].to_pylist() == ["changed"]
    return float(between - begun), float(server.tell("sent") - between)


def rows(repeats: int = REPEATS) -> list[BenchRow]:
    """Return CPU seconds and peak MiB against both paths of PyCap, and megabytes of a pull of changes."""
    with served() as server:
        found = measured(server.url, repeats)
        whole, part = received(server)
    what, told = f"REDCap {RECORDS:,} records × {FIELDS} fields", []
    goals = (
        ("ours", "", "pycap_csv", "CSV", 1.0, 0.3),
        ("ours", "", "pycap_json", "JSON", 0.2, 0.3),
        ("frame", ", frame of Arrow strings", "pycap_csv", "CSV", 1.0, 0.3),
        ("frame", ", frame of Arrow strings", "pycap_json", "JSON", 0.2, 0.3),
        ("objects", ", frame of Python strings", "pycap_csv", "CSV", 1.0, 0.3),
        ("objects", ", frame of Python strings", "pycap_json", "JSON", 0.2, 0.3),
    )
    for mine, shape, peer, path, *limits in goals:
        for clock, unit, goal in zip(("cpu", "memory"), ("CPU", "peak MiB"), limits, strict=True):
            ratio = found[mine][clock] / found[peer][clock]
            name = f"{what}{shape}, {unit}: PyCap's {path}"
            told.append(BenchRow(name, found[mine][clock], found[peer][clock], ratio, goal))
    changes = f"{what}, MB received for 1 changed record: the whole"
    return [*told, BenchRow(changes, part / 1e6, whole / 1e6, part / whole, 1 / 50)]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case [contender, url]:
            run_alone(contender, url)
        case _:
            show(rows())
