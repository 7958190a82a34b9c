"""Codes beside the rules: of columns that a rule translates, what is shaped like a code, and never anything else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from omics_orchestrator.orchestration.session import Session
from omics_orchestrator.steps.spreadsheet.seen import codes_seen, told_of
from omics_orchestrator_tests.installation import MAPPING, Installation

SEX = ("tiny", "participant", "sex")


def seen(installation: Installation, people: str, mapping: str) -> str:
    (installation.source / "people.csv").write_text(f"id,sex,age,note\n{people}")
    installation.declare("tiny", mapping=mapping)
    session = Session(installation.workspace())
    session.materialise(session.assets(["raw/tiny/files"]))
    found = codes_seen(installation.workspace())
    assert set(found) <= {SEX}  # a number and a copied key are no codes
    return found.get(SEX, "")


def test_nothing_where_nothing_is_stored(installation: Installation) -> None:
    assert codes_seen(installation.workspace()) == {}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["f", "m", "m"], "m, f"),
        (["m", "f", ""], "f, m"),
        (["", "", None], ""),
        (["m", "she said so herself", "1 Jan 1970"], "m, 2 texts that are no codes"),
        (["m", "Mrs Smith"], "m, 1 text that is no code"),
        ([f"c{number}" for number in range(12)], "c0, c1, c10, c11, c2, c3, c4, c5, c6, and 3 more"),
        ([f"Q{number}" for number in range(100)], ""),
    ],
)
def test_codes_are_shown_by_how_often_they_stand(cells: list[str | None], told: str) -> None:
    assert told_of(pa.chunked_array([pa.array(cells, pa.string())]), {}) == told


def test_labels_stand_behind_their_codes() -> None:
    cells = pa.chunked_array([pa.array(["1", "1", "2"])])
    assert told_of(cells, {"1": "Male"}) == "1 Male, 2"


def test_rules_within_rules_are_looked_into(installation: Installation) -> None:
    rule = "sex: {coalesce: [{recode: sex, map: {m: male}}, {recode: note, map: {f: female}}]}"
    mapping = MAPPING.replace("sex: {recode: sex, map: {m: male, f: female}}", rule).replace(
        "[note]", "[nothing]"
    )
    assert seen(installation, "P1,m,40,f\n", mapping) == "m; f"
