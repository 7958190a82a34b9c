"""The collector while much is made: what was there is left alone, what is new is collected, all is as before."""

from __future__ import annotations

import gc
import weakref

import pytest

from omics_orchestrator.registry.collecting import YOUNG, many_objects


class Knot:
    """Holds itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_alone_and_what_is_new_is_collected() -> None:
    old = weakref.ref(Knot())
    with many_objects():
        new = weakref.ref(Knot())
        gc.collect()
        assert old() is not None
        assert new() is None
    gc.collect()
    assert old() is None


def test_all_is_as_before_after_an_error_inside_and_one_in_another() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="stop"):
        _stopped()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def _stopped() -> None:
    with many_objects(), many_objects():
        assert gc.get_threshold()[0] == YOUNG
        assert gc.get_freeze_count() > 0
        raise ValueError("stop")


def test_what_somebody_else_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        before = gc.get_threshold()
        with many_objects():
            assert gc.get_threshold() == before
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
