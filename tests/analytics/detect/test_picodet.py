from __future__ import annotations

import pytest

from analytics.detect.picodet import PicoDet


def test_there_are_four_levels() -> None:
    assert PicoDet.strides == (8, 16, 32, 64)


@pytest.mark.parametrize(("stride", "offset"), [(8, 4.0), (64, 32.0)])
def test_distances_start_from_the_middle_of_the_cell(stride: int, offset: float) -> None:
    assert PicoDet.offset(stride) == offset
