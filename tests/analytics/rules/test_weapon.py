from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from analytics.rules.weapon import LABELS, Weapon, WeaponSettings
from analytics.track.tracker import Tracker
from core.contracts import Detector
from core.types import Box, Detection, Occurrence, Picture, Tick, Track
from tests.analytics.rules.walks import at, watch

ZONE = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.95), (0.1, 0.95))
BEARER = at((0.5, 0.8), width=0.1, height=0.4)
HAND = (0.57, 0.62)
Frames = list[list[Track]]


def rule(**more: Any) -> Weapon:
    return Weapon(WeaponSettings.model_validate({"id": "shop", "type": "weapon", "zone": ZONE, **more}))


def weapon(place: tuple[float, float] = HAND, label: str = "pistol", track_id: int = 9) -> Track:
    return at(place, track_id=track_id, label=label, width=0.03, height=0.03)


def held(seconds: float, *tracks: Track) -> Frames:
    return [list(tracks) for _ in range(round(seconds * 10))]


@pytest.mark.parametrize("label", sorted(LABELS["firearm"]))
def test_a_weapon_in_a_hand_is_reported_once_with_its_holder(label: str) -> None:
    (found,) = watch(rule(), held(20.0, BEARER, weapon(label=label)), start=100.0)
    assert [track.label for track in found.tracks] == [label, "person"]
    assert found.captured_at == pytest.approx(100.4)
    assert found.started_at == pytest.approx(100.0)


@pytest.mark.parametrize("interval_s", [0.067, 0.1, 0.125, 0.5])
def test_few_pictures_a_second_are_enough_and_many_prove_no_more(interval_s: float) -> None:
    (found,) = watch(rule(), [[BEARER, weapon()]] * 40, interval_s=interval_s)
    assert found.captured_at >= max(0.4, 3 * interval_s) - 1e-6


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(held(0.3, BEARER, weapon()), id="for a moment"),
        pytest.param([*held(0.1, BEARER, weapon()), *held(1.5, BEARER)] * 8, id="now and then"),
        pytest.param(held(5.0, weapon()), id="without a person"),
        pytest.param(held(5.0, BEARER, weapon((0.8, 0.62))), id="far from the person"),
        pytest.param(held(5.0, BEARER, weapon(label="cell phone")), id="something else in the hand"),
        pytest.param(held(5.0, BEARER, weapon(label="knife")), id="a knife"),
        pytest.param(held(5.0, at((0.05, 0.8)), weapon((0.05, 0.7))), id="outside of the zone"),
        pytest.param(
            held(5.0, BEARER, at(HAND, track_id=9, label="pistol", is_measured=False)), id="predicted, not seen"
        ),
    ],
)
def test_anything_less_is_silent(frames: Frames) -> None:
    assert watch(rule(), frames) == []


def test_a_knife_is_reported_where_asked_for() -> None:
    assert len(watch(rule(kinds=["knife"]), held(5.0, BEARER, weapon(label="knife")))) == 1


