"""``zone_presence``: an object is in a zone for some time."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from analytics.rules.classes import Classes
from analytics.rules.stays import USUAL, Stays
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Occurrence, Tick


class ZonePresenceSettings(RuleSettings):
    """Settings of ``zone_presence``."""

    type: Literal["zone_presence"]
    zone: Zone
    """Where objects must not be. Its border belongs to it."""
    classes: Classes = ("person",)
    """Which objects count."""
    dwell_s: Annotated[float, Field(ge=0.0, le=3600.0)] = 2.0
    """How long an object must be in the zone."""


class ZonePresence(Rule):
    """Fires when an object has been inside for ``dwell_s``: once per stay, and once for those who came together."""

    settings_model: ClassVar[type[RuleSettings]] = ZonePresenceSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, ZonePresenceSettings):
            raise TypeError(f"ZonePresence takes ZonePresenceSettings, not {type(settings).__name__}")
        self._stays = Stays(settings.zone, settings.dwell_s, USUAL)

    def update(self, tick: Tick) -> list[Occurrence]:
        return self._stays.update(tick)
