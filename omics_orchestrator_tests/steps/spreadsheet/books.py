"""A small dictionary and its workbook, edited as a person would: for the tests of the round trip."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from omics_orchestrator.settings import WORKING_COPY
from omics_orchestrator.steps.spreadsheet import Import, export_book, read_import

DICTIONARY = WORKING_COPY / "data_dictionary"
FILES = ("variables.csv", "code_lists.csv")
VARIABLES = """\
name,entity,domain,type,unit,min,max,code_list,sensitivity,label,description,terms
sex,participant,demographics,code,,,,sex,open,Sex,"said ""so"", or not",
age,participant,demographics,decimal,a,0.0,120,,open, Age ,,

crp,visit,laboratory,censored,mg/L,0,500,,open,"C-reactive protein",,LOINC 1988-5
grade,visit,activity,code,,,,grade,open,Grade,,
note,visit,activity,text,,,,,personal,=Note,#N/A,
"""
CODES = """\
code_list,code,label,terms
sex,male,Male,
sex,female,Female,
grade,0,None,
grade,1E5,Mild,
grade,MAR1,"Moderate, or so",
grade,true,Severe,
"""
STUDY = """\
study: north
title: North
description: A study
stewards: [north@example.org]
participant_id: {pattern: "[0-9]+"}
sources:
  clinic: {kind: delimited, location: "store+north://clinic.csv"}
"""
MAPPING = """\
participant:
  from: clinic
  key: [patient]
  sex: {recode: sex, map: {1: male, 2: female}}

visit:
  from: clinic
  key: [patient, visit]
  crp: {number: crp, unit: mg/L}
"""


class Desk:
    """A dictionary folder, a workbook exported from it, and what comes of importing it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "dictionary"
        shutil.copytree(
            DICTIONARY, self.folder, ignore=shutil.ignore_patterns("studies", "schema", "scores.yaml")
        )
        (self.folder / "scores.yaml").write_text("{}\n")
        (self.folder / "variables.csv").write_text(VARIABLES)
        (self.folder / "code_lists.csv").write_text(CODES)
        study = self.folder / "studies" / "north"
        study.mkdir(parents=True)
        (study / "study.yaml").write_text(STUDY)
        (study / "mapping.yaml").write_text(MAPPING)
        self.book = folder / "book.xlsx"
        self.export()

    def export(self, shares: dict[str, dict[tuple[str, str], float]] | None = None) -> None:
        export_book(self.folder, self.book, shares or {})

    def bytes(self) -> dict[str, bytes]:
        return {name: (self.folder / name).read_bytes() for name in FILES}

    @contextmanager
    def edited(self) -> Iterator[Any]:
        book = load_workbook(self.book)
        yield book
        book.save(self.book)

    def put(self, sheet: str, **cells: Any) -> None:
        """Type into cells, None empties one."""
        with self.edited() as book:
            for place, value in cells.items():
                book[sheet][place].value = value

    def change_here(self, name: str, old: str, new: str) -> None:
        file = self.folder / name
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def read(self) -> Import:
        return read_import(self.folder, self.book)

    def complaints(self) -> list[str]:
        """Return each complaint's first line; nothing may be written."""
        before = self.bytes()
        found = self.read().told.complaints
        assert self.bytes() == before
        return [str(one).split("\n")[0] for one in found]

    def accepted(self) -> list[str]:
        """Write the import and return what it tells of changes."""
        found = self.read()
        assert found.told.complaints == []
        found.write()
        return found.told.changes
