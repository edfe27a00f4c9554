from __future__ import annotations

import pytest

from analytics.view.glance import Glance
from analytics.view.view import View
from analytics.view.watch import HOME, NOWHERE, SceneWatch
from core.types import CameraFault
from tests.analytics.view import scenery
from tests.analytics.view.scenery import ADVICE, Alter, Camera, Shown, place, seen

pytestmark = pytest.mark.slow

PLACE, OTHER = place(1), place(2)


def watching() -> Camera:
    """A camera that has shown its view for a while."""
    camera = Camera(SceneWatch((), advice=ADVICE))
    assert camera.show(seen(PLACE), 15.0) == []
    assert camera.watch.facing == HOME
    return camera


@pytest.mark.parametrize(
    "alter",
    [
        scenery.brighter,
        scenery.at_night,
        scenery.in_infrared,
        scenery.lights_out,
        scenery.shaking,
        scenery.in_rain,
        scenery.crowded,
    ],
)
def test_light_weather_shake_and_crowds_are_no_fault_and_pause_nothing(alter: Alter) -> None:
    camera = watching()
    for _ in range(40):
        assert camera.show(seen(PLACE), 0.5, alter) == []
        assert camera.watch.facing == HOME
    assert camera.show(seen(PLACE), 20.0) == []


@pytest.mark.parametrize(
    ("alter", "fault", "after_s", "over_s"),
    [
        (scenery.black, CameraFault.BLACK, 3.0, 1.0),
        (scenery.blue, CameraFault.BLACK, 3.0, 1.0),
        (scenery.covered, CameraFault.COVERED, 5.0, 2.0),
        (scenery.blurred, CameraFault.DEFOCUSED, 10.0, 3.0),
    ],
)
def test_a_picture_that_shows_nothing_is_said_once_it_lasts_and_once_it_is_over(
    alter: Alter, fault: CameraFault, after_s: float, over_s: float
) -> None:
    camera = watching()
    begun = camera.now
    (change,) = camera.show(seen(PLACE), 30.0, alter)
    assert change.fault is fault
    assert change.cause
    assert camera.delays(begun) == {fault.value: pytest.approx(after_s)}
    mended = camera.now
    (over,) = camera.show(seen(PLACE), 10.0)
    assert (over.fault, over.cause) == (fault, None)
    assert camera.changes[-1][0] - mended == pytest.approx(over_s)
    assert camera.watch.facing == HOME


@pytest.mark.parametrize("alter", [scenery.black, scenery.covered, scenery.blurred])
def test_what_is_over_at_once_is_not_said(alter: Alter) -> None:
    camera = watching()
    assert camera.show(seen(PLACE), 2.0, alter) == []
    assert camera.show(seen(PLACE), 5.0) == []


@pytest.mark.parametrize(
    ("alter", "pauses"), [(scenery.black, True), (scenery.covered, True), (scenery.blurred, False)]
)
def test_rules_pause_while_the_view_is_hidden_but_not_while_it_is_blurred(alter: Alter, pauses: bool) -> None:
    camera = watching()
    camera.show(seen(PLACE), 15.0, alter)
    assert camera.watch.facing == (NOWHERE if pauses else HOME)


def test_an_even_picture_is_called_black_only_when_it_is_dark() -> None:
    (black,), (blue,) = (watching().show(seen(PLACE), 5.0, alter) for alter in (scenery.black, scenery.blue))
    assert "the picture is black" in str(black.cause)
    assert "one even colour" in str(blue.cause)


@pytest.mark.parametrize(
    ("right", "down", "moved"), [(40, 0, "12% to the left"), (-40, 0, "12% to the right"), (0, 30, "15% up")]
)
def test_a_turned_camera_pauses_its_rules_at_once_and_is_told_with_the_way_it_turned(
    right: int, down: int, moved: str
) -> None:
    camera = watching()
    camera.show(seen(PLACE, right, down), 0.5)
    assert not camera.watch.facing.is_sure
    assert not camera.watch.facing.presets
    camera.show(seen(PLACE, right, down), 1.0)
    assert camera.watch.facing == NOWHERE
    (change,) = camera.show(seen(PLACE, right, down), 60.0)
    assert change.fault is CameraFault.VIEW_CHANGED
    assert moved in str(change.cause)
    assert str(change.cause).endswith(ADVICE)


def test_a_view_that_comes_back_is_recognised() -> None:
    camera = watching()
    camera.show(seen(OTHER), 30.0)
    (over,) = camera.show(seen(PLACE), 5.0)
    assert (over.fault, over.cause) == (CameraFault.VIEW_CHANGED, None)
    assert camera.changes[-1][0] == camera.now - 4.5
    assert camera.watch.facing == HOME


def test_something_large_that_passes_makes_rules_wait_without_forgetting() -> None:
    camera = watching()
    assert camera.show(seen(OTHER), 1.0) == []
    assert (camera.watch.facing.presets, camera.watch.facing.is_sure) == (frozenset(), False)
    assert camera.show(seen(PLACE), 0.5) == []
    assert camera.watch.facing == HOME


def test_a_frozen_picture_is_told_after_a_minute_and_over_with_the_first_change() -> None:
    camera = watching()
    begun = camera.now
    (change,) = camera.hang(seen(PLACE), 90.0)
    assert change.fault is CameraFault.FROZEN
    assert camera.delays(begun) == {"frozen": pytest.approx(60.0)}
    assert camera.watch.facing == NOWHERE
    assert [change.fault for change in camera.show(seen(PLACE), 0.5)] == [CameraFault.FROZEN]
    assert camera.watch.facing == HOME


