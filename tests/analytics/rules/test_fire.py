"""Fires and what is taken for fires, painted, and tracks of a model that names them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from analytics.rules.fire import Fire, FireSettings
from core.types import Box, Tick, Track
from tests.analytics.rules import lights
from tests.analytics.rules.painted_fires import Burning, Scene, room, shown, smoking, watched
from tests.analytics.rules.pictures import Still

pytestmark = pytest.mark.slow

WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
RIGHT = ((0.7, 0.0), (1.0, 0.0), (1.0, 1.0), (0.7, 1.0))
FIRE_AT = 2.0
IN_THE_MIDDLE = Box(left=0.4, top=0.4, right=0.6, bottom=0.8)


def rule(**settings: object) -> Fire:
    return Fire(FireSettings.model_validate({"id": "f", "type": "fire", "zone": WHOLE} | settings))


def named(label: str, box: Box = IN_THE_MIDDLE, *, is_measured: bool = True) -> Track:
    return Track(track_id=1, label=label, score=0.6, box=box, first_seen=0.0, is_measured=is_measured)


@pytest.mark.parametrize("width", [8, 14, 30, 60])
def test_a_fire_of_any_size_is_reported_once(width: int) -> None:
    (found,) = watched(rule(), shown(Burning(160, 140, width, from_s=FIRE_AT)))
    assert found.details["kind"] == "flame"
    assert FIRE_AT < found.started_at < found.captured_at < FIRE_AT + 8.0


@pytest.mark.parametrize("level", [25.0, 150.0])
def test_a_fire_is_found_by_night_and_by_day(level: float) -> None:
    assert len(watched(rule(kinds=("flame",)), shown(Burning(100, 150, 16, ground=room(level))))) == 1


@pytest.mark.parametrize("fps", [5.0, 12.0])
def test_a_fire_is_found_at_other_rates(fps: float) -> None:
    assert len(watched(rule(), shown(Burning(160, 140, 20), fps=fps))) == 1


def test_the_place_of_the_fire_is_told() -> None:
    (found,) = watched(rule(), shown(Burning(160, 140, 30)))
    (burning,) = found.tracks
    box = burning.box
    assert (burning.label, burning.track_id) == ("flame", -1)
    assert box.left < 0.5 < box.right
    assert box.top < 0.75 < box.bottom + 0.05
    assert box.width < 0.4


def test_a_fire_outside_the_zone_is_not_reported() -> None:
    assert not watched(rule(zone=RIGHT), shown(Burning(100, 140, 30)))


def test_flames_are_no_smoke() -> None:
    assert not watched(rule(kinds=("smoke",)), shown(Burning(160, 140, 20)))


@pytest.mark.parametrize("size", [35, 70])
def test_smoke_that_veils_the_scene_is_reported_once(size: int) -> None:
    (found,) = watched(rule(), shown(smoking(160, 120, size), seconds=13.0))
    assert found.details["kind"] == "smoke"


def test_smoke_is_no_flame() -> None:
    assert not watched(rule(kinds=("flame",)), shown(smoking(160, 120, 60)))


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(lambda: lights.rotating_beacon(1.0), id="rotating beacon, slow"),
        pytest.param(lambda: lights.rotating_beacon(2.3), id="rotating beacon, fast"),
        pytest.param(lambda: lights.rotating_beacon(1.7, level=110.0), id="rotating beacon by day"),
        pytest.param(lambda: lights.double_flash(0.73), id="stroboscope"),
        pytest.param(lambda: lights.blinking_sign(1.0), id="blinking sign"),
        pytest.param(lambda: lights.blinking_sign(0.55), id="fast blinking sign"),
        pytest.param(lights.running_lights, id="running lights"),
        pytest.param(lights.faulty_tube, id="faulty tube"),
        pytest.param(lights.sodium_lamps_warm_up, id="sodium lamps switched on"),
        pytest.param(lambda: lights.vest(25.0), id="orange vest that walks"),
        pytest.param(lambda: lights.vest(6.0, sways=1.0), id="orange vest that dawdles"),
        pytest.param(lambda: lights.vest(0.0, sways=4.0), id="orange vest that works"),
        pytest.param(lights.headlights, id="headlights by night"),
        pytest.param(lights.reflection_on_water, id="reflection on water"),
        pytest.param(lambda: lights.reflection_on_water(seed=77), id="another reflection"),
        pytest.param(lights.leaves_in_the_sun, id="autumn leaves"),
        pytest.param(lights.television, id="television"),
        pytest.param(lights.sunset, id="sunset with exposure steps"),
        pytest.param(lambda: lights.shaken(lights.warm_street(), 2.0), id="shaking camera"),
        pytest.param(lambda: lights.light_switched(60.0, 120.0), id="light switched on"),
        pytest.param(lambda: lights.light_switched(120.0, 60.0), id="light switched off"),
        pytest.param(lights.shadow, id="shadow"),
        pytest.param(lights.beam, id="searchlight"),
        pytest.param(lights.passers_by, id="people in white"),
        pytest.param(lights.defocused, id="lens out of focus"),
    ],
)
def test_what_is_taken_for_fire_is_not_reported(scene: Callable[[], Scene]) -> None:
    assert not watched(rule(), shown(scene()))


def test_a_fire_that_one_person_covers_is_clothing() -> None:
    person = named("person", Box(left=0.3, top=0.0, right=0.7, bottom=1.0))
    assert not watched(rule(), shown(Burning(160, 140, 12)), [person])


def test_a_fire_behind_a_passing_person_is_still_a_fire() -> None:
    person = named("person", Box(left=0.3, top=0.5, right=0.5, bottom=1.0))
    assert len(watched(rule(), shown(Burning(160, 140, 40)), [person])) == 1


def see(watching: Fire, tracks: tuple[Track, ...], begin: float, seconds: float) -> list[float]:
    return [
        occurrence.captured_at
        for step in range(round(seconds * 8))
        for occurrence in watching.update(Tick(captured_at=begin + step / 8, tracks=tracks))
    ]


@pytest.mark.parametrize(("label", "kind"), [("fire", "flame"), ("flame", "flame"), ("smoke", "smoke")])
def test_what_a_model_names_is_confirmed_over_two_seconds(label: str, kind: str) -> None:
    watching = rule(kinds=(kind,))
    assert see(watching, (named(label),), 0.0, 4.0) == [2.0]


def test_the_tracks_of_a_model_go_with_the_alert() -> None:
    watching = rule()
    found = [o for step in range(20) for o in watching.update(Tick(captured_at=step / 8, tracks=(named("fire"),)))]
    assert [track.label for track in found[0].tracks] == ["fire"]
    assert found[0].started_at == 0.0


@pytest.mark.parametrize(
    "track",
    [
        named("fire", is_measured=False),
        named("smoke"),
        named("person"),
        named("fire", Box(left=0.0, top=0.0, right=0.2, bottom=0.2)),
    ],
    ids=["predicted", "other kind", "other class", "outside"],
)
def test_other_tracks_of_a_model_do_not_count(track: Track) -> None:
    assert not see(rule(kinds=("flame",), zone=RIGHT if track.label == "fire" else WHOLE), (track,), 0.0, 5.0)


def test_what_a_model_names_now_and_then_is_not_confirmed() -> None:
    watching = rule()
    for step in range(80):
        tracks = (named("fire"),) if step % 3 == 0 else ()
        assert not watching.update(Tick(captured_at=step / 8, tracks=tracks))


def test_a_fire_is_reported_again_only_after_a_minute_without_it() -> None:
    watching = rule()
    assert see(watching, (named("fire"),), 0.0, 5.0) == [2.0]
    assert not see(watching, (), 5.0, 30.0)
    assert not see(watching, (named("fire"),), 35.0, 10.0)
    assert not see(watching, (), 45.0, 70.0)
    assert see(watching, (named("fire"),), 115.0, 5.0) == [117.0]


def test_a_stream_that_changes_its_size_is_looked_at_afresh() -> None:
    watching = rule()
    ticks = list(shown(Burning(160, 140, 30), seconds=4.0))
    assert not watched(watching, iter(ticks))
    for tick in ticks:
        assert tick.pixels is not None
        smaller = Still(tick.pixels.rgb(240, 180))
        assert not watching.update(Tick(captured_at=tick.captured_at + 4.0, tracks=(), pixels=smaller))


def test_settings_want_a_kind() -> None:
    with pytest.raises(ValidationError):
        rule(kinds=())
