"""100,000 rows by 40 rules take seconds, not minutes (the bench measures, this only guards)."""

from __future__ import annotations

import random
import time

import pyarrow as pa
import pytest

from omics_orchestrator.harmonise import harmonise
from omics_orchestrator_tests.harmonise.invented import dictionary, study

ROWS = 100_000


@pytest.mark.slow
def test_many_rows_and_rules():
    draw = random.Random(1)
    numbers = {f"n{i}": "censored" for i in range(20)}
    codes = {f"c{i}": "code" for i in range(20)}
    rules = {name: {"number": name, "missing": {"999": "unknown"}} for name in numbers}
    rules |= {name: {"recode": name, "map": {"1": "cd", "2": "uc"}} for name in codes}
    columns = {
        name: [draw.choice(["", "<20", "999", str(draw.random())]) for _ in range(ROWS)] for name in numbers
    }
    columns |= {name: [draw.choice(["", "1", "2", "9"]) for _ in range(ROWS)] for name in codes}
    keys = {"id": [f"P{n % 20_000}" for n in range(ROWS)], "v": [str(n // 20_000) for n in range(ROWS)]}
    began = time.process_time()
    found = harmonise(
        study(rules), "visit", dictionary(**numbers, **codes), {"file.a": pa.table({**keys, **columns})}
    )
    assert found.table.shape == (ROWS, 42)
    assert time.process_time() - began < 30
