from __future__ import annotations

import numpy as np
import pytest

from analytics.rules.abandoned.appearance import appearance_of, is_light
from analytics.rules.abandoned.patches import patches_in
from analytics.rules.abandoned.standing_changes import Changes, Mask, StandingChanges
from core.types import Picture
from tests.analytics.rules.leftover_scenes import HIGH, WIDE, texture

GROUND = texture(1, WIDE, HIGH, (125, 120, 112))
NOBODY: Mask = np.zeros((HIGH, WIDE), np.bool_)
WHERE = (slice(100, 120), slice(150, 170))


def with_thing(tone: tuple[int, int, int] = (150, 40, 40)) -> Picture:
    picture = GROUND.copy()
    picture[WHERE] = texture(9, 20, 20, tone, 14.0)
    return picture


def show(model: StandingChanges, picture: Picture, begin: float, seconds: float, people: Mask = NOBODY) -> Changes:
    steps = round(seconds * 8)
    return [model.update(picture, begin + step / 8, people) for step in range(steps)][-1]


def test_what_comes_and_stays_stands_after_less_than_a_second() -> None:
    model = StandingChanges()
    assert not show(model, GROUND, 0.0, 2.0).standing.any()
    changes = show(model, with_thing(), 2.0, 1.0)
    assert changes.standing[WHERE].mean() > 0.8
    assert changes.standing.sum() <= 22 * 22
    (patch,) = patches_in(changes)
    assert patch.since == pytest.approx(2.0, abs=0.3)
    assert patch.rest_at == pytest.approx(1.9, abs=0.3)


def test_what_is_behind_people_is_not_judged() -> None:
    model = StandingChanges()
    show(model, GROUND, 0.0, 2.0)
    people = NOBODY.copy()
    people[90:130, 140:180] = True
    assert not show(model, with_thing(), 2.0, 3.0, people).standing.any()


def test_who_stood_there_from_the_beginning_leaves_no_ghost() -> None:
    model = StandingChanges()
    people = NOBODY.copy()
    people[90:130, 140:180] = True
    show(model, with_thing(), 0.0, 2.0, people)
    assert not show(model, GROUND, 2.0, 3.0).standing.any()


def test_what_is_absorbed_is_part_of_the_scene() -> None:
    model = StandingChanges()
    show(model, GROUND, 0.0, 2.0)
    changes = show(model, with_thing(), 2.0, 1.0)
    model.absorb(changes.standing.copy())
    assert not show(model, with_thing(), 3.0, 1.0).standing[105:115, 155:165].any()


def test_another_view_begins_anew() -> None:
    model = StandingChanges()
    show(model, GROUND, 0.0, 2.0)
    before = model.restarts
    changes = show(model, texture(77, WIDE, HIGH, (60, 90, 160)), 2.0, 3.0)
    assert model.restarts > before
    assert not changes.standing.any()


def test_a_thing_is_told_from_a_shadow() -> None:
    where = NOBODY.copy()
    where[102:118, 152:168] = True
    dark = GROUND.copy()
    dark[92:128, 142:178] = (dark[92:128, 142:178] * 0.6).astype(np.uint8)
    assert is_light(dark, GROUND, where)[where].mean() > 0.9
    assert is_light(with_thing(), GROUND, where)[where].mean() < 0.2


@pytest.mark.parametrize(("before", "after", "sign"), [(GROUND, with_thing(), 1), (with_thing(), GROUND, -1)])
def test_what_is_put_there_is_told_from_what_is_taken_away(before: Picture, after: Picture, sign: int) -> None:
    model = StandingChanges()
    show(model, before, 0.0, 2.0)
    changes = show(model, after, 2.0, 1.0)
    (patch,) = patches_in(changes)
    look = appearance_of(changes, patch.mask, patch.rest_at)
    assert (look.outline + look.novelty) * sign > 0.2
