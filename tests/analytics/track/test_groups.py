from __future__ import annotations

import pytest

from analytics.track.groups import FIRST_STILL, INDEFINITE, code_of


@pytest.mark.parametrize(
    ("one", "other", "same"), [("car", "truck", True), ("car", "person", False), ("bench", "backpack", False)]
)
def test_labels_that_may_stand_for_one_object_have_one_number(one: str, other: str, same: bool) -> None:
    assert (code_of(one) == code_of(other)) is same


@pytest.mark.parametrize(("label", "moves"), [("person", True), ("bus", True), ("bench", False), ("motorcycle", True)])
def test_what_moves_by_itself_has_the_least_numbers(label: str, moves: bool) -> None:
    assert (code_of(label) < FIRST_STILL) is moves


def test_an_object_may_be_anything_and_moves() -> None:
    assert code_of("object") == INDEFINITE < FIRST_STILL
