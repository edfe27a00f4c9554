from __future__ import annotations

from collections.abc import Iterable

import pytest

from analytics.view.sameness import Sameness


def frozen_after(keys: Iterable[int]) -> float | None:
    """Seconds until pictures that are the same, two a second, with so many key frames so far, are called frozen."""
    sameness = Sameness()
    for number, count in enumerate(keys):
        if sameness.update(1000.0 + number / 2, count, is_same=number > 0):
            return number / 2
    return None


@pytest.mark.parametrize(
    ("key_every_s", "after_s"),
    [(0.04, 3.0), (1.0, 3.0), (2.0, 4.0), (4.0, 8.0), (1000.0, 60.0)],
    ids=["all-intra", "1 s", "2 s", "4 s", "never"],
)
def test_what_two_key_frames_repeat_is_frozen_and_without_them_what_lasts_a_minute(
    key_every_s: float, after_s: float
) -> None:
    assert frozen_after(1 + int(number / 2 / key_every_s) for number in range(200)) == after_s


def test_a_quiet_night_between_two_key_frames_is_not_frozen() -> None:
    assert frozen_after([1] * 40 + [2] * 40) is None


def test_one_tone_that_changes_ends_it_and_it_is_counted_anew() -> None:
    sameness = Sameness()
    answers = [sameness.update(number / 2, 1 + number // 2, is_same=number % 12 != 0) for number in range(24)]
    assert [number for number, is_frozen in enumerate(answers) if is_frozen] == [6, 7, 8, 9, 10, 11, *range(18, 24)]


def test_pictures_before_an_interruption_do_not_count() -> None:
    sameness = Sameness()
    for number in range(5):
        sameness.update(number / 2, 1 + number, is_same=number > 0)
    sameness.interrupt()
    assert not sameness.update(10.0, 20, is_same=True)
