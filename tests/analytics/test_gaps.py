from __future__ import annotations

import pytest

from analytics.gaps import WINDOW_S, Gaps
from core.clock import ManualClock


def after(*waits: float) -> tuple[Gaps, ManualClock]:
    """A picture at the start and after each wait."""
    clock = ManualClock()
    gaps = Gaps(clock)
    gaps.note()
    for wait in waits:
        clock.advance(wait)
        gaps.note()
    return gaps, clock


def test_before_the_first_picture_there_is_no_gap() -> None:
    clock = ManualClock()
    gaps = Gaps(clock)
    clock.advance(100.0)
    assert gaps.longest_s() == 0.0


@pytest.mark.parametrize("waits", [(0.1, 0.7, 0.2), (0.7, 0.1, 0.2), (0.1, 0.2, 0.7)])
def test_the_longest_of_the_last_gaps_is_told(waits: tuple[float, ...]) -> None:
    gaps, _clock = after(*waits)
    assert gaps.longest_s() == pytest.approx(0.7)


def test_a_gap_that_lasts_counts_already() -> None:
    gaps, clock = after(0.1)
    clock.advance(3.0)
    assert gaps.longest_s() == pytest.approx(3.0)


def test_an_old_gap_is_forgotten() -> None:
    gaps, clock = after(2.0, *[0.1] * 5)
    clock.advance(WINDOW_S - 1.0)
    gaps.note()
    for _ in range(19):
        clock.advance(0.5)
        gaps.note()
    assert gaps.longest_s() == pytest.approx(WINDOW_S - 1.0)
    for _ in range(5):
        clock.advance(0.5)
        gaps.note()
    assert gaps.longest_s() == pytest.approx(0.5)
