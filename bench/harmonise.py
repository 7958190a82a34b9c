"""Harmonising 1,000,000 rows × 60 variables against hand-written DuckDB SQL and against pandas doing the same.

Ours also gives a reason for every missing cell, a ledger, comparators, provenance and findings, sorted by key; the SQL
and pandas give the values alone, in any order. Every contender runs in a process of its own, in turn; its peak memory
counts above what the process held when it began. The values of all three must be equal.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.report import BenchRow, show
from omics_orchestrator.dictionary import Dictionary, Variable, load_dictionary
from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.studies import Study
from omics_orchestrator.verbs import normalise

ROWS = 1_000_000
REPEATS = 3
MEMORY = 2048  # MiB
BLANK = 0.1
CODES = {"1": "never", "2": "former", "3": "current", "4": "passive", "5": "other"}
MISSING = {"-1000": "unknown", "999": "not_done"}
UNITS = {"mg/dL": ("mg/L", 10.0), "g/dL": ("g/L", 10.0), "[in_i]": ("cm", 2.54), "mL": ("L", 0.001)}
CENSORED = range(10)  # the numbers that may be written `<5`
CONVERTED = range(20)
COUNTS = {"code": 20, "number": 25, "date": 10, "flag": 5}


def names(kind: str) -> list[str]:
    return [f"{kind}_{number}" for number in range(COUNTS[kind])]


def unit(number: int) -> str:
    return list(UNITS)[number % len(UNITS)] if number in CONVERTED else ""


def factor(number: int) -> float:
    return UNITS[unit(number)][1] if unit(number) else 1.0


def make_raw(rows: int) -> pa.Table:
    """Return the raw table: all text, no row in order, a tenth of the cells empty."""
    chance = np.random.default_rng(1)

    def column(words: list[str]) -> pa.Array:
        places = chance.integers(0, len(words), rows)
        empty = chance.random(rows) < BLANK
        return pa.array([*words, ""], pa.string()).take(pa.array(np.where(empty, len(words), places)))

    ids = chance.permutation(rows)
    columns = {
        "row_number": pa.array(np.arange(1, rows + 1)),
        "record": pa.array([f"P{n // 5:06}" for n in ids]),
        "visit": pa.array([f"v{n % 5}" for n in ids]),
    }
    words = [*(code for code in CODES for _ in range(40)), "-1000", "9"]
    columns |= {name: column(words) for name in names("code")}
    for number, name in enumerate(names("number")):
        words = [f"{value:.1f}" for value in chance.random(3000) * 200] + ["999"] * 60 + ["-1000"] * 60
        columns[name] = column(words + ["<5", ">100"] * 50 if number in CENSORED else words)
    days = [np.datetime64("2005-01-01") + int(n) for n in chance.integers(0, 7000, 4000)]
    iso = [str(day) for day in days]
    words = iso + [f"{day[8:]}/{day[5:7]}/{day[:4]}" for day in iso[::4]] + ["unknown"] * 20
    columns |= {name: column(words) for name in names("date")}
    columns |= {name: column(["0", "1"]) for name in names("flag")}
    return pa.table(columns)


def declared() -> tuple[Study, Dictionary]:
    """Return the study that declares what the SQL and pandas write by hand."""
    known = load_dictionary(WORKING_COPY / "data_dictionary")
    fields: dict[str, dict[str, object]] = {
        name: {"type": "code", "code_list": "bench"} for name in names("code")
    }
    rules: dict[str, object] = {
        name: {"recode": name, "map": CODES, "missing": {"-1000": "unknown"}} for name in names("code")
    }
    for number, name in enumerate(names("number")):
        fields[name] = {"type": "censored" if number in CENSORED else "decimal"}
        rules[name] = {"number": name, "missing": MISSING}
        if given := unit(number):
            fields[name]["unit"] = UNITS[given][0]
            rules[name] = {"number": name, "missing": MISSING, "unit": given}
    for name in names("date"):
        fields[name] = {"type": "date"}
        rules[name] = {"date": name, "formats": ["%Y-%m-%d", "%d/%m/%Y"], "missing": {"unknown": "unknown"}}
    for name in names("flag"):
        fields[name] = {"type": "boolean"}
        rules[name] = {"recode": name, "map": {"1": "yes", "0": "no"}}
    same = {"entity": "visit", "domain": "bench", "label": "bench"}
    variables = {
        name: Variable.model_validate({"name": name, **same, **found}) for name, found in fields.items()
    }
    codes = {"bench": {code: code for code in CODES.values()}}
    block = {
        "from": "file.a",
        "key": ["record", "visit"],
        "rules": {name: normalise(rule) for name, rule in rules.items()},
    }
    study = Study.model_validate(
        {
            "study": "bench",
            "title": "Bench",
            "stewards": ["team:bench"],
            "participant_id": {"pattern": "P[0-9]+"},
            "sources": {"file": {"kind": "delimited", "location": "store+x://", "tables": {"a": "a.csv"}}},
            "folder": WORKING_COPY,
            "mapping": {"entities": {"visit": block}},
        }
    )
    return study, Dictionary(variables, codes, {}, known.units)


def ours(raw: pa.Table) -> pa.Table:
    from omics_orchestrator.harmonise import harmonise

    study, dictionary = declared()
    found = harmonise(study, "visit", dictionary, {"file.a": raw})
    missing = sum(column.null_count for column in found.table.columns)
    assert missing == sum(len(c) - c.null_count for c in found.missing.columns[2:])
    return found.table


def sql(raw: pa.Table) -> pa.Table:
    import duckdb

    def text(name: str) -> str:
        return f"nullif(trim({name}), '')"

    asked = [f"{text('record')} AS participant_id", f"{text('visit')} AS visit_id"]
    cases = " ".join(f"WHEN '{code}' THEN '{word}'" for code, word in CODES.items())
    asked += [f"CASE trim({name}) {cases} END AS {name}" for name in names("code")]
    for number, name in enumerate(names("number")):
        plain = f"ltrim(trim({name}), '<>=')" if number in CENSORED else f"trim({name})"
        value = f"TRY_CAST({plain} AS DOUBLE)" + (f" * {factor(number)!r}" if unit(number) else "")
        asked.append(f"CASE WHEN trim({name}) NOT IN ('999', '-1000') THEN {value} END AS {name}")
    dates = "try_strptime(trim({0}), ['%Y-%m-%d', '%d/%m/%Y'])::DATE AS {0}"
    asked += [dates.format(name) for name in names("date")]
    asked += [
        f"CASE trim({name}) WHEN '1' THEN true WHEN '0' THEN false END AS {name}" for name in names("flag")
    ]
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as connection:
        connection.register("raw", raw)
        return connection.sql(f"SELECT {', '.join(asked)} FROM raw").to_arrow_table()


def pandas(raw: pa.Table) -> pa.Table:
    import pandas as pd

    frame = FRAME
    found = {"participant_id": frame["record"].str.strip(), "visit_id": frame["visit"].str.strip()}
    for name in names("code"):
        found[name] = frame[name].str.strip().map(CODES)
    for number, name in enumerate(names("number")):
        text = frame[name].str.strip()
        text = text.mask(text.isin(list(MISSING)))
        if number in CENSORED:
            text = text.str.lstrip("<>=")
        found[name] = pd.to_numeric(text, errors="coerce") * factor(number)
    for name in names("date"):
        text = frame[name].str.strip()
        first = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        found[name] = first.fillna(pd.to_datetime(text, format="%d/%m/%Y", errors="coerce")).dt.date
    for name in names("flag"):
        found[name] = frame[name].str.strip().map({"1": True, "0": False})
    return pa.Table.from_pandas(pd.DataFrame(found), preserve_index=False)


def answers(table: pa.Table) -> str:
    """Return a digest of the values, whatever the order of rows and the last bits of a product."""
    from omics_orchestrator.storage.fingerprint import fingerprint

    table = table.sort_by([("participant_id", "ascending"), ("visit_id", "ascending")])
    columns = {}
    for name in sorted(table.column_names):
        column = table[name]
        if name.startswith("number"):
            column = pc.round(pc.multiply(column, 1e6)).cast(pa.int64())
        columns[name] = column.cast(pa.date32()) if name.startswith("date") else column
    return fingerprint(pa.table(columns))


def memory(what: str) -> int:
    """Return VmRSS or VmHWM of this process in KiB."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1])


