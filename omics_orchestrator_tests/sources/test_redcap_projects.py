"""What `redcap_export` extracts from the synthetic projects, held against the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omics_orchestrator.sources.redcap_export import KEY, RedcapExport
from omics_orchestrator.storage.objects import Stores
from omics_orchestrator_tests.sources.redcap_oracle import dictionary_of, expected

PROJECTS = Path(__file__).parents[3] / "shared" / "data" / "redcap"


def places(path: Path, form: str, event: str) -> dict[str, list[str]] | None:
    """Form → events of an answer; None = an error object."""
    answer = json.loads(path.read_text())
    if not isinstance(answer, list):
        return None
    found: dict[str, list[str]] = {}
    for row in answer:
        found.setdefault(row[form], []).append(row.get(event) or "")
    return found


@pytest.mark.parametrize("name", ["gidamps_synthetic", "music_synthetic"])
def test_a_folder_of_answers_gives_what_the_oracle_says(
    name: str, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    path = PROJECTS / name
    if not path.is_dir():
        pytest.skip("the synthetic projects are not here")
    records: list[dict[str, Any]] = json.loads((path / "records.json").read_text())
    rows = [{column: str(cell) for column, cell in row.items()} for row in records]
    oracle = expected(
        rows,
        dictionary_of(path / "data_dictionary.csv"),
        places(path / "formEventMapping.json", "form", "unique_event_name"),
        places(path / "repeatingFormsEvents.json", "form_name", "event_name") or {},
    )
    source = RedcapExport(location=f"store+data://redcap/{name}")
    compared = 0
    for form, table in oracle.items():
        delivered = source.deliver(name, form, None, stores).data.to_pylist()
        by_key = {tuple(row[column] for column in KEY): row for row in delivered}
        assert len(by_key) == len(delivered)
        assert by_key.keys() == table.keys(), form
        for key, cells in table.items():
            assert {column: by_key[key][column] for column in cells} == cells, form
            compared += len(cells)
    with capsys.disabled():
        count = sum(map(len, oracle.values()))
        print(f"\n{name}: {len(oracle)} forms, {count} rows, {compared} cells compared, 0 exceptions")
    assert compared
