"""When a batch may be tried again: three times at once, then after an hour, four hours, daily."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from omics_orchestrator.orchestration.sensors.attempts import Attempt, Standing, standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def failed(count: int, last: datetime = NOW) -> list[Attempt]:
    return [Attempt(number, last - (count - number) * MINUTE) for number in range(1, count + 1)]


def test_what_was_never_tried_may_begin() -> None:
    assert standing([]) == Standing()
    assert standing([]).may_begin(NOW)


@pytest.mark.parametrize("made", [1, 2])
def test_the_second_and_third_attempt_begin_at_once(made: int) -> None:
    found = standing(failed(made))
    assert found == Standing(made)
    assert found.may_begin(NOW)


@pytest.mark.parametrize(("made", "hours"), [(3, 1), (4, 4), (5, 24), (6, 24), (40, 24)])
def test_later_ones_back_off(made: int, hours: int) -> None:
    found = standing(failed(made))
    due = NOW + timedelta(hours=hours)
    assert found == Standing(made, next_at=due)
    assert not found.may_begin(due - MINUTE)
    assert found.may_begin(due)


def test_a_batch_with_a_run_under_way_waits_for_it_whatever_the_clock_says() -> None:
    found = standing([*failed(3), Attempt(4, None)])
    assert found == Standing(4, under_way=True)
    assert not found.may_begin(NOW + timedelta(days=9))


def test_attempts_whose_runs_were_deleted_count_as_long_as_a_later_one_is_left() -> None:
    assert standing(failed(4)[2:]) == standing(failed(4))
    assert standing(failed(4)[4:]) == Standing()


def test_the_order_of_the_runs_does_not_matter() -> None:
    assert standing(reversed(failed(5))) == standing(failed(5))
