from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from analytics.decode.frame import DecodedFrame, pixel_aspect_of
from core.types import Picture


def picture() -> Picture:
    """Left half red, right half bright grey; 101 pixels wide, so that rows are padded."""
    image = np.zeros((60, 101, 3), np.uint8)
    image[:, :50] = (200, 30, 30)
    image[:, 50:] = (190, 190, 190)
    return image


def frame(kind: str = "yuv420p") -> DecodedFrame:
    return DecodedFrame(
        picture=av.VideoFrame.from_ndarray(picture()[:, :100], format="rgb24").reformat(format=kind), captured_at=5.0
    )


def test_the_size_is_that_of_the_decoded_picture() -> None:
    assert (frame().width, frame().height) == (100, 60)


@pytest.mark.parametrize("kind", ["yuv420p", "yuvj420p", "yuv422p", "nv12", "yuv420p10le", "gray", "bgr24"])
@pytest.mark.parametrize("size", [(None, None), (50, 30), (33, 17)])
def test_luma_has_the_size_asked_for_whatever_the_format(kind: str, size: tuple[int | None, int | None]) -> None:
    gray = frame(kind).gray(*size)
    assert gray.shape == (size[1] or 60, size[0] or 100)
    assert gray.dtype == np.uint8
    assert gray[:, : gray.shape[1] // 3].mean() < gray[:, -gray.shape[1] // 3 :].mean() - 60


@pytest.mark.parametrize("size", [(None, None), (50, 30), (33, 17)])
def test_rgb_has_the_size_asked_for_and_the_right_order_of_colours(size: tuple[int | None, int | None]) -> None:
    rgb = frame().rgb(*size)
    assert rgb.shape == (size[1] or 60, size[0] or 100, 3)
    red, green, blue = rgb[:, : rgb.shape[1] // 3].reshape(-1, 3).mean(axis=0)
    assert red > 170
    assert max(green, blue) < 60


def test_rows_are_read_without_their_padding() -> None:
    odd = DecodedFrame(
        picture=av.VideoFrame.from_ndarray(picture(), format="rgb24").reformat(format="yuv444p"), captured_at=0.0
    )
    assert odd.gray().shape == (60, 101)
    assert odd.gray()[:, 60:].std() < 3


def test_a_conversion_is_done_once_and_full_luma_is_no_copy() -> None:
    shown = frame()
    assert shown.rgb(50, 30) is shown.rgb(50, 30)
    assert shown.gray() is shown.gray()
    assert not shown.gray().flags.owndata


def test_a_frame_decoded_in_one_thread_is_converted_in_another() -> None:
    shown, results = frame(), []
    thread = threading.Thread(target=lambda: results.append(shown.rgb(50, 30).shape))
    thread.start()
    thread.join(5)
    assert results == [(30, 50, 3)]


@pytest.mark.parametrize(
    ("pixel_aspect", "size"), [(1.0, (100, 60)), (16 / 11, (145, 60)), (10 / 11, (100, 66)), (2.0, (200, 60))]
)
def test_a_picture_of_stretched_pixels_has_the_size_it_is_shown_in(pixel_aspect: float, size: tuple[int, int]) -> None:
    stretched = replace(frame(), pixel_aspect=pixel_aspect)
    assert (stretched.width, stretched.height) == size
    assert stretched.rgb().shape == (size[1], size[0], 3)
    assert stretched.gray().shape == (size[1], size[0])


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(None, 1.0), (Fraction(0), 1.0), (Fraction(16, 11), 16 / 11), (Fraction(100), 1.0), (Fraction(1, 100), 1.0)],
)
def test_a_ratio_that_no_camera_has_is_not_believed(ratio: Fraction | None, expected: float) -> None:
    assert pixel_aspect_of(ratio) == expected
