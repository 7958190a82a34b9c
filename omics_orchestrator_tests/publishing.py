"""A small study with everything that publishing must treat with care; it lies beside `tiny` in an installation.

Inexact values, partial dates, a rule that waits for the reference date, codes, several samples of a visit, a visit of a
participant without a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.settings import Settings
from omics_orchestrator.storage.embedded import ensure_server
from omics_orchestrator_tests.installation import Installation

STUDY = """\
study: wide
title: Wide study
stewards: [wide@example.org]
participant_id: {pattern: "W[0-9]+"}
sources:
  own:
    kind: delimited
    location: "store+tiny://wide/"
    tables: {people: people.csv, visits: visits.csv, tubes: tubes.csv}
datasets:
  main:
    entity: visit
    description: what the study always published
    reference_date: 2025-10-30
    rename: {participant_id: study_id, crp: CRP}
    codes_as: {sampling_abx: {yes: 1, no: 0}, sex: {female: F, male: M, unknown: U}}
    leave_out: [age_at_diagnosis]
    samples: first
  columns: {entity: visit, inexact: columns}
  people: {entity: participant, reference_date: 2025-10-31}
"""
MAPPING = """\
participant:
  from: own.people
  key: [id]
  sex: {recode: sex, map: {m: male, f: female}, missing: {x: refused}}
  date_of_diagnosis: {date: dx, partial: {"01-01": year, "01": month}}
  age_at_diagnosis: {number: age, unit: a}
  diagnosis_duration_in_days: {derive: "date_diff('day', date_of_diagnosis, reference_date)"}
visit:
  from: own.visits
  key: [id, visit]
  sampling_date: {date: day}
  crp: {number: crp, unit: mg/L, censored: yes, missing: {nd: not_done}}
  sampling_abx: {recode: abx, map: {1: yes, 2: no}}
  ct_abdomen: {recode: ct, map: {1: yes, 2: no}}
sample:
  from: own.tubes
  key: [id, tube]
  visit_id: visit
  sample_type: {recode: kind, map: {b: blood, s: stool}}
none:
  study_group: {status: impossible, missing: not_asked, reason: not part of the protocol}
"""
FILES = {
    "people.csv": "id,sex,dx,age\nW1,m,2014-01-01,20\nW2,x,2020-05-17,30\nW3,f,,40\n",
    "visits.csv": (
        "id,visit,day,crp,abx,ct\n"
        "W1,1,2025-01-02,<5,1,1\nW1,2,2025-03-04,7.5,2,2\nW2,1,,nd,1,\nW3,1,2025-02-01,20,,1\nW9,1,2025-02-02,3,2,1\n"
    ),
    "tubes.csv": "id,visit,tube,kind\nW1,1,T10,s\nW1,1,T9,b\nW1,2,T11,s\nW2,,T12,b\n",
}


def add_wide(made: Installation) -> None:
    """Write the study and its source files."""
    folder = made.source / "wide"
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    made.declare("wide", study=STUDY, mapping=MAPPING)


@contextmanager
def published(folder: Path, settings: Settings, name: str) -> Iterator[Installation]:
    """Give an installation with both studies, everything made; `name` is that of its databases."""
    server = ensure_server(settings)
    urls = {"database_url": server.url(name), "dagster_url": server.url(f"{name}_dagster")}
    made = Installation(folder, settings, **urls)
    add_wide(made)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in made.environment().items():
            patch.setenv(variable, value)
        session = Session(made.workspace())
        assert not session.materialise(session.assets()).failed
        yield made
