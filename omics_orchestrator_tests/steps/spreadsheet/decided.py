"""Saved suggestions of two studies beside the small dictionary, spelled as hands spell: for tests of their sheet."""

from __future__ import annotations

import shutil
import subprocess

from omics_orchestrator.studies.suggestions import FILE
from omics_orchestrator_tests.steps.spreadsheet.books import Desk

EAST = """\
column,variable,state,by,on
clinic.clinic.x,crp,proposed,omics,2026-11-01

clinic.clinic.y,"sex",rejected,"Bob ""B"", of Leith",2026-11-02
"""
NORTH = (
    "column, variable,state,by,on\r\n"
    '"clinic.clinic.a,b",note,approved,bob@example.org,2026-11-03\r\n'
    "clinic.clinic.CRP , crp,proposed,omics,2026-11-01\r\n"
    "clinic.clinic.007,age,proposed,,\r\n"
    "\r\n"
    "clinic.clinic.MAR1,grade,proposed,omics,2026-11-01"
)
ROWS = [
    ["east", "clinic.clinic.x", "crp", "proposed", "omics", "2026-11-01"],
    ["east", "clinic.clinic.y", "sex", "rejected", 'Bob "B", of Leith', "2026-11-02"],
    ["north", "clinic.clinic.a,b", "note", "approved", "bob@example.org", "2026-11-03"],
    ["north", "clinic.clinic.CRP", "crp", "proposed", "omics", "2026-11-01"],
    ["north", "clinic.clinic.007", "age", "proposed", "", ""],
    ["north", "clinic.clinic.MAR1", "grade", "proposed", "omics", "2026-11-01"],
]


def give(desk: Desk) -> None:
    """Let the desk have suggestions of `east` and `north`, a workbook with them, and an address that git knows."""
    shutil.copytree(desk.folder / "studies" / "north", desk.folder / "studies" / "east")
    file = desk.folder / "studies" / "east" / "study.yaml"
    file.write_text(file.read_text().replace("north", "east"))
    (desk.folder / "studies" / "east" / FILE).write_text(EAST)
    (desk.folder / "studies" / "north" / FILE).write_bytes(NORTH.encode())
    for words in (("init", "-q"), ("config", "user.email", "ann@example.org")):
        subprocess.run(["git", "-C", desk.folder, *words], check=True)
    desk.export()
