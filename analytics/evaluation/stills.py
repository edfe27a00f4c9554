"""Small pictures of single moments, with what was seen and what was watched drawn in."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.drawing import ALERTED, SEEN, WATCHED
from config.model import RuleSettings
from core.types import Box, Picture, Pixels, Point, Track

MOST_PIXELS = 480
"""Longest side of a still."""
_QUALITY = 75
_THIN, _THICK, _FIRST_POINT = 1, 2, 4
_FONT_SCALE = 0.4


def still(pixels: Pixels, rule: RuleSettings, tracks: Sequence[Track], alerted: frozenset[int]) -> bytes:
    """A JPEG: zone and line yellow (a dot at the line's first point), objects grey, those of the alert red.

    ``alerted``: ids of the tracks that took part in the alert.
    """
    scale = min(1.0, MOST_PIXELS / max(pixels.width, pixels.height))
    canvas = pixels.rgb(max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))).copy()
    zone, line = getattr(rule, "zone", ()), getattr(rule, "line", ())
    if zone:
        cv2.polylines(canvas, [_corners(canvas, zone)], isClosed=True, color=WATCHED, thickness=_THICK)
    if line:
        ends = _corners(canvas, line)
        cv2.polylines(canvas, [ends], isClosed=False, color=WATCHED, thickness=_THICK)
        cv2.circle(canvas, ends[0].tolist(), _FIRST_POINT, WATCHED, cv2.FILLED)
    for track in sorted(tracks, key=lambda track: track.track_id in alerted):
        _draw(canvas, track, is_alerted=track.track_id in alerted)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()


def _draw(canvas: Picture, track: Track, *, is_alerted: bool) -> None:
    (left, top), bottom_right = _corners(canvas, _diagonal(track.box)).tolist()
    colour = ALERTED if is_alerted else SEEN
    cv2.rectangle(canvas, (left, top), bottom_right, colour, _THICK if is_alerted else _THIN)
    text = f"{track.label} {track.track_id}"
    cv2.putText(canvas, text, (left, max(top - 3, 10)), cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, colour, _THIN)


def _diagonal(box: Box) -> tuple[Point, Point]:
    return (box.left, box.top), (box.right, box.bottom)


def _corners(canvas: Picture, points: Sequence[Point]) -> NDArray[np.int32]:
    """In pixels of the canvas; what lies on its lower or right edge stays visible."""
    height, width = canvas.shape[:2]
    return np.array([(round(x * (width - 1)), round(y * (height - 1))) for x, y in points], np.int32)
