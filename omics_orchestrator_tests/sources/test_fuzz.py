"""200 random files, whole and damaged; more with `make fuzz`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from omics_orchestrator_tests.sources.fuzz import cases, stores_in, wrong

SEED = 20261121


def test_random_files_are_read_exactly_or_refused(tmp_path: Path) -> None:
    stores = stores_in(tmp_path)
    found = {number: wrong(made, tmp_path, stores) for number, made in islice(cases(SEED), 200)}
    assert {number: told for number, told in found.items() if told} == {}


def test_the_fuzzer_sees_a_shifted_column(tmp_path: Path) -> None:
    _, made = next((number, made) for number, made in cases(SEED) if not made.damaged)
    made.rows[0] = [*made.rows[0][1:], "shifted"]
    assert "cells differ" in wrong(made, tmp_path, stores_in(tmp_path))
