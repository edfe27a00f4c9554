from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.geometry import Line, SettingsPoint, Zone, polygon_area

_ZONE: TypeAdapter[tuple[SettingsPoint, ...]] = TypeAdapter(Zone)
_LINE: TypeAdapter[tuple[SettingsPoint, SettingsPoint]] = TypeAdapter(Line)

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def star_shaped(radii: list[float]) -> tuple[SettingsPoint, ...]:
    """Corners around the middle of the picture in order of their angle: never crosses itself."""
    step = 2 * math.pi / len(radii)
    return tuple(
        (0.5 + radius * math.cos(index * step), 0.5 + radius * math.sin(index * step))
        for index, radius in enumerate(radii)
    )


@given(st.lists(st.floats(0.05, 0.5), min_size=3, max_size=20))
def test_corners_in_order_around_a_point_are_a_zone(radii: list[float]) -> None:
    corners = star_shaped(radii)
    assert _ZONE.validate_python(corners) == corners


@given(st.lists(st.floats(0.05, 0.5), min_size=3, max_size=20))
def test_the_area_does_not_depend_on_the_direction_of_the_corners(radii: list[float]) -> None:
    corners = star_shaped(radii)
    assert polygon_area(corners) == pytest.approx(polygon_area(corners[::-1]))
    assert 0 < polygon_area(corners) <= 1


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        (((0, 0), (1, 1), (0, 1), (1, 0)), "crosses itself"),
        (((0, 0), (0.5, 0.5), (1, 1)), "has no area"),
        (((0, 0), (1, 1)), "at least 3"),
        (((0, 0), (1, 0), (1, 1.01)), "less than or equal to 1"),
        (((0, 0), (1, 0), (1, math.nan)), "less than or equal to 1"),
        (((0.5, 0.5),) * 65, "at most 64"),
    ],
)
def test_what_is_no_simple_polygon_of_the_picture_is_refused(corners: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _ZONE.validate_python(corners)


def test_the_whole_picture_is_a_zone() -> None:
    assert polygon_area(_ZONE.validate_python(SQUARE)) == 1.0


def test_a_line_needs_two_different_ends() -> None:
    assert _LINE.validate_python(((0, 0), (1, 1))) == ((0.0, 0.0), (1.0, 1.0))
    with pytest.raises(ValidationError, match="same point"):
        _LINE.validate_python(((0.5, 0.5), (0.5, 0.5)))
