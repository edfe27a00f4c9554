from __future__ import annotations

import pytest

from analytics.rules.abandoned.attendance import Attendance
from core.types import Box, Point, Track
from tests.analytics.rules.walks import at, between

THING = Box(left=0.52, top=0.7, right=0.56, bottom=0.8)
BESIDE: Point = (0.48, 0.8)
FAR: Point = (0.2, 0.8)
STEP_S = 0.1


def person(place: Point, track_id: int = 1) -> Track:
    return at(place, track_id=track_id, height=0.3, width=0.08)


class Hall:
    """Shows one picture after the other."""

    def __init__(self) -> None:
        self.attendance = Attendance()
        self.now = 0.0

    def see(self, *tracks: Track, seconds: float = STEP_S) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.attendance.update(tracks, self.now, 1.0)
            self.now += STEP_S

    def walk(self, start: Point, end: Point, track_id: int = 1) -> None:
        for place in between(start, end, 20):
            self.see(person(place, track_id))

    def is_left_by(self, *track_ids: int) -> bool:
        return self.attendance.away_since(track_ids, THING)


def test_who_walks_off_is_away() -> None:
    hall = Hall()
    hall.see(person(BESIDE), seconds=1.0)
    assert not hall.is_left_by(1)
    hall.walk(BESIDE, FAR)
    assert hall.is_left_by(1)


def test_who_is_lost_beside_the_thing_is_still_there() -> None:
    hall = Hall()
    hall.see(person(BESIDE), seconds=1.0)
    hall.see(seconds=60.0)
    assert not hall.is_left_by(1)


def test_who_leaves_the_picture_is_away_though_the_edge_is_near() -> None:
    hall = Hall()
    hall.walk((0.72, 0.8), (0.97, 0.8))
    hall.see(seconds=2.0)
    assert hall.is_left_by(1)


@pytest.mark.parametrize("gap_s", [0.5, 2.0, 8.0])
def test_one_who_goes_on_under_another_track_is_followed(gap_s: float) -> None:
    hall = Hall()
    hall.see(person(BESIDE), seconds=1.0)
    hall.see(seconds=gap_s)
    hall.walk(BESIDE, FAR, track_id=2)
    assert hall.is_left_by(1)


def test_a_second_box_of_the_same_person_leaves_with_him() -> None:
    hall = Hall()
    hall.see(person(BESIDE), at(BESIDE, track_id=2, height=0.15, width=0.07), seconds=1.0)
    hall.walk(BESIDE, FAR)
    assert hall.is_left_by(1, 2)


def test_one_who_comes_in_from_outside_is_nobody_elses_successor() -> None:
    hall = Hall()
    hall.see(person((0.1, 0.8)), seconds=1.0)
    hall.see(seconds=2.0)
    hall.walk((0.03, 0.8), (0.9, 0.8), track_id=2)
    assert not hall.attendance.away_since([1], Box(left=0.08, top=0.7, right=0.12, bottom=0.8))


def test_those_in_reach_and_their_company_are_told_from_those_further_away() -> None:
    hall = Hall()
    hall.see(person(BESIDE, 1), person((0.38, 0.8), 2), person(FAR, 3), seconds=1.0)
    assert hall.attendance.near(THING, 0.0, 1.0) == (frozenset({1}), frozenset({1, 2}))


def test_only_who_was_there_at_the_time_counts() -> None:
    hall = Hall()
    hall.see(person(BESIDE, 1), seconds=1.0)
    hall.see(seconds=5.0)
    hall.see(person(BESIDE, 2), seconds=1.0)
    assert hall.attendance.near(THING, 5.0, 8.0)[0] == frozenset({2})


def test_the_body_height_is_the_median_of_the_boxes() -> None:
    hall = Hall()
    hall.see(*(at(BESIDE, track_id=number, height=height) for number, height in enumerate((0.1, 0.3, 0.6))))
    assert hall.attendance.height_of([0, 1, 2]) == pytest.approx(0.3)
    assert hall.attendance.height_of([]) == 0.0
