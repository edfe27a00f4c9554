"""Boxes and zones over a camera's video in Security Desk: layers of the Media SDK.

Each camera has two layers with ids of their own, as layers cannot be listed and must be found again after a restart: its
boxes, replaced with every frame, and its rules' zones and lines, drawn once. Coordinates go from the picture's top left
to the size of the drawing surface. Polygons are dotted, as calls that draw lines are not public. Unverified on a real
system: that an update replaces what a layer showed, that ``Duration`` takes boxes away when no more come, and how late
the drawing is against the video. Shapes, as ``dotnet`` takes them, in pixels of the surface:
``[rectangle, x, y, width, height, colour, line]``, ``[dot, x, y, diameter, colour]``, ``[text, text, x, y, size, colour]``.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID, uuid5

from config.model import CameraSettings
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.settings import GenetecSdkSettings
from core.types import VIGIE_NAMESPACE, Box, FrameBoxes, Point, Track

STREAM = "Vigie"
"""Name of the overlay, which the camera then has as a metadata stream."""

BOXES, ZONES = "boxes", "zones"

BOXES_DURATION_S: Final = 3.0
"""Boxes must not stay when Vigie is gone."""

_PERSON, _OTHER, _ZONE, _TEXT = "#FFFFB000", "#FF2E9BFF", "#FFFF3030", "#FFFFFFFF"
"""``#AARRGGBB``."""

_MOST_BOXES: Final = 100
_MOST_DOTS: Final = 128
_DOT_SHARE: Final = 0.006
_TEXT_SHARE: Final = 0.025
_LINE_SHARE: Final = 0.003


@dataclass(frozen=True, slots=True)
class Surface:
    """A drawing surface of that size, over a picture turned clockwise by ``rotation_deg``."""

    width: float
    height: float
    rotation_deg: int = 0

    def point(self, point: Point) -> Point:
        """Where a point of the analysed picture (normalised) lies, in pixels; points outside go to the border."""
        x, y = (min(max(value, 0.0), 1.0) for value in point)
        for _ in range(self.rotation_deg // 90):
            x, y = 1.0 - y, x
        return x * self.width, y * self.height

    def rectangle(self, box: Box) -> tuple[float, float, float, float]:
        """Left, top, width and height of a box, in pixels."""
        first, second = self.point((box.left, box.top)), self.point((box.right, box.bottom))
        left, top = (min(pair) for pair in zip(first, second, strict=True))
        return left, top, abs(first[0] - second[0]), abs(first[1] - second[1])

    @property
    def unit(self) -> float:
        """What sizes of text, lines and dots are shares of."""
        return min(self.width, self.height)


def layer_id(camera: str, layer: str) -> UUID:
    """Always the same for a camera's layer."""
    return uuid5(VIGIE_NAMESPACE, f"overlay|{camera}|{layer}")


class Overlay:
    """Draws through the bridge; sets up anew in each of its children. One thread at a time."""

    def __init__(self, settings: GenetecSdkSettings, bridge: Bridge) -> None:
        self._settings = settings
        self._bridge = bridge
        self._lock = threading.Lock()
        self._surfaces: dict[str, tuple[int, Surface]] = {}
        """By camera: in which child, and what it has there."""

    def show(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        """Draws one frame's boxes, and the zones where this child did not yet. Raises ``VmsError``."""
        with self._lock:
            surface = self._surface(camera)
            self._draw(camera, BOXES, list(box_shapes(surface, boxes.tracks)), BOXES_DURATION_S)

    def _surface(self, camera: CameraSettings) -> Surface:
        life, surface = self._surfaces.get(camera.id, (0, None))
        if surface is not None and life == self._bridge.lives:
            return surface
        wanted = self._settings.overlay_of(camera.id)
        size = self._bridge.ask(
            "open an overlay", camera=camera_guid(camera), name=STREAM, width=wanted.width, height=wanted.height
        )
        surface = Surface(size[0], size[1], wanted.rotation_deg)
        life = self._bridge.lives
        self._draw(camera, ZONES, list(zone_shapes(surface, camera)), 0.0)
        self._surfaces[camera.id] = life, surface
        return surface

    def _draw(self, camera: CameraSettings, layer: str, shapes: Sequence[Any], duration_s: float) -> None:
        guid = camera_guid(camera)
        self._bridge.ask(
            "draw",
            camera=guid,
            layer=str(layer_id(guid, layer)),
            name=f"{STREAM} {layer}",
            shapes=shapes,
            duration_s=duration_s,
        )


def box_shapes(surface: Surface, tracks: Sequence[Track]) -> Iterator[list[Any]]:
    """A rectangle per object, thinner where it is only predicted, and its class and number."""
    for track in tracks[:_MOST_BOXES]:
        left, top, width, height = surface.rectangle(track.box)
        colour = _PERSON if track.label == "person" else _OTHER
        line = max(1.0, surface.unit * _LINE_SHARE * (1.0 if track.is_measured else 0.5))
        size = surface.unit * _TEXT_SHARE
        yield ["rectangle", left, top, width, height, colour, line]
        yield ["text", f"{track.label} {track.track_id}", left, max(0.0, top - size * 1.2), size, _TEXT]


def zone_shapes(surface: Surface, camera: CameraSettings) -> Iterator[list[Any]]:
    """Dots along the zones (closed) and lines (open) of a camera's rules."""
    size = surface.unit * _DOT_SHARE
    for rule in camera.rules:
        zone, line = getattr(rule, "zone", None), getattr(rule, "line", None)
        outline = [*zone, zone[0]] if zone else list(line or ())
        for x, y in dotted([surface.point(corner) for corner in outline]):
            yield ["dot", x - size / 2, y - size / 2, size, _ZONE]


def dotted(outline: Sequence[Point]) -> list[Point]:
    """Points evenly along an open outline, its corners among them, and not too many."""
    total = sum(math.dist(*edge) for edge in pairwise(outline))
    if not total:
        return []
    points: list[Point] = [outline[0]]
    for start, end in pairwise(outline):
        count = max(1, round((_MOST_DOTS - len(outline)) * math.dist(start, end) / total))
        points += [
            (start[0] + (end[0] - start[0]) * step / count, start[1] + (end[1] - start[1]) * step / count)
            for step in range(1, count + 1)
        ]
    return points
