from __future__ import annotations

import pytest

from analytics.rules.fires.places import Places
from core.types import Box


def at(left: float) -> Box:
    return Box(left=left, top=0.4, right=left + 0.1, bottom=0.5)


def confirmed(places: Places, boxes: list[list[Box]]) -> list[int]:
    return [number for number, found in enumerate(boxes) if places.see(found, number / 10)]


def test_what_stays_in_one_place_is_confirmed_after_the_hold_time() -> None:
    assert confirmed(Places(hold_s=1.0, share=0.75), [[at(0.2)]] * 12) == [10, 11]


def test_the_first_sighting_is_told() -> None:
    places = Places(hold_s=1.0, share=0.75)
    for number in range(10):
        places.see([at(0.2)], 3.0 + number / 10)
    (found,) = places.see([at(0.22)], 4.0)
    assert found.since == 3.0
    assert found.box == at(0.22)


def test_what_moves_on_is_never_confirmed() -> None:
    assert not confirmed(Places(hold_s=1.0, share=0.75), [[at(0.04 * number)] for number in range(24)])


def test_two_places_do_not_add_up() -> None:
    boxes = [[at(0.1)] if number % 2 else [at(0.8)] for number in range(40)]
    assert not confirmed(Places(hold_s=1.0, share=0.75), boxes)


@pytest.mark.parametrize(("every", "is_confirmed"), [(5, True), (3, False)])
def test_gaps_count_against_it(every: int, is_confirmed: bool) -> None:
    boxes: list[list[Box]] = [[] if number % every == 1 else [at(0.2)] for number in range(30)]
    assert bool(confirmed(Places(hold_s=1.0, share=0.75), boxes)) is is_confirmed


def test_nothing_is_found_in_nothing() -> None:
    assert not confirmed(Places(hold_s=1.0, share=0.75), [[] for _ in range(30)])
