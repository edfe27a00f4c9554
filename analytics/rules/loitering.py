"""``loitering``: the same object stays in a zone."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from analytics.rules.classes import Classes
from analytics.rules.stays import USUAL, Patience, Stays
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Occurrence, Tick

_SHORT: Final = 0.1
"""Share of the dwell time that an absence may last: who is away for longer than that begins anew …"""
_MOST_ABSENT_S: Final = 10.0
"""… and always who is away for longer than this: anybody may have come in the meantime. What ``zone_presence`` bears is
always borne."""


class LoiteringSettings(RuleSettings):
    """Settings of ``loitering``."""

    type: Literal["loitering"]
    zone: Zone
    """Where objects must not linger. Its border belongs to it."""
    classes: Classes = ("person",)
    """Which objects count."""
    dwell_s: Annotated[float, Field(ge=1.0, le=86400.0)] = 60.0
    """How long the same object must be in the zone."""


class Loitering(Rule):
    """Fires when the same object has been inside for ``dwell_s``, short absences left out of account."""

    settings_model: ClassVar[type[RuleSettings]] = LoiteringSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, LoiteringSettings):
            raise TypeError(f"Loitering takes LoiteringSettings, not {type(settings).__name__}")
        self._stays = Stays(settings.zone, settings.dwell_s, _patience(settings.dwell_s))

    def update(self, tick: Tick) -> list[Occurrence]:
        return self._stays.update(tick)


def _patience(dwell_s: float) -> Patience:
    short_s = min(_SHORT * dwell_s, _MOST_ABSENT_S)
    hidden_s = max(short_s, USUAL.vanished_s)
    return Patience(out_s=max(short_s, USUAL.out_s), gap_s=hidden_s, vanished_s=hidden_s)
