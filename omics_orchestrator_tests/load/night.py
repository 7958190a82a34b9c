"""50 studies due in one night on two cores: all changed rows arrive in the warehouse, each once, all runs green."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.faults.station import Station, eventually
from omics_orchestrator_tests.installation import MAPPING
from omics_orchestrator_tests.load import ticks
from omics_orchestrator_tests.load.memory import Memory

STUDY = """\
study: {name}
title: One of many
stewards: [load@example.org]
schedule: {{nightly: "01:30", timezone: Europe/London}}
participant_id: {{pattern: "P[0-9]+"}}
sources:
  files: {{kind: delimited, location: "store+tiny://{name}/", tables: {{people: people.csv, visits: visits.csv}}}}
"""
SCHEDULE = "nightly"
LIMIT = 3600.0  # seconds
PEOPLE = 40


def load(folder: Path, count: int) -> list[str]:
    """Run it, print the figures, and return what was wrong."""
    station = Station(folder)
    shutil.rmtree(station.dictionary / "studies" / "tiny")
    names = [f"study_{number:02}" for number in range(count)]
    for name in names:
        study = station.dictionary / "studies" / name
        study.mkdir()
        (study / "study.yaml").write_text(STUDY.format(name=name))
        (study / "mapping.yaml").write_text(MAPPING)
        _write(station.source / name, age=40)
    try:
        ensure_server(station.settings)
        station.omics("materialize")
        _let_it_be_night(station)
        for name in names:
            _write(station.source / name, age=41)
        with Memory(station) as memory:
            began = time.monotonic()
            station.start_daemon()
            arrived = eventually(lambda: _new(station) == count * PEOPLE, LIMIT)
            took = time.monotonic() - began
            station.settled()
        return _report(station, memory, names, took, arrived=arrived)
    finally:
        station.end()


def _write(folder: Path, age: int) -> None:
    folder.mkdir(exist_ok=True)
    people = "".join(f"P{number},{'mf'[number % 2]},{age}\n" for number in range(PEOPLE))
    visits = "".join(
        f"P{number},{visit},S{number}_{visit},{age}\n" for number in range(PEOPLE) for visit in (1, 2)
    )
    (folder / "people.csv").write_text(f"id,sex,age\n{people}")
    (folder / "visits.csv").write_text(f"id,visit,sample,crp\n{visits}")


def _let_it_be_night(station: Station) -> None:
    """Start the code server; let the daemon note the schedule, then let that wait since yesterday."""
    station.start_code()
    station.start_daemon()
    assert eventually(lambda: ticks.known(station, SCHEDULE)), station.tails()
    station.kill("daemon")
    ticks.bring_forward(station, SCHEDULE)


def _new(station: Station) -> int:
    """Return how many people of this night's rows are in the warehouse."""
    return int(station.query("SELECT count(*) FROM warehouse.participant WHERE age = 41")[0][0])


def _report(station: Station, memory: Memory, names: list[str], took: float, *, arrived: bool) -> list[str]:
    runs = list(station.runs().values())
    bad = [status for status in runs if status != "SUCCESS"]
    print(f"night      {len(names)} studies in {took:.0f} s, {len(runs)} runs, {len(bad)} of them not green")
    for name in (SCHEDULE, "changed_upstream", "left_behind"):
        print(f"ticks      {name}: {ticks.told(station, name)}")
    print(f"memory     {memory.told()}", flush=True)
    rows = station.query(
        "SELECT count(*), count(DISTINCT (study, participant_id)) FROM warehouse.participant"
    )
    expected = len(names) * PEOPLE
    wrong = (
        []
        if arrived and rows == [(expected, expected)]
        else [f"warehouse: {rows[0]} rows, {expected} expected"]
    )
    return wrong + [f"a run ended {status}" for status in bad]
