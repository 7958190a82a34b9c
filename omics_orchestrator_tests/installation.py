"""A small installation to test against: the real dictionary, one tiny study, its source files in a folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import psycopg2

from omics_orchestrator.orchestration import current
from omics_orchestrator.settings import WORKING_COPY, Settings
from omics_orchestrator.steps.workspace import Workspace

STUDY = """\
study: {name}
title: Tiny study
stewards: [tiny@example.org]
schedule: {{nightly: "01:30", timezone: Europe/London}}
participant_id: {{pattern: "P[0-9]+"}}
sources:
  files: {{kind: delimited, location: "store+tiny://", tables: {{people: people.csv, visits: visits.csv}}}}
assays:
  metabolomics: {{format: feature_table, location: "store+tiny://peaks.csv", samples: columns, feature_columns: [id]}}
"""
MAPPING = """\
participant:
  from: files.people
  key: [id]
  sex: {recode: sex, map: {m: male, f: female}}
  age: {number: age, unit: a}
visit:
  from: files.visits
  key: [id, visit]
  crp: {number: crp, unit: mg/L}
sample:
  from: files.visits
  key: [id, sample]
  visit_id: visit
not_mapped:
  written by hand: [note]
"""
FILES = {
    "people.csv": "id,sex,age,note\nP1,m,40,x\nP2,f,51,y\nP3,m,33,z\n",
    "visits.csv": "id,visit,sample,crp\nP1,1,S1,5.5\nP1,2,S2,7\nP2,1,S3,\nP3,1,S4,12\n",
    "peaks.csv": "id,S1,S2,S3,S4\nf1,1,2,3,4\nf2,5,,7,8\n",
}


class Installation:
    """A home, a dictionary folder with one study `tiny`, a source folder, databases of its own."""

    def __init__(self, folder: Path, settings: Settings, *, database_url: str, dagster_url: str) -> None:
        self.folder = folder
        self.dictionary = folder / "dictionary"
        shutil.copytree(
            WORKING_COPY / "data_dictionary",
            self.dictionary,
            ignore=shutil.ignore_patterns("studies", "schema"),
        )
        self.source = folder / "source"
        self.source.mkdir()
        for name, text in FILES.items():
            (self.source / name).write_text(text)
        self.declare("tiny")
        self.settings = replace(
            settings,
            home=folder / "home",
            dictionary=self.dictionary,
            store_url=(folder / "store").as_uri(),
            source_stores={"tiny": self.source.as_uri()},
            database_url=database_url,
            dagster_database_url=dagster_url,
        )

    def declare(self, name: str, *, study: str | None = None, mapping: str | None = None) -> Path:
        """Write the declaration of a study and return its folder."""
        folder = self.dictionary / "studies" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "study.yaml").write_text(STUDY.format(name=name) if study is None else study)
        (folder / "mapping.yaml").write_text(MAPPING if mapping is None else mapping)
        return folder

    def environment(self) -> dict[str, str]:
        """Return the variables under which another process meets this installation."""
        assert self.settings.database_url
        assert self.settings.dagster_database_url
        return {
            "OMICS_HOME": str(self.settings.home),
            "OMICS_DICTIONARY": str(self.dictionary),
            "OMICS_STORE_URL": self.settings.store_url,
            "OMICS_STORE_TINY_URL": self.source.as_uri(),
            "OMICS_DATABASE_URL": self.settings.database_url,
            "OMICS_DAGSTER_DATABASE_URL": self.settings.dagster_database_url,
        }

    def workspace(self) -> Workspace:
        """Return a fresh workspace: declarations are read anew."""
        current.forget()
        return Workspace(self.settings)

    def drop_dagster_database(self) -> None:
        """Remove Dagster's database (the data database belongs to the fixture `database`)."""
        url, name = str(self.settings.dagster_database_url).rsplit("/", 1)
        connection = psycopg2.connect(f"{url}/postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.close()
