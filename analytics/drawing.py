"""Draws what was watched, seen and told into a picture that people look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from config.model import RuleSettings
from core.types import Box, Picture, Point, Polygon, Track

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""

WATCHED: Colour = (250, 200, 30)
SEEN: Colour = (225, 225, 225)
ALERTED: Colour = (235, 50, 50)
ALARM: Colour = (170, 20, 20)
OBSERVED: Colour = (40, 70, 120)
"""Grounds of banners: of rules that are armed, and of those that only observe."""

_WHITE: Colour = (255, 255, 255)
_DARK: Colour = (20, 20, 20)
_FONT_SHARE, _LEAST_FONT = 1 / 28, 13
"""Letters, in shares of the picture's height, and never less pixels than a person reads."""
_LINE_SHARE = 1 / 360
_COVERS = 0.75
"""How much of the picture the ground of a text hides."""


class Canvas:
    """A picture to draw into; what lies on its lower or right edge stays visible."""

    def __init__(self, picture: Picture) -> None:
        """Draws into a copy."""
        self.picture: Picture = picture.copy()
        height = picture.shape[0]
        self._font = cv2.FontFace("sans")
        self._size = max(_LEAST_FONT, round(height * _FONT_SHARE))
        self._thin = max(1, round(height * _LINE_SHARE))
        self._top = 0
        """Above it are banners."""

    def rules(self, rules: Iterable[RuleSettings]) -> None:
        """Zones and lines with their rules' names; a dot is at a line's first point."""
        for rule in rules:
            zone: Polygon = getattr(rule, "zone", None) or ()
            line: Polygon = getattr(rule, "line", None) or ()
            if zone:
                corners = self._pixels(zone)
                cv2.polylines(self.picture, [corners], isClosed=True, color=WATCHED, thickness=2 * self._thin)
            if line:
                ends = self._pixels(line)
                cv2.polylines(self.picture, [ends], isClosed=False, color=WATCHED, thickness=2 * self._thin)
                cv2.circle(self.picture, ends[0].tolist(), 4 * self._thin, WATCHED, cv2.FILLED)
            if zone or line:
                left, top = self._pixels(zone or line).min(axis=0).tolist()
                self._label(rule.name or rule.id, (left, top), WATCHED)

    def tracks(self, tracks: Iterable[Track], alerted: Collection[int]) -> None:
        """Boxes with class and id, those of alerts in red on top; thin where the position is predicted."""
        for track in sorted(tracks, key=lambda track: track.track_id in alerted):
            is_alerted = track.track_id in alerted
            colour = ALERTED if is_alerted else SEEN
            (left, top), bottom_right = self._pixels(_diagonal(track.box)).tolist()
            width = self._thin * ((2 if is_alerted else 1) if track.is_measured else 1)
            cv2.rectangle(self.picture, (left, top), tuple(bottom_right), colour, width)
            self._label(f"{track.label} {track.track_id}", (left, top), colour)

    def banners(self, texts: Sequence[tuple[str, Colour]]) -> None:
        """Lines over the whole width from the top, each on its ground; labels that are drawn later stay below them."""
        pad = self._size // 2
        for text, ground in texts:
            bottom = self._top + self._size + 2 * pad
            self._ground((0, self._top), (self.picture.shape[1], bottom - 1), ground)
            self._text(text, (pad, bottom - pad - 1), _WHITE, self._size)
            self._top = bottom

    def corner(self, text: str) -> None:
        """A small text in the lower left corner."""
        height = self.picture.shape[0]
        pad = self._size // 3
        width = self._width(text, self._size)
        self._ground((0, height - self._size - 2 * pad), (width + 2 * pad, height), _DARK)
        self._text(text, (pad, height - pad), _WHITE, self._size)

    def _label(self, text: str, at: tuple[int, int], colour: Colour) -> None:
        """A text above a point, lower where there is no room, on a dark ground."""
        size = max(_LEAST_FONT, round(self._size * 0.75))
        height, width = self.picture.shape[:2]
        left = max(0, min(at[0], width - self._width(text, size) - 4))
        bottom = min(max(at[1], self._top + size + 4), height)
        self._ground((left, bottom - size - 4), (left + self._width(text, size) + 4, bottom), _DARK)
        self._text(text, (left + 2, bottom - 4), colour, size)

    def _ground(self, first: tuple[int, int], last: tuple[int, int], colour: Colour) -> None:
        part = self.picture[max(first[1], 0) : last[1], max(first[0], 0) : last[0]]
        part[:] = (part * (1.0 - _COVERS) + np.array(colour) * _COVERS).astype(np.uint8)

    def _text(self, text: str, at: tuple[int, int], colour: Colour, size: int) -> None:
        cv2.putText(self.picture, text, at, colour, self._font, size)

    def _width(self, text: str, size: int) -> int:
        _, _, width, _ = cv2.getTextSize((10_000, 10_000), text, (0, 0), self._font, size)
        return int(width)

    def _pixels(self, points: Sequence[Point]) -> NDArray[np.int32]:
        height, width = self.picture.shape[:2]
        return np.array([(round(x * (width - 1)), round(y * (height - 1))) for x, y in points], np.int32)


def _diagonal(box: Box) -> tuple[Point, Point]:
    return (box.left, box.top), (box.right, box.bottom)
