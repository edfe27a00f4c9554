from __future__ import annotations

import pickle

import pytest

from core.values import value


@value
class Place:
    across: float
    down: float = 0.5


def test_values_are_equal_by_what_they_say_and_can_be_looked_up() -> None:
    assert Place(across=0.1) == Place(0.1, 0.5) != Place(0.2)
    assert {Place(0.1): "here"}[Place(across=0.1, down=0.5)] == "here"


def test_a_value_takes_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        Place(0.1).depth = 1.0  # type: ignore[attr-defined]


def test_a_value_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Place(0.1))) == Place(0.1)
