from __future__ import annotations

import pytest

from benchmarks.sort import Sort


def test_one_who_walks_keeps_his_id_and_is_told_where_he_is() -> None:
    tracker = Sort()
    told = [tracker.update([(100.0 + 5.0 * number, 200.0, 40.0, 80.0)]) for number in range(12)]
    assert {identity for frame in told for identity in frame} == {1}
    assert told[-1][1] == pytest.approx([155.0, 200.0, 40.0, 80.0], abs=3.0)


def test_two_who_are_apart_are_two() -> None:
    tracker = Sort()
    told = [tracker.update([(100.0, 200.0, 40.0, 80.0), (300.0, 200.0, 40.0, 80.0)]) for _ in range(4)]
    assert [len(frame) for frame in told] == [2] * 4


def test_one_who_was_missed_twice_comes_back_as_another_once_seen_often_enough() -> None:
    tracker = Sort()
    box = (100.0, 200.0, 40.0, 80.0)
    told = [tracker.update([] if number in {5, 6} else [box]) for number in range(12)]
    assert [list(frame) for frame in told] == [[1]] * 5 + [[]] * 5 + [[2]] * 2
