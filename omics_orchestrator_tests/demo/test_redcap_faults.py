"""A fault meets the requests it was added for, as often as was said, and no other."""

from __future__ import annotations

import pytest

from omics_orchestrator.demo.redcap_faults import Faults

RECORD, VERSION = {"content": "record"}, {"content": "version"}


@pytest.mark.parametrize(
    ("words", "met"),
    [
        ({}, [True, False, False]),
        ({"times": 2}, [True, True, False]),
        ({"times": None}, [True, True, True]),
        ({"skip": 2}, [False, False, True]),
    ],
    ids=["once", "twice", "always", "third"],
)
def test_how_often(words: dict[str, object], met: list[bool]) -> None:
    faults = Faults()
    faults.add("html", **words)
    assert [faults.of(RECORD) is not None for _ in met] == met


def test_which_requests() -> None:
    faults = Faults()
    faults.add("html", content="record", when=lambda asked: "fields[0]" in asked)
    assert faults.of(VERSION) is None
    assert faults.of(RECORD) is None
    assert faults.of(RECORD | {"fields[0]": "id"}) is not None


def test_memory_runs_out_from_so_many_cells_on() -> None:
    faults = Faults()
    faults.add("memory", size=100, times=None)
    assert [faults.of(RECORD, cells) is not None for cells in (99, 100)] == [False, True]


def test_one_after_the_other_a_rate_limit_then_a_ban() -> None:
    faults = Faults()
    faults.add("rate_limited", times=2)
    faults.add("banned", times=None)
    found = [faults.of(RECORD) for _ in range(4)]
    assert [one and one.kind for one in found] == ["rate_limited", "rate_limited", "banned", "banned"]
    faults.clear()
    assert faults.of(RECORD) is None
