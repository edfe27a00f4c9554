"""Frames without a codec."""

from __future__ import annotations

import av
import numpy as np

from analytics.decode.frame import DecodedFrame
from core.types import Picture
from tests.analytics.scenes import spot_at


def frame_of(picture: Picture, captured_at: float = 0.0) -> DecodedFrame:
    return DecodedFrame(picture=av.VideoFrame.from_ndarray(picture, format="rgb24"), captured_at=captured_at)


def scene_frame(captured_at: float, *places: tuple[float, float]) -> DecodedFrame:
    """A person at each place."""
    picture = np.full((240, 320, 3), 60, np.uint8)
    for x, y in places:
        spot_at(picture, x, y)
    return frame_of(picture, captured_at)
