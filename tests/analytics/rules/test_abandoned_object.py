from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from analytics.rules.abandoned import leftovers
from analytics.rules.abandoned_object import AbandonedObject, AbandonedObjectSettings
from analytics.rules.line_crossing import LineCrossingSettings
from core.types import Box, Occurrence, Tick
from tests.analytics.rules.leftover_scenes import HIGH, WIDE, Person, Scene, Thing, Way, way

pytestmark = pytest.mark.slow

PLACE = (0.5, 0.75)
OUT = (-0.06, 0.75)
AWAY_AT = 5.75
"""When the owner of ``leaves`` is a body height from the thing."""
UNATTENDED_S = 3.0


def rule(**more: Any) -> AbandonedObject:
    settings = {
        "id": "hall",
        "type": "abandoned_object",
        "zone": [[0, 0.4], [1, 0.4], [1, 1], [0, 1]],
        "unattended_s": UNATTENDED_S,
        **more,
    }
    return AbandonedObject(AbandonedObjectSettings.model_validate(settings))


def watch(scene: Scene, seconds: float = 14.0, **more: Any) -> list[Occurrence]:
    watching = rule(**more)
    return [found for tick in scene.ticks(seconds) for found in watching.update(tick)]


def leaves() -> Way:
    """Comes from the left, stands beside the place from 3 to 5 s, and goes back."""
    return way((1.0, OUT), (3.0, PLACE), (5.0, PLACE), (8.0, OUT))


def test_a_thing_whose_owner_walks_away_is_reported_once_when_he_has_been_away_long_enough() -> None:
    (found,) = watch(Scene([Person(leaves())], [Thing(3.5)]), 20.0)
    assert found.started_at - 1000.0 == pytest.approx(AWAY_AT, abs=0.8)
    assert found.captured_at == pytest.approx(found.started_at + UNATTENDED_S, abs=0.2)
    (seen,) = found.tracks
    assert seen.box.centre == pytest.approx((0.557, 0.705), abs=0.03)
    assert (seen.label, seen.track_id < 0) == ("object", True)


@pytest.mark.parametrize("shake", [1.0, 1.5])
def test_a_shaking_camera_does_not_hide_it(shake: float) -> None:
    assert len(watch(Scene([Person(leaves())], [Thing(3.5)], shake=shake))) == 1


def test_two_things_left_together_are_one_report() -> None:
    second = Thing(3.5, box=Box(left=0.6, top=0.68, right=0.64, bottom=0.75), tone=(30, 110, 50))
    assert len(watch(Scene([Person(leaves())], [Thing(3.5), second]), 18.0)) == 1


def test_a_passer_by_does_not_stop_the_time() -> None:
    passer = Person(way((5.0, (1.06, 0.9)), (9.0, (-0.06, 0.9))), track_id=2, tone=(170, 160, 60))
    (found,) = watch(Scene([Person(leaves()), passer], [Thing(3.5)]), 18.0)
    assert found.captured_at - 1000.0 == pytest.approx(AWAY_AT + UNATTENDED_S, abs=1.5)


def stays() -> Scene:
    return Scene([Person(way((1.0, OUT), (3.0, PLACE), (4.0, (0.42, 0.75)), (30.0, (0.42, 0.75))))], [Thing(3.5)])


def takes_it_again() -> Scene:
    path = way((1.0, OUT), (3.0, PLACE), (4.5, PLACE), (6.0, (0.1, 0.75)), (7.5, PLACE), (8.5, PLACE), (11.0, OUT))
    return Scene([Person(path)], [Thing(3.5, 8.0)])


def is_hidden_beside_it() -> Scene:
    """A pillar's worth of time nobody finds the owner, who then stands there under another track."""
    path = way((1.0, OUT), (3.0, PLACE), (4.0, (0.42, 0.75)), (30.0, (0.42, 0.75)))
    first = Person(path, is_found=lambda at: at < 5.0)
    again = Person(path, track_id=2, is_found=lambda at: at >= 9.0)
    return Scene([first, again], [Thing(3.5)])


def a_companion_stays() -> Scene:
    other = Person(way((1.0, (1.06, 0.75)), (3.0, (0.66, 0.75)), (30.0, (0.66, 0.75))), track_id=2)
    return Scene([Person(leaves()), other], [Thing(3.5)])


def sits_down_and_is_lost() -> Scene:
    """He becomes small and still, and the detector finds him no more."""
    comes = Person(way((1.0, OUT), (3.0, PLACE), (4.0, PLACE)))
    seated = Thing(4.0, box=Box(left=0.45, top=0.55, right=0.55, bottom=0.75), tone=(60, 70, 130))
    return Scene([comes], [seated])


