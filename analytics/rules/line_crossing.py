"""``line_crossing``: an object's ground point passes through a line segment."""

from __future__ import annotations

from typing import ClassVar, Literal

from analytics.rules.classes import Classes
from analytics.rules.crossings import Crossings
from config.geometry import Line
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Occurrence, Tick


class LineCrossingSettings(RuleSettings):
    """Settings of ``line_crossing``."""

    type: Literal["line_crossing"]
    line: Line
    """First and second point. Left and right are those of one who stands at the first and looks to the second."""
    direction: Literal["any", "to_left", "to_right"] = "any"
    """Which crossings count. Over a line drawn from left to right in the picture, moving down is ``to_right``."""
    classes: Classes = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
    """Which objects count."""


class LineCrossing(Rule):
    """Fires at the frame in which an object is clearly on the other side, having passed through the segment.

    Only measured positions count.
    """

    settings_model: ClassVar[type[RuleSettings]] = LineCrossingSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, LineCrossingSettings):
            raise TypeError(f"LineCrossing takes LineCrossingSettings, not {type(settings).__name__}")
        self._direction = settings.direction
        self._crossings = Crossings(settings.line)

    def update(self, tick: Tick) -> list[Occurrence]:
        return [
            Occurrence(
                captured_at=tick.captured_at,
                started_at=crossed.passed_at,
                tracks=(crossed.track,),
                details={"direction": crossed.direction},
            )
            for crossed in self._crossings.update(tick)
            if self._direction in {"any", crossed.direction}
        ]
