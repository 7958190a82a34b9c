"""Every row of docs/reliability.md names tests that exist and that `make test-faults` runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from omics_orchestrator.settings import WORKING_COPY

PAGE = WORKING_COPY / "docs" / "reliability.md"
TESTS = WORKING_COPY / "omics_orchestrator_tests"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
MARK = "pytest.mark.faults"


def rows() -> list[str]:
    table = PAGE.read_text(encoding="utf-8").split("## Faults")[1].split("\n## ")[0]
    return [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| fault |")]


def marked(module: Path) -> dict[str, bool]:
    """Return test → whether it, or its whole module, carries the marker."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    whole = any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and MARK in ast.unparse(node.value)
        for node in tree.body
    )
    return {
        node.name: whole or any(MARK in ast.unparse(one) for one in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_row_names_tests_that_run(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 5
    assert all(cells)
    named = NAMED.findall(cells[-1])
    assert named
    for path, name in named:
        assert marked(TESTS / path).get(name), f"{path}::{name} is no test of make test-faults"


def test_every_test_of_the_folder_has_a_row() -> None:
    named = {name for row in rows() for _, name in NAMED.findall(row)}
    here = {
        name for module in (TESTS / "faults").glob("test_*.py") for name, faulty in marked(module).items()
        if faulty and name.startswith("test_")
    }  # fmt: skip
    assert here <= named
