from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from analytics.rules.person_down import PersonDown, PersonDownSettings
from core.types import Box, Occurrence, Tick
from tests.analytics.rules.rooms import HEIGHT, INTERVAL_S, WIDTH, Shown, box, person, room, watch_room
from tests.analytics.rules.walks import at

pytestmark = pytest.mark.slow

FLOOR = ((0.0, 0.6), (1.0, 0.6), (1.0, 1.0), (0.0, 1.0))
DARK = (40, 45, 70)
SHADOW = (105, 84, 63)
"""The floor in 0.7 of its light."""
STANDS = box(0.42, 0.2, 0.54, 0.75)
LIES = box(0.45, 0.7, 0.85, 0.82)
SQUATS = box(0.4, 0.47, 0.58, 0.75)
Story = Sequence[Shown]


def rule(**more: Any) -> PersonDown:
    settings = {"id": "floor", "type": "person_down", "zone": FLOOR, "down_s": 2.0, **more}
    return PersonDown(PersonDownSettings.model_validate(settings))


def during(seconds: float, *things: Box, seen: Sequence[Box] = (), score: float = 0.8, light: float = 1.0) -> Story:
    """Things are in the room; the detector shows a person at each of ``seen``."""
    tracks = tuple(person(where, number + 1, score=score) for number, where in enumerate(seen))
    shown = Shown(painted=tuple((thing, DARK) for thing in things), tracks=tracks, light=light)
    return [shown] * round(seconds / INTERVAL_S)


def comes_and_stands(seconds: float = 2.0) -> Story:
    steps = [Box(left=STANDS.left - way, top=0.2, right=STANDS.right - way, bottom=0.75) for way in (0.3, 0.2, 0.1)]
    come = [shown for place in steps for shown in during(0.5, place, seen=[place])]
    return [*during(2.0), *come, *during(seconds, STANDS, seen=[STANDS])]


def lies(seconds: float = 5.0, where: Box = LIES, **more: Any) -> Story:
    return during(seconds, where, **more)


@pytest.mark.parametrize("mirrored", [False, True])
def test_one_who_falls_and_is_not_detected_any_more_is_reported_once(mirrored: bool) -> None:
    (found,) = watch_room(rule(), [*comes_and_stands(), *lies(12.0)], mirrored=mirrored)
    assert found.captured_at - found.started_at == pytest.approx(2.0, abs=INTERVAL_S)
    assert found.started_at == pytest.approx(5.5, abs=0.6)
    expected = 1 - LIES.centre[0] if mirrored else LIES.centre[0]
    assert found.tracks[0].box.centre == pytest.approx((expected, LIES.centre[1]), abs=0.08)


def test_one_whom_the_detector_sees_lying_is_reported_where_his_clothes_have_the_colour_of_the_floor() -> None:
    story = [*comes_and_stands(), *during(5.0, seen=[LIES], score=0.2)]
    assert len(watch_room(rule(), story)) == 1


@pytest.mark.parametrize(("longer", "alerts"), [(1.2, 0), (1.8, 1)])
def test_a_low_box_that_is_nearly_square_may_be_people_close_together(longer: float, alerts: int) -> None:
    low = box(0.45, 0.62, 0.45 + longer * 0.14 * HEIGHT / WIDTH, 0.76)
    story = [*comes_and_stands(), *during(5.0, seen=[low], score=0.2)]
    assert len(watch_room(rule(), story)) == alerts


def test_one_who_lies_in_dim_light_is_reported() -> None:
    story = [*comes_and_stands(), *lies()]
    dimmed = [Shown(painted=shown.painted, tracks=shown.tracks, light=0.6) for shown in story]
    assert len(watch_room(rule(), dimmed)) == 1


def test_one_who_gets_up_in_time_is_not_reported() -> None:
    story = [*comes_and_stands(), *lies(1.5), *during(4.0, STANDS, seen=[STANDS])]
    assert watch_room(rule(), story) == []


