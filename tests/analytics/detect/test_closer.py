from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detect.closer import distinct, grid, look_closer
from core.contracts import Detector
from core.types import Box, Detection, Picture
from tests.analytics.rules.pictures import Still

WHOLE = Box(left=0.0, top=0.0, right=1.0, bottom=1.0)


class BrightSpots(Detector):
    """Sees the bounding box of what is bright in a picture as a person."""

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({"person"})

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [self._in(picture) for picture in pictures]

    def _in(self, picture: Picture) -> list[Detection]:
        rows, columns = np.nonzero(picture[..., 0] > 128)
        if not len(rows):
            return []
        height, width = picture.shape[:2]
        box = Box(
            left=float(columns.min()) / width,
            top=float(rows.min()) / height,
            right=float(columns.max() + 1) / width,
            bottom=float(rows.max() + 1) / height,
        )
        return [Detection(label="person", score=0.9, box=box)]


def spot(top: int, left: int) -> Still:
    grey = np.zeros((100, 200), np.uint8)
    grey[top : top + 10, left : left + 6] = 255
    return Still(grey)


@pytest.mark.parametrize(("top", "left"), [(40, 20), (45, 97), (0, 0), (90, 194), (20, 150)])
def test_what_lies_anywhere_is_found_once_and_in_its_place(top: int, left: int) -> None:
    (found,) = look_closer(BrightSpots(), spot(top, left), grid(WHOLE, 2, 2))
    assert found.box.left == pytest.approx(left / 200, abs=0.01)
    assert found.box.top == pytest.approx(top / 100, abs=0.01)
    assert found.box.right == pytest.approx((left + 6) / 200, abs=0.01)
    assert found.box.bottom == pytest.approx((top + 10) / 100, abs=0.01)


def test_what_the_border_of_a_part_cuts_is_left_out() -> None:
    part = Box(left=0.0, top=0.0, right=0.5, bottom=1.0)
    assert look_closer(BrightSpots(), spot(40, 97), [part]) == []


@given(st.integers(1, 5), st.integers(1, 5), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_grid_covers_every_point_of_its_area(columns: int, rows: int, x: float, y: float) -> None:
    area = Box(left=0.1, top=0.2, right=0.9, bottom=0.7)
    point = (0.1 + 0.8 * x, 0.2 + 0.5 * y)
    parts = grid(area, columns, rows)
    assert len(parts) == columns * rows
    slack = 1e-9
    assert any(
        part.left - slack <= point[0] <= part.right + slack and part.top - slack <= point[1] <= part.bottom + slack
        for part in parts
    )


def person(left: float, score: float, *, label: str = "person", height: float = 0.4) -> Detection:
    return Detection(label=label, score=score, box=Box(left=left, top=0.1, right=left + 0.1, bottom=0.1 + height))


def test_the_surest_of_the_same_object_stays() -> None:
    assert distinct([person(0.30, 0.5), person(0.31, 0.8), person(0.5, 0.4)]) == [person(0.31, 0.8), person(0.5, 0.4)]


def test_a_part_of_a_body_is_no_second_person_and_another_class_is_another_object() -> None:
    whole, head, bicycle = person(0.3, 0.8), person(0.3, 0.5, height=0.15), person(0.3, 0.7, label="bicycle")
    assert distinct([whole, head, bicycle]) == [whole, bicycle]


def test_nothing_is_nothing() -> None:
    assert distinct([]) == []
    assert look_closer(BrightSpots(), Still(np.zeros((50, 50), np.uint8)), grid(WHOLE, 3, 2)) == []
