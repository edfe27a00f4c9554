"""``counting``: how many objects pass a line, or come into a zone. Figures only, never an alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from analytics.rules.classes import Classes
from analytics.rules.crossings import Crossings
from analytics.rules.stays import USUAL, Stays
from config.geometry import Line, Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Occurrence, Polygon, Tick


class CountingSettings(RuleSettings):
    """Settings of ``counting``."""

    fires: ClassVar[bool] = False

    type: Literal["counting"]
    line: Line | None = None
    """Counts those who cross it, by direction, as ``line_crossing`` sees them. Either this or a zone."""
    zone: Zone | None = None
    """Counts those who come in, and those who are inside, as ``zone_presence`` sees them. Either this or a line."""
    classes: Classes = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
    """Which objects count."""

    @model_validator(mode="after")
    def _line_or_zone(self) -> Self:
        if (self.line is None) == (self.zone is None):
            raise ValueError("write either a line or a zone")
        return self


class Counting(Rule):
    """Counts since it began. Only measured positions count."""

    settings_model: ClassVar[type[RuleSettings]] = CountingSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, CountingSettings):
            raise TypeError(f"Counting takes CountingSettings, not {type(settings).__name__}")
        self._counter = _OverLine(settings.line) if settings.line is not None else _InZone(settings.zone or ())

    def update(self, tick: Tick) -> list[Occurrence]:
        self._counter.update(tick)
        return []

    def figures(self) -> Mapping[str, int]:
        return self._counter.figures()


class _OverLine:
    """``to_left`` and ``to_right``: crossings in either direction."""

    def __init__(self, line: Line) -> None:
        self._crossings = Crossings(line)
        self._totals = {"to_left": 0, "to_right": 0}

    def update(self, tick: Tick) -> None:
        for crossed in self._crossings.update(tick):
            self._totals[crossed.direction] += 1

    def figures(self) -> dict[str, int]:
        return dict(self._totals)


class _InZone:
    """``entered``: stays that have begun, those present at the beginning among them; ``inside``: present ones."""

    def __init__(self, zone: Polygon) -> None:
        self._stays = Stays(zone, 0.0, USUAL)

    def update(self, tick: Tick) -> None:
        self._stays.update(tick)

    def figures(self) -> dict[str, int]:
        return {"entered": self._stays.begun, "inside": self._stays.present}
