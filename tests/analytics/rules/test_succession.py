from __future__ import annotations

import pytest

from analytics.rules.succession import Handover, Succession
from core.types import Point, Tick, Track
from tests.analytics.rules.walks import HEIGHT, WIDTH, at, between


def seen(*tracks: Track) -> dict[int, Track]:
    return {track.track_id: track for track in tracks}


def after_a_walk(place: Point = (0.5, 0.5), patience_s: float = 2.0) -> Succession:
    """Track 1 walked 0.1 to the right within a second, up to ``place``, and was last seen at 1.0 s."""
    succession = Succession(patience_s)
    for step, there in enumerate(between((place[0] - 0.1, place[1]), place, 10)):
        assert succession.update(seen(at(there)), step / 10) == {}
    return succession


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.52, 0.5), (0.6, 0.5), (0.5, 0.58)])
def test_a_new_track_where_a_lost_one_stopped_or_would_have_gone_continues_it(place: Point) -> None:
    assert after_a_walk().update(seen(at(place, track_id=2)), 2.0) == {2: 1}


@pytest.mark.parametrize("place", [(0.35, 0.5), (0.8, 0.5), (0.5, 0.9)])
def test_a_new_track_elsewhere_is_another_object(place: Point) -> None:
    assert after_a_walk().update(seen(at(place, track_id=2)), 2.0) == {}


def test_a_track_that_is_still_there_has_no_successor() -> None:
    assert after_a_walk().update(seen(at((0.5, 0.5)), at((0.51, 0.5), track_id=2)), 1.1) == {}


def test_a_track_lost_for_longer_than_the_patience_has_no_successor() -> None:
    assert after_a_walk(patience_s=0.5).update(seen(at((0.5, 0.5), track_id=2)), 1.6) == {}


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_box_of_quite_another_size_is_another_object(factor: float) -> None:
    newcomer = at((0.5, 0.5), track_id=2, width=WIDTH * factor, height=HEIGHT * factor)
    assert after_a_walk().update(seen(newcomer), 1.2) == {}


def test_a_lost_track_has_one_successor_the_nearest() -> None:
    newcomers = [at((0.53, 0.5), track_id=2), at((0.51, 0.5), track_id=3)]
    assert after_a_walk().update(seen(*newcomers), 1.1) == {3: 1}


def test_two_lost_tracks_are_continued_by_the_nearer_ones() -> None:
    succession = Succession(2.0)
    succession.update(seen(at((0.4, 0.5)), at((0.44, 0.5), track_id=2)), 0.0)
    newcomers = [at((0.43, 0.5), track_id=3), at((0.41, 0.5), track_id=4)]
    assert succession.update(seen(*newcomers), 0.5) == {3: 2, 4: 1}


def test_a_successor_has_successors_of_its_own() -> None:
    succession = after_a_walk()
    assert succession.update(seen(at((0.5, 0.5), track_id=2)), 1.2) == {2: 1}
    assert succession.update(seen(at((0.5, 0.5), track_id=3)), 1.4) == {3: 2}


class Knowing:
    """What a rule knows of objects, and how it learns of successors."""

    def __init__(self, patience_s: float = 2.0) -> None:
        self.known: dict[int, str] = {}
        self.handover = Handover(patience_s)

    def see(self, tick: Tick) -> None:
        self.handover.update(self.known, tick)


def frame(captured_at: float, *tracks: Track) -> Tick:
    return Tick(captured_at=captured_at, tracks=tracks)


def test_what_is_known_of_a_lost_track_becomes_its_successors() -> None:
    rule = Knowing()
    rule.see(frame(0.0, at((0.5, 0.5))))
    rule.known = {1: "walker", 9: "another"}
    rule.see(frame(0.2, at((0.5, 0.5), track_id=2)))
    assert rule.known == {2: "walker", 9: "another"}


def test_a_track_that_comes_back_keeps_its_own_past() -> None:
    rule = Knowing()
    rule.see(frame(0.0, at((0.5, 0.5))))
    rule.known = {1: "walker", 2: "its own"}
    rule.see(frame(0.2, at((0.5, 0.5), track_id=2)))
    assert rule.known[2] == "its own"


def test_rules_that_see_the_same_frames_learn_the_same() -> None:
    rules = [Knowing(), Knowing(), Knowing(patience_s=0.1)]
    for tick in (frame(0.0, at((0.5, 0.5))), frame(0.2, at((0.5, 0.5), track_id=2))):
        for rule in rules:
            rule.known.setdefault(1, "walker")
            rule.see(tick)
    assert [sorted(rule.known) for rule in rules] == [[2], [2], [1]]


def test_a_rule_that_begins_later_learns_of_what_it_saw_itself() -> None:
    early, late = Knowing(), Knowing()
    early.see(frame(0.0, at((0.5, 0.5))))
    early.known, late.known = {1: "walker"}, {1: "walker"}
    both = frame(0.2, at((0.5, 0.5), track_id=2))
    early.see(both)
    late.see(both)
    assert (early.known, late.known) == ({2: "walker"}, {1: "walker"})
