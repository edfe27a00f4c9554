from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.decode.frame import DecodedFrame
from analytics.snapshot import snapshot
from tests.analytics.frames import frame_of


def read(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return picture


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (640, 360)),
        ((640, 480), (640, 480)),
        ((320, 240), (320, 240)),
        ((704, 576), (640, 524)),
        ((480, 1920), (480, 1920)),
    ],
)
def test_a_snapshot_is_at_most_640_pixels_wide_and_keeps_its_shape(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    frame: DecodedFrame = frame_of(np.full((size[1], size[0], 3), 90, np.uint8))
    assert read(snapshot(frame)).shape == (expected[1], expected[0], 3)


def test_nothing_is_drawn_into_a_snapshot_and_its_colours_are_right() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:] = (190, 40, 60)
    difference = read(snapshot(frame_of(picture))).astype(int) - picture
    assert np.abs(difference).max() < 12