def test_one_who_gets_up_and_falls_again_elsewhere_is_reported_again() -> None:
    aside, there = box(0.12, 0.2, 0.24, 0.75), box(0.0, 0.72, 0.4, 0.84)
    story = [*comes_and_stands(), *lies(4.0), *during(2.0, aside, seen=[aside]), *lies(4.0, there)]
    assert len(watch_room(rule(), story)) == 2


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(during(6.0), id="leaves unseen"),
        pytest.param(during(6.0, STANDS), id="stands there undetected"),
        pytest.param(during(6.0, SQUATS, seen=[SQUATS]), id="squats"),
        pytest.param(during(6.0, box(0.4, 0.35, 0.56, 0.75)), id="sits undetected"),
        pytest.param(during(6.0, box(0.42, 0.3, 0.7, 0.75)), id="bends undetected"),
        pytest.param(during(6.0, box(0.3, 0.4, 0.7, 0.52)), id="lies on a bed outside of the zone"),
        pytest.param(during(6.0, box(0.5, 0.7, 0.56, 0.75)), id="leaves a bag"),
        pytest.param([Shown(painted=((LIES, SHADOW),))] * 48, id="leaves a shadow on the floor"),
        pytest.param(during(6.0, light=0.6), id="switches the light off"),
    ],
)
def test_one_who_does_anything_else_is_not_reported(then: Story) -> None:
    assert watch_room(rule(), [*comes_and_stands(), *then]) == []


def test_what_lay_there_before_is_no_body() -> None:
    before = [Shown(painted=(*shown.painted, (LIES, DARK)), tracks=shown.tracks) for shown in comes_and_stands()]
    assert watch_room(rule(), [*before, *lies()]) == []


def test_one_who_was_never_upright_is_not_reported() -> None:
    assert watch_room(rule(), [*during(2.0), *lies(8.0, seen=[LIES])]) == []


def test_a_body_on_which_somebody_else_stands_is_undecided() -> None:
    other = person(box(0.55, 0.25, 0.67, 0.8), 2)
    story = [Shown(painted=shown.painted, tracks=(*shown.tracks, other)) for shown in [*comes_and_stands(), *lies()]]
    assert watch_room(rule(), story) == []


def test_a_body_that_appears_long_after_the_person_was_lost_is_somebody_elses() -> None:
    assert watch_room(rule(), [*comes_and_stands(), *during(5.0), *lies()]) == []


def test_a_second_box_of_one_who_stands_does_not_fall() -> None:
    part = person(box(0.42, 0.2, 0.54, 0.5), 2, first_seen=5.0)
    twice = [Shown(painted=shown.painted, tracks=(*shown.tracks, part)) for shown in during(2.0, STANDS, seen=[STANDS])]
    story = [*comes_and_stands(), *twice, *during(5.0, STANDS, LIES, seen=[STANDS])]
    assert watch_room(rule(), story) == []


def among(story: Story, others: int) -> Story:
    """So many others stand at the wall until the person falls, and are lost then."""
    places = [box(0.02 + 0.09 * number, 0.05, 0.08 + 0.09 * number, 0.3) for number in range(others)]
    company = tuple(person(where, 10 + number) for number, where in enumerate(places))
    return [Shown(painted=shown.painted, tracks=(*shown.tracks, *company)) for shown in story]


@pytest.mark.parametrize(("others", "alerts"), [(3, 1), (5, 0)])
def test_where_many_are_lost_at_once_a_new_thing_on_the_floor_is_nobodys_body(others: int, alerts: int) -> None:
    assert len(watch_room(rule(), [*among(comes_and_stands(), others), *lies()])) == alerts


def test_where_many_are_lost_at_once_one_who_is_seen_to_lie_still_counts() -> None:
    story = [*among(comes_and_stands(), 6), *during(5.0, seen=[LIES], score=0.2)]
    assert len(watch_room(rule(), story)) == 1


@pytest.mark.parametrize(("scale", "alerts"), [(0.4, 1), (0.1, 0)])
def test_of_one_who_is_a_few_pixels_high_no_body_is_told(scale: float, alerts: int) -> None:
    def far(where: Box) -> Box:
        left, top = 0.4 + scale * (where.left - 0.4), 0.7 + scale * (where.top - 0.5)
        return box(left, top, left + scale * where.width, top + scale * where.height)

    story = [
        Shown(
            painted=tuple((far(where), colour) for where, colour in shown.painted),
            tracks=tuple(replace(track, box=far(track.box)) for track in shown.tracks),
        )
        for shown in [*comes_and_stands(), *lies()]
    ]
    assert len(watch_room(rule(), story)) == alerts


def test_without_pictures_nothing_is_decided() -> None:
    one = rule()
    found: list[Occurrence] = []
    for number in range(60):
        found += one.update(Tick(captured_at=number / 8, tracks=(at((0.5, 0.8)),)))
    assert found == []


def test_the_room_is_what_the_stories_say() -> None:
    assert room()[0, 0].tolist() == [190, 195, 200]


@pytest.mark.parametrize("wrong", [{"down_s": -1}, {"zone": ((0.0, 0.0), (1.0, 1.0))}, {"classes": ["person"]}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**wrong)
