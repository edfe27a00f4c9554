from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.geometry import bounds, ground_point, is_far, is_right_of
from analytics.rules.sightings import Rectangle, Sightings
from core.types import Point, Tick
from tests.analytics.rules.walks import at

START, END = (0.2, 0.3), (0.7, 0.6)
coordinates = st.floats(-0.2, 1.2)
objects = st.lists(st.tuples(coordinates, coordinates), max_size=8)


def seen(places: list[Point]) -> Sightings:
    tracks = tuple(at(place, track_id=number) for number, place in enumerate(places))
    return Sightings(Tick(captured_at=3.0, tracks=tracks))


@given(objects)
def test_ground_points_are_those_of_the_boxes_kept_in_the_picture(places: list[Point]) -> None:
    sightings = seen(places)
    assert sightings.places == [ground_point(track.box) for track in sightings.tracks]


@given(objects)
def test_sides_and_distances_are_those_of_each_object(places: list[Point]) -> None:
    sightings, around = seen(places), (START, END)
    assert sightings.right_of(START, END) == [is_right_of(place, START, END) for place in sightings.places]
    assert sightings.far_from(Rectangle(around)) == [
        is_far(place, bounds(around), track.box)
        for place, track in zip(sightings.places, sightings.tracks, strict=True)
    ]


def test_what_is_only_predicted_is_not_seen() -> None:
    tracks = (at((0.5, 0.5)), at((0.6, 0.5), track_id=2, is_measured=False))
    sightings = Sightings(Tick(captured_at=3.0, tracks=tracks))
    assert list(sightings.by_id) == [1]
    assert sightings.places == [(0.5, 0.5)]


def test_rules_that_look_at_the_same_objects_share_their_sightings() -> None:
    tick = Tick(captured_at=3.0, tracks=(at((0.5, 0.5)),))
    assert tick.once(Sightings) is tick.once(Sightings)
