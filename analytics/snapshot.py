"""The picture that goes with an alert."""

from __future__ import annotations

import cv2

from core.types import Pixels

_MOST_WIDTH = 640
_QUALITY = 80


def snapshot(pixels: Pixels) -> bytes:
    """The whole picture as JPEG, at most 640 pixels wide, with nothing drawn into it."""
    width = min(pixels.width, _MOST_WIDTH)
    height = max(1, round(pixels.height * width / pixels.width))
    picture = cv2.cvtColor(pixels.rgb(width, height), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
