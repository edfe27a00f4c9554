from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.loitering import Loitering, LoiteringSettings
from core.types import Point, Track
from tests.analytics.rules.walks import at, between, walk, watch

pytestmark = pytest.mark.slow

SQUARE = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
INSIDE, OUTSIDE = (0.5, 0.5), (0.1, 0.5)


def zone_rule(**more: Any) -> Loitering:
    return Loitering(LoiteringSettings.model_validate({"id": "hall", "type": "loitering", "zone": SQUARE, **more}))


def stays(point: Point, seconds: float) -> list[Point]:
    return [point] * round(seconds * 10)


def test_one_who_stays_a_minute_is_reported_then_and_once() -> None:
    (found,) = walk(zone_rule(), [*stays(OUTSIDE, 1.0), *stays(INSIDE, 200.0)])
    assert found.started_at == pytest.approx(1.0)
    assert found.captured_at == pytest.approx(61.0)


def test_one_who_paces_up_and_down_stays_as_much_as_one_who_stands() -> None:
    pacing = [*between((0.35, 0.5), (0.65, 0.5), 40), *between((0.65, 0.5), (0.35, 0.5), 40)]
    (found,) = walk(zone_rule(), pacing * 10)
    assert found.captured_at == pytest.approx(60.0, abs=0.2)


@pytest.mark.parametrize(
    ("dwell_s", "away_s", "reports"), [(60, 5, 1), (60, 8, 0), (20, 1.4, 1), (20, 5, 0), (300, 9, 1)]
)
def test_a_short_way_out_pauses_the_dwell_time_and_a_longer_one_ends_it(
    dwell_s: float, away_s: float, reports: int
) -> None:
    visits = [*stays(INSIDE, dwell_s * 0.6), *stays(OUTSIDE, away_s)]
    assert len(walk(zone_rule(dwell_s=dwell_s), [*visits, *stays(INSIDE, dwell_s * 0.6)])) == reports


@pytest.mark.parametrize(("dwell_s", "hidden_s", "reports"), [(60, 5.5, 1), (60, 7, 0), (10, 2.8, 1), (10, 4, 0)])
@pytest.mark.parametrize("track_id", [1, 2])
def test_one_who_is_hidden_for_a_short_time_goes_on_under_whatever_track(
    dwell_s: float, hidden_s: float, reports: int, track_id: int
) -> None:
    before = [[at(INSIDE)] for _ in stays(INSIDE, dwell_s * 0.7)]
    hidden: list[list[Track]] = [[] for _ in stays(INSIDE, hidden_s)]
    after = [[at((0.505, 0.5), track_id=track_id)] for _ in stays(INSIDE, dwell_s * 0.7)]
    assert len(watch(zone_rule(dwell_s=dwell_s), [*before, *hidden, *after])) == reports


def test_many_id_switches_do_not_hide_one_who_stays() -> None:
    frames = [[at(INSIDE, track_id=step // 17)] if step % 17 > 3 else [] for step in range(700)]
    (found,) = watch(zone_rule(), frames)
    assert found.captured_at == pytest.approx(60.0, abs=1.0)


def test_those_who_come_one_after_the_other_do_not_add_up() -> None:
    frames = []
    for visitor in range(20):
        way = [*between((0.05, 0.5), INSIDE, 15), *stays(INSIDE, 5.0), *between(INSIDE, (0.95, 0.5), 15)]
        frames += [[at(place, track_id=visitor)] for place in way]
    assert watch(zone_rule(dwell_s=15), frames) == []


@dataclass(slots=True)
class _Walker:
    x: float
    y: float
    speed: float
    track_id: int
    hidden_until: float = 0.0

    def steps_on(self, now: float, chance: random.Random, ids: count[int], *, cuts_per_s: float) -> Track | None:
        """Its track, now and then cut by an occlusion, after which it has another id."""
        self.x += self.speed / 8
        if self.hidden_until > now:
            return None
        if self.hidden_until:
            self.hidden_until, self.track_id = 0.0, next(ids)
        if chance.random() < cuts_per_s / 8:
            self.hidden_until = now + chance.uniform(0.2, 1.2)
            return None
        return at((self.x + chance.gauss(0, 0.003), self.y + chance.gauss(0, 0.008)), track_id=self.track_id)


def crowd(seed: int, *, seconds: float, every_s: float, cuts_per_s: float) -> Iterator[list[Track]]:
    """People who cross the square in about six seconds, both ways, eight pictures a second."""
    chance, ids, walkers = random.Random(seed), count(1), list[_Walker]()
    for frame in range(round(seconds * 8)):
        if chance.random() < 1 / (8 * every_s):
            way = chance.choice((1, -1))
            speed = way * chance.uniform(0.05, 0.08)
            walkers.append(_Walker(0.5 - way / 2, chance.choice((0.45, 0.5, 0.6)), speed, next(ids)))
        seen = [walker.steps_on(frame / 8, chance, ids, cuts_per_s=cuts_per_s) for walker in walkers]
        walkers = [walker for walker in walkers if 0.0 <= walker.x <= 1.0]
        yield [track for track in seen if track is not None]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("every_s", "cuts_per_s"), [(0.5, 0.0), (1.0, 0.2), (1.0, 0.5)])
def test_a_crowd_that_passes_through_does_not_add_up(seed: int, every_s: float, cuts_per_s: float) -> None:
    frames = crowd(seed, seconds=150, every_s=every_s, cuts_per_s=cuts_per_s)
    assert watch(zone_rule(), frames, interval_s=0.125) == []


@given(st.lists(st.tuples(st.floats(0.1, 4.9), st.floats(1.8, 20.0)), max_size=6))
def test_visits_below_the_dwell_time_with_ways_out_between_them_never_fire(visits: list[tuple[float, float]]) -> None:
    places = [place for inside, out in visits for place in [*stays(INSIDE, inside), *stays(OUTSIDE, out)]]
    assert walk(zone_rule(dwell_s=5), places) == []


@pytest.mark.parametrize(
    "wrong", [{"dwell_s": 0}, {"dwell_s": 1e6}, {"classes": ["humans"]}, {"zone": [[0, 0], [1, 1]]}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        zone_rule(**wrong)


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": [[0, 0], [1, 0]]})
    with pytest.raises(TypeError, match="LoiteringSettings"):
        Loitering(line)