def run_alone(contender: str, file: str) -> None:
    """Run one contender in this process and print what it took."""
    import duckdb  # noqa: F401 - imports are no part of the measurement

    with pa.OSFile(file) as source:
        raw = pa.ipc.open_file(source).read_all()
    if contender == "pandas":
        global FRAME
        FRAME = raw.to_pandas()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    base, cpu, began = memory("VmRSS"), resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = {"ours": ours, "sql": sql, "pandas": pandas}[contender](raw)
    wall, used, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF), memory("VmHWM")
    took = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
    told = {"wall": wall, "cpu": took, "memory": (peak - base) / 1024, "rows": found.num_rows}
    print(json.dumps(told | {"answers": answers(found)}))


def measured(file: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Return contender → medians, after asserting that all gave the same values."""
    laps: dict[str, list[dict[str, float]]] = {"ours": [], "sql": [], "pandas": []}
    for _ in range(repeats):
        for contender, found in laps.items():
            asked = [sys.executable, "-m", "bench.harmonise", contender, str(file)]
            found.append(json.loads(subprocess.run(asked, check=True, capture_output=True).stdout))
    assert len({lap["answers"] for found in laps.values() for lap in found}) == 1, "the values differ"
    return {
        contender: {what: statistics.median(lap[what] for lap in found) for what in ("wall", "cpu", "memory")}
        for contender, found in laps.items()
    }


def rows(repeats: int = REPEATS, size: int = ROWS) -> list[BenchRow]:
    """Return wall and CPU time against SQL and pandas, and the peak memory against its limit (in GiB)."""
    with tempfile.TemporaryDirectory(prefix="omics-bench-") as folder:
        file, raw = Path(folder) / "raw.arrow", make_raw(size)
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, raw.schema) as writer:
            writer.write_table(raw, max_chunksize=100_000)
        del raw
        found = measured(file, repeats)
    mine, what = found["ours"], f"harmonise {size:,} rows × {sum(COUNTS.values())} variables"
    compared = [
        BenchRow(
            f"{what}, {clock}: {peer}",
            mine[clock],
            found[peer][clock],
            mine[clock] / found[peer][clock],
            goal,
        )
        for peer, goal in (("sql", 2.0), ("pandas", 1 / 3))
        for clock in ("wall", "cpu")
    ]
    share = mine["memory"] / MEMORY
    return [
        *compared,
        BenchRow(f"{what}, GiB above the input", mine["memory"] / 1024, MEMORY / 1024, share, 1.0),
    ]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_alone(*sys.argv[1:])
    else:
        show(rows())
