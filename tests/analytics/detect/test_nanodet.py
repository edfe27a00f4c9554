from __future__ import annotations

import pytest

from analytics.detect.nanodet import NanoDet


def test_there_are_three_levels() -> None:
    assert NanoDet.strides == (8, 16, 32)


@pytest.mark.parametrize(("stride", "offset"), [(8, 3.5), (32, 15.5)])
def test_distances_start_from_the_middle_pixel_of_the_cell(stride: int, offset: float) -> None:
    assert NanoDet.offset(stride) == offset
