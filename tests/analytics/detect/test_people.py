from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.blobs import Blob, Shape
from analytics.detect.people import Part, Person, separate

HEIGHT = 50


def expected(foot: int) -> float | None:
    """Everybody is 50 pixels high, near or far."""
    return float(HEIGHT) if foot else None


def foot_below(top: int) -> float | None:
    return float(top + HEIGHT)


SIZED = Person(expected, foot_below)


def shape(*people: tuple[int, int]) -> Shape:
    """The union of people, each a head and a body, given by left and bottom."""
    canvas = np.zeros((200, 200), bool)
    for left, bottom in people:
        canvas[bottom - HEIGHT : bottom - 40, left + 6 : left + 14] = True
        canvas[bottom - 40 : bottom, left : left + 20] = True
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    blob = Blob(
        left=int(columns[0]),
        top=int(rows[0]),
        right=int(columns[-1]) + 1,
        bottom=int(rows[-1]) + 1,
        area=int(canvas.sum()),
        labels=(1,),
    )
    return Shape(blob=blob, mask=canvas[blob.slices], edges=30.0)


def test_one_person_stays_one() -> None:
    assert separate(shape((40, 120)), SIZED) == [Part(40, 70, 60, 120)]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_people_side_by_side_are_taken_apart(count: int) -> None:
    lefts = [20 + 21 * number for number in range(count)]
    parts = sorted(separate(shape(*((left, 120) for left in lefts)), SIZED))
    assert len(parts) == count
    for left, part in zip(lefts, parts, strict=True):
        assert abs(part.left - left) <= 2
        assert abs(part.right - left - 20) <= 2
        assert (part.top, part.bottom) == (70, 120)


def test_one_behind_another_is_given_feet_of_its_own() -> None:
    parts = sorted(separate(shape((40, 120), (48, 90)), SIZED), key=lambda part: part.bottom)
    assert [(part.top, part.bottom) for part in parts] == [(40, 90), (70, 120)]
    assert [part.left for part in parts] == [48, 40]


def test_where_the_size_of_a_person_is_unknown_nothing_is_taken_apart() -> None:
    group = shape((20, 120), (41, 120))
    assert separate(group, Person(lambda _: None, lambda _: None)) == [Part(20, 70, 61, 120)]


def test_what_is_wide_without_heads_stays_whole() -> None:
    mask = np.ones((45, 120), bool)
    blob = Blob(left=10, top=60, right=130, bottom=105, area=int(mask.sum()), labels=(1,))
    assert separate(Shape(blob=blob, mask=mask, edges=30.0), SIZED) == [Part(10, 60, 130, 105)]
