from __future__ import annotations

import numpy as np
import pytest

from analytics.rules.falls.backdrop import Backdrop, View, covered, window
from core.types import Box, Picture
from tests.analytics.rules.pictures import Still
from tests.analytics.rules.rooms import box, room

pytestmark = pytest.mark.slow

EVERYWHERE = (slice(None), slice(None))
THING = box(0.4, 0.6, 0.6, 0.8)


def after(
    backdrop: Backdrop, pictures: int, picture: Picture, people: tuple[Box, ...] = (), start: float = 0.0
) -> View:
    """Shows the backdrop the same picture again and again; how it saw the last one."""
    views = [backdrop.look(Still(picture), start + number / 8, people, ()) for number in range(pictures)]
    return views[-1]


def with_thing() -> Picture:
    picture = room()
    picture[window(THING, picture.shape)] = (40, 45, 70)
    return picture


def share_new(backdrop: Backdrop, now: View, before: View) -> float:
    return float(backdrop.new(now, before, EVERYWHERE)[window(THING, now.people.shape)].mean())


def test_what_comes_is_new_and_the_rest_is_not() -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, room())
    now = backdrop.look(Still(with_thing()), 2.6, (), ())
    new = backdrop.new(now, before, EVERYWHERE)
    assert share_new(backdrop, now, before) > 0.9
    assert new.mean() < 1.3 * covered([THING], new.shape, 0.0).mean()


def test_what_was_there_already_is_not_new() -> None:
    backdrop = Backdrop()
    after(backdrop, 20, room())
    before = backdrop.look(Still(with_thing()), 2.6, (), ())
    now = backdrop.look(Still(with_thing()), 2.8, (), ())
    assert share_new(backdrop, now, before) == 0.0


def test_the_place_that_a_person_uncovers_is_not_new() -> None:
    backdrop = Backdrop()
    after(backdrop, 20, room())
    before = backdrop.look(Still(with_thing()), 2.6, [THING], ())
    now = backdrop.look(Still(room()), 2.8, (), ())
    assert share_new(backdrop, now, before) == 0.0


def test_where_somebody_was_from_the_beginning_nobody_can_tell() -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, with_thing(), (THING,))
    now = backdrop.look(Still(room()), 2.6, (), ())
    assert share_new(backdrop, now, before) == 0.0


def test_one_who_was_there_before_the_tracker_knew_is_not_learned() -> None:
    backdrop = Backdrop()
    after(backdrop, 3, with_thing())
    after(backdrop, 10, with_thing(), (THING,), start=0.4)
    before = after(backdrop, 10, room(), start=1.7)
    now = backdrop.look(Still(with_thing()), 3.0, (), ())
    assert share_new(backdrop, now, before) > 0.9


@pytest.mark.parametrize("light", [0.7, 0.85, 1.15])
def test_more_or_less_light_is_nothing_new(light: float) -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, room())
    picture = np.clip(room() * light, 0, 255).astype(np.uint8)
    now = backdrop.look(Still(picture), 2.6, (), ())
    assert backdrop.new(now, before, EVERYWHERE).mean() < 0.02


def test_a_shadow_is_nothing_new() -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, room())
    picture = room()
    where = window(THING, picture.shape)
    picture[where] = (picture[where] * 0.7).astype(np.uint8)
    assert share_new(backdrop, backdrop.look(Still(picture), 2.6, (), ()), before) < 0.05


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (-1, -1)])
def test_a_camera_that_shakes_shows_nothing_new(shift: tuple[int, int]) -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, with_thing())
    picture = np.roll(with_thing(), shift, axis=(0, 1))
    now = backdrop.look(Still(picture), 2.6, (), ())
    assert backdrop.new(now, before, EVERYWHERE)[5:-5, 5:-5].mean() < 0.005


def test_a_place_that_is_kept_is_not_learned_however_long() -> None:
    backdrop = Backdrop()
    before = after(backdrop, 20, room())
    now = before
    for number in range(400):
        now = backdrop.look(Still(with_thing()), 3.0 + number / 8, (), [THING])
    assert share_new(backdrop, now, before) > 0.9


@pytest.mark.parametrize(("colour", "is_it"), [((40, 45, 70), True), ((150, 120, 90), False), ((142, 114, 85), False)])
def test_only_a_colour_that_the_place_has_nowhere_near_is_foreign(colour: tuple[int, int, int], is_it: bool) -> None:
    backdrop = Backdrop()
    after(backdrop, 20, room())
    picture = room()
    where = window(THING, picture.shape)
    picture[where] = colour
    now = backdrop.look(Still(picture), 2.6, (), ())
    inside = window(THING, now.people.shape)
    assert bool(backdrop.foreign(now, inside, 12.0)[2:-2, 2:-2].mean() > 0.5) is is_it


def test_a_picture_of_another_size_begins_anew() -> None:
    backdrop = Backdrop()
    after(backdrop, 20, room())
    now = backdrop.look(Still(room()[:, :160]), 3.0, (), ())
    assert not backdrop.new(now, now, EVERYWHERE).any()