def test_a_weapon_whose_track_breaks_is_one_weapon() -> None:
    frames = [[BEARER, weapon(track_id=10 + number // 2)] for number in range(100)]
    assert len(watch(rule(), frames)) == 1


def test_a_holder_whose_track_breaks_is_one_holder() -> None:
    again = at((0.51, 0.8), track_id=2, width=0.1, height=0.4)
    assert len(watch(rule(), [*held(2.0, BEARER, weapon()), *held(2.0, again, weapon())])) == 1


def test_a_second_holder_is_reported_too() -> None:
    other = at((0.2, 0.8), track_id=2, width=0.1, height=0.4)
    assert len(watch(rule(), held(5.0, BEARER, weapon(), other, weapon((0.2, 0.6), track_id=8)))) == 2


def test_one_who_shows_it_again_much_later_is_reported_again() -> None:
    frames = [*held(2.0, BEARER, weapon()), *held(11.0, BEARER), *held(2.0, BEARER, weapon())]
    assert len(watch(rule(), frames)) == 2


class StandIn(Detector):
    """A model with a class for pistols: it sees a bearer, and what he holds."""

    def __init__(self, held_label: str) -> None:
        self._held_label = held_label

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({"person", self._held_label})

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        hand = Box(left=0.56, top=0.6, right=0.6, bottom=0.64)
        return [
            [
                Detection(label="person", score=0.8, box=BEARER.box),
                Detection(label=self._held_label, score=0.5, box=hand),
            ]
            for _ in pictures
        ]


def through_the_tracker(detector: Detector, pictures: Iterable[Picture]) -> list[Occurrence]:
    tracker, one = Tracker(), rule()
    found: list[Occurrence] = []
    for number, picture in enumerate(pictures):
        (detections,) = detector.detect([picture])
        tracks = tracker.update(detections, number / 8)
        found += one.update(Tick(captured_at=number / 8, tracks=tracks))
    return found


@pytest.mark.parametrize(("label", "alerts"), [("pistol", 1), ("handbag", 0)])
def test_with_a_model_that_names_the_class_the_whole_way_works(label: str, alerts: int) -> None:
    pictures = [np.zeros((36, 64, 3), np.uint8)] * 40
    assert len(through_the_tracker(StandIn(label), pictures)) == alerts


@pytest.mark.parametrize("wrong", [{"kinds": []}, {"kinds": ["spoon"]}, {"classes": ["person"]}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**wrong)


class Looks:
    """Sees a weapon in some people's hands only when it looks closer; notes where it looked."""

    def __init__(self, *armed: Track, score: float = 0.6, labels: frozenset[str] = frozenset({"pistol"})) -> None:
        self.labels = labels
        self.parts: list[Box] = []
        self._hands = [one.box.centre for one in armed]
        self._score = score

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        self.parts += parts
        return [
            Detection(label="pistol", score=self._score, box=Box(left=x - 0.01, top=y - 0.01, right=x, bottom=y))
            for part in parts
            for x, y in self._hands
            if part.left < x < part.right and part.top < y < part.bottom
        ]


def look_on(one: Weapon, looks: Looks, *people: Track, seconds: float = 5.0) -> list[Occurrence]:
    ticks = [Tick(captured_at=number / 8, tracks=people, closer=looks) for number in range(round(seconds * 8))]
    return [found for tick in ticks for found in one.update(tick)]


def test_a_weapon_too_small_for_the_whole_picture_is_found_in_the_hands() -> None:
    (found,) = look_on(rule(), Looks(BEARER), BEARER)
    assert found.tracks == (BEARER,)
    assert found.details == {"weapon": "pistol", "score": 0.6}


def test_everybody_is_looked_at_in_turn_and_the_armed_one_is_found() -> None:
    others = [at((0.15 + 0.08 * number, 0.5), track_id=20 + number) for number in range(5)]
    assert len(look_on(rule(), Looks(BEARER), BEARER, *others)) == 1


def test_hands_are_looked_at_four_times_a_second_while_nobody_is_suspected() -> None:
    looks = Looks()
    assert look_on(rule(), looks, BEARER, seconds=5.0) == []
    assert len(looks.parts) == 20
    assert all(0.0 <= part.left < part.right <= 1.0 and 0.0 <= part.top < part.bottom <= 1.0 for part in looks.parts)


@pytest.mark.parametrize(
    ("looks", "people"),
    [
        pytest.param(Looks(BEARER, labels=frozenset({"person"})), [BEARER], id="no class for it"),
        pytest.param(Looks(), [at((0.05, 0.5))], id="nobody in the zone"),
        pytest.param(Looks(), [at((0.5, 0.9), width=0.6, height=0.85)], id="seen well enough in the whole"),
    ],
)
def test_no_look_is_taken_that_is_not_worth_it(looks: Looks, people: list[Track]) -> None:
    assert look_on(rule(), looks, *people) == []
    assert looks.parts == []


@pytest.mark.parametrize(("score", "settings"), [(0.3, {}), (0.6, {"min_confidence": 0.7})])
def test_what_a_closer_look_is_unsure_of_does_not_count(score: float, settings: dict[str, Any]) -> None:
    assert look_on(rule(**settings), Looks(BEARER, score=score), BEARER) == []
