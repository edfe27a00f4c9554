"""Small kinds, so that these tests need no connector and no rule."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from uuid import UUID

from config.geometry import Line, Zone
from config.model import Kinds, RuleSettings, SecretRef, VmsSettings


class PresenceSettings(RuleSettings):
    """A rule with a zone."""

    zone: Zone
    """Where objects must not be."""
    dwell_s: float = 2.0


class CrossingSettings(RuleSettings):
    """A rule with a line."""

    line: Line
    direction: Literal["any", "to_left", "to_right"] = "any"
    rules: tuple[str, ...] = ()


class RecorderSettings(VmsSettings):
    """A VMS with fields of its own."""

    video: Literal["imageserver", "vps"] = "imageserver"
    application_id: SecretRef | None = None
    alarm: UUID | None = None
    certificate: Path | None = None


KINDS = Kinds(rules={"presence": PresenceSettings, "crossing": CrossingSettings}, vms={"recorder": RecorderSettings})