def test_a_frozen_picture_is_told_at_once_where_key_frames_repeat_it() -> None:
    camera = watching()
    begun = camera.now
    (change,) = camera.hang(seen(PLACE), 10.0, key_every_s=2.0)
    assert change.fault is CameraFault.FROZEN
    assert camera.delays(begun) == {"frozen": pytest.approx(4.0)}


def test_a_start_in_fog_is_no_other_view() -> None:
    still = Glance.of_luma(seen(PLACE), 0.0)
    camera = Camera(SceneWatch([View(frozenset({None}), [still])], advice=ADVICE))
    assert camera.show(scenery.fog(), 20.0) == []
    assert camera.watch.facing == HOME


def test_a_start_before_another_view_than_the_known_one_pauses_its_rules() -> None:
    still = Glance.of_luma(seen(PLACE), 0.0)
    camera = Camera(SceneWatch([View(frozenset({None}), [still])], advice=ADVICE))
    camera.show(seen(OTHER), 2.0)
    assert camera.watch.facing == NOWHERE


def test_a_clock_in_an_otherwise_resting_picture_is_not_frozen() -> None:
    camera = watching()
    for second in range(120):
        luma = seen(PLACE)
        luma[10:16, 10 : 12 + second % 10] = 255
        assert camera.hang(luma, 1.0) == []


def test_a_slow_change_of_light_is_followed() -> None:
    camera = watching()
    for step in range(80):
        shade = 1.0 - 0.01 * step
        assert camera.show((seen(PLACE) * shade).astype("uint8"), 1.0) == []
    assert camera.watch.facing == HOME


def test_a_bare_wall_before_which_somebody_walks_is_not_taken_for_a_turning_camera() -> None:
    camera = Camera(SceneWatch((), advice=ADVICE))
    for step in range(80):
        luma = seen(PLACE)
        luma[:] = 120
        x = 10 + step * 3
        luma[60:130, x : x + 24] = 230
        assert camera.show(luma, 0.5) == []
        assert camera.watch.facing == HOME


def test_a_camera_that_turns_when_it_starts_learns_the_view_where_it_comes_to_rest() -> None:
    camera = Camera(SceneWatch((), advice=ADVICE))
    for step in range(12):
        assert camera.show(seen(PLACE, -60 + 10 * step), 1.0) == []
    assert camera.show(seen(PLACE, 60), 10.0) == []
    assert [change.fault for change in camera.show(seen(PLACE), 10.0)] == [CameraFault.VIEW_CHANGED]


def test_a_gap_in_the_stream_counts_for_nothing() -> None:
    camera = watching()
    camera.show(seen(PLACE), 2.0, scenery.black)
    camera.now += 60.0
    assert camera.show(seen(PLACE), 2.0, scenery.black) == []


def test_a_clock_that_is_set_back_counts_for_nothing() -> None:
    camera = watching()
    camera.show(seen(PLACE), 2.0, scenery.black)
    camera.now -= 3_600.0
    assert camera.show(seen(PLACE), 2.0, scenery.black) == []
    assert [change.fault for change in camera.show(seen(PLACE), 5.0, scenery.black)] == [CameraFault.BLACK]


def test_no_more_than_two_pictures_a_second_are_looked_at() -> None:
    watch = SceneWatch((), advice=ADVICE)
    asked: list[float] = []

    class Counting(Shown):
        def gray(self, _width: int | None = None, _height: int | None = None) -> scenery.Luma:
            asked.append(0.0)
            return self.luma

    for frame in range(80):
        watch.look(Counting(seen(PLACE)), frame / 8)
    assert len(asked) == 20


def test_a_view_known_from_before_the_start_is_not_learned_anew() -> None:
    still = Glance.of_luma(seen(PLACE), 0.0)
    camera = Camera(SceneWatch([View(frozenset({None}), [still])], advice=ADVICE))
    (change,) = camera.show(seen(OTHER), 20.0)
    assert change.fault is CameraFault.VIEW_CHANGED
    assert camera.watch.facing == NOWHERE
    camera.show(seen(PLACE), 1.0)
    assert camera.watch.facing == HOME


def test_a_camera_on_patrol_faces_the_presets_that_it_shows_and_is_at_fault_only_when_it_stays_away() -> None:
    gate, yard = (Glance.of_luma(seen(canvas), 0.0) for canvas in (PLACE, OTHER))
    views = [View(frozenset({"gate", None}), [gate]), View(frozenset({"yard"}), [yard])]
    camera = Camera(SceneWatch(views, advice=ADVICE))
    for _ in range(4):
        camera.show(seen(PLACE), 10.0)
        assert camera.watch.facing.presets == {"gate", None}
        camera.show(seen(place(3)), 3.0)
        assert camera.watch.facing == NOWHERE
        camera.show(seen(OTHER), 10.0, scenery.at_night)
        assert camera.watch.facing.presets == {"yard"}
    assert camera.changes == []
    assert [change.fault for change in camera.show(seen(place(3)), 90.0)] == [CameraFault.VIEW_CHANGED]
    assert [change.cause for change in camera.show(seen(OTHER), 5.0)] == [None]


def test_the_own_view_is_kept_once_it_is_known_and_every_ten_minutes_of_it() -> None:
    kept: list[float] = []
    camera = Camera(SceneWatch((), advice=ADVICE, keep=lambda _pixels: kept.append(camera.now - 1_000.0)))
    camera.show(seen(PLACE), 10.0)
    for _ in range(3):
        camera.now += 300.0
        camera.show(seen(PLACE), 5.0)
    camera.now += 900.0
    camera.show(seen(OTHER), 10.0)
    assert kept == [pytest.approx(4.0, abs=0.6), pytest.approx(615.0, abs=0.6)]