def is_taken_away() -> Scene:
    """It stood there from the beginning."""
    return Scene([Person(leaves())], [Thing(-1.0, 4.0)])


def nobody_brought_it() -> Scene:
    return Scene([], [Thing(3.5)])


def somebody_passes_far_from_it() -> Scene:
    far = Person(way((1.0, (-0.06, 0.45)), (8.0, (1.06, 0.45))), tall=0.15, slim=0.04)
    return Scene([far], [Thing(3.5)])


def a_vehicle_parks() -> Scene:
    car = Person(way((3.0, (0.56, 0.76)), (30.0, (0.56, 0.76))), track_id=7, tall=0.12, slim=0.06, label="motorcycle")
    return Scene([Person(leaves()), car])


def lit_from(at: float, factor: float, where: tuple[float, float, float, float]) -> Scene:
    """A shadow or a light falls while somebody is there, and stays."""
    left, top, right, bottom = where

    def light(now: float, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        if now >= at:
            picture[round(top * HIGH) : round(bottom * HIGH), round(left * WIDE) : round(right * WIDE)] *= factor
        return picture

    return Scene([Person(leaves())], light=light)


def a_moving_light(factor: float, wide: int, high: int) -> Scene:
    """A shadow or a sunbeam, so many pixels large, creeps past the place."""

    def light(now: float, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        left, bottom = round((0.3 + 0.02 * now) * WIDE), round(0.75 * HIGH)
        picture[bottom - high : bottom, left : left + wide] *= factor
        return picture

    return Scene([Person(leaves())], light=light)


def the_exposure_changes() -> Scene:
    return Scene([Person(leaves())], light=lambda now, picture: picture * (1.0 if now < 4.0 else 1.25))


@pytest.mark.parametrize(
    "scene",
    [
        stays(),
        takes_it_again(),
        is_hidden_beside_it(),
        a_companion_stays(),
        sits_down_and_is_lost(),
        is_taken_away(),
        nobody_brought_it(),
        somebody_passes_far_from_it(),
        a_vehicle_parks(),
        lit_from(3.5, 0.6, (0.5, 0.6, 0.62, 0.8)),
        lit_from(3.5, 1.5, (0.5, 0.6, 0.62, 0.8)),
        a_moving_light(0.55, 24, 27),
        the_exposure_changes(),
    ],
    ids=[
        "the owner stays",
        "the owner takes it again",
        "the owner is hidden for a while",
        "a companion stays",
        "somebody sits down",
        "something is taken away",
        "nobody brought it",
        "people pass far away",
        "a vehicle parks",
        "a shadow falls",
        "a light is switched on",
        "a shadow moves",
        "the exposure changes",
    ],
)
def test_what_was_not_left_is_not_reported(scene: Scene) -> None:
    assert watch(scene) == []


def move(monkeypatch: pytest.MonkeyPatch, **factors: float) -> None:
    """Multiplies thresholds of what a thing looks like."""
    for name, factor in factors.items():
        monkeypatch.setattr(leftovers, name, factor * getattr(leftovers, name))


@pytest.mark.parametrize(("wide", "high"), [(10, 12), (16, 20), (44, 36)])
@pytest.mark.parametrize("factor", [0.5, 0.7, 1.3, 1.6])
def test_no_light_that_moves_is_a_thing_though_the_bounds_are_a_fifth_wider(
    factor: float, wide: int, high: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(monkeypatch, _SOLIDITY=0.8, _TEXTURE=1.2, _SPREAD=0.8)
    assert watch(a_moving_light(factor, wide, high)) == []


def test_a_thing_is_reported_though_the_bounds_are_a_fifth_narrower(monkeypatch: pytest.MonkeyPatch) -> None:
    move(monkeypatch, _SOLIDITY=1.2, _TEXTURE=0.8, _SPREAD=1.2)
    assert len(watch(Scene([Person(leaves())], [Thing(3.5)]))) == 1


def test_a_thing_outside_the_zone_is_not_reported() -> None:
    assert watch(Scene([Person(leaves())], [Thing(3.5)]), zone=[[0, 0], [0.4, 0], [0.4, 1], [0, 1]]) == []


def test_without_pictures_nothing_is_reported() -> None:
    assert rule().update(Tick(captured_at=0.0, tracks=())) == []


@pytest.mark.parametrize("wrong", [{"unattended_s": 0.5}, {"unattended_s": 1e6}, {"zone": [[0, 0], [1, 1]]}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**wrong)


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": [[0, 0], [1, 0]]})
    with pytest.raises(TypeError, match="AbandonedObjectSettings"):
        AbandonedObject(line)
