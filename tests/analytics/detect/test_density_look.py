from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.density_look import DensityReadings, people_near, zone_shares
from analytics.detect.network import Floats
from core.types import Box, Pixels, Polygon
from tests.analytics.frames import frame_of

EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ROWS, COLUMNS = 20, 20
ASPECT = 1.0


def body(x: float, feet: float, height: float = 0.2) -> Box:
    """Somebody whose ground point is there."""
    return Box(left=x - height / 4, top=feet - height, right=x + height / 4, bottom=feet)


def heads(*places: tuple[float, float]) -> Floats:
    """A map with one person at each place."""
    people = np.zeros((ROWS, COLUMNS), np.float32)
    for x, y in places:
        people[int(y * ROWS), int(x * COLUMNS)] += 1.0
    return people


def strip(top: float, bottom: float) -> Polygon:
    return ((0.0, top), (1.0, top), (1.0, bottom), (0.0, bottom))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (EVERYWHERE, 1.0),
        (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)), 0.5),
        (((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), 0.5),
        (((0.2, 0.2), (0.225, 0.2), (0.225, 1.0), (0.2, 1.0)), 0.02),
    ],
)
def test_cells_at_the_border_of_a_zone_count_with_their_share(zone: Polygon, expected: float) -> None:
    shares = zone_shares(zone, ROWS, COLUMNS)
    assert shares.shape == (ROWS, COLUMNS)
    assert 0.0 <= shares.min() <= shares.max() <= 1.0
    assert shares.mean() == pytest.approx(expected, abs=0.01)


def test_only_what_is_near_somebody_who_was_seen_is_believed() -> None:
    people = heads((0.5, 0.35), (0.6, 0.45), (0.05, 0.9), (0.95, 0.1))
    assert people_near(people, EVERYWHERE, [body(0.5, 0.5)], ASPECT) == pytest.approx(2.0)
    assert people_near(people, EVERYWHERE, [], ASPECT) == 0.0


def test_what_is_near_several_counts_once() -> None:
    people = heads((0.5, 0.4))
    assert people_near(people, EVERYWHERE, [body(0.45, 0.5), body(0.55, 0.5)], ASPECT) == pytest.approx(1.0)


def test_heads_are_counted_where_their_feet_are() -> None:
    """Both rows stand 0.2 below their heads: the first in the zone, the second before it with the heads in it."""
    people = heads(*[(0.1 * n, 0.4) for n in range(10)], *[(0.1 * n + 0.05, 0.6) for n in range(10)])
    seen = [body(0.1 * n, 0.6) for n in range(11)]
    assert people_near(people, strip(0.5, 0.7), seen, ASPECT) == pytest.approx(10.0)


def test_whose_feet_the_picture_does_not_show_stands_at_its_lower_edge() -> None:
    assert people_near(heads((0.5, 0.95)), strip(0.9, 1.0), [body(0.5, 1.0)], ASPECT) == pytest.approx(1.0)


def test_near_is_as_far_to_the_side_as_up_and_down() -> None:
    people = heads((0.3, 0.4), (0.7, 0.4))
    assert people_near(people, EVERYWHERE, [body(0.5, 0.5)], 1.0) == pytest.approx(2.0)
    assert people_near(people, EVERYWHERE, [body(0.5, 0.5)], 4.0) == 0.0


@pytest.mark.parametrize("beyond", [body(-0.5, 0.5), body(1.5, 0.5), body(0.5, -0.5), body(0.5, 1.9)])
def test_who_is_out_of_the_picture_confirms_nothing_in_it(beyond: Box) -> None:
    assert people_near(heads((0.05, 0.05), (0.95, 0.95)), EVERYWHERE, [beyond], ASPECT) == 0.0


def test_the_map_is_drawn_once_and_only_when_somebody_asks() -> None:
    drawn: list[Pixels] = []

    def map_of(pixels: Pixels) -> Floats:
        drawn.append(pixels)
        return heads((0.5, 0.4))

    readings = DensityReadings(map_of, frame_of(np.zeros((20, 20, 3), np.uint8)))
    assert (drawn, readings.taken) == ([], [])
    seen = [body(0.5, 0.5)]
    assert [readings(EVERYWHERE, seen), readings(EVERYWHERE, seen), readings(EVERYWHERE, [])] == [1.0, 1.0, 0.0]
    assert len(drawn) == 1
    assert [(reading.seen, reading.people) for reading in readings.taken] == [(tuple(seen), 1.0), ((), 0.0)]
