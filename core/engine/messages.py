"""What supervisor and worker say to each other over their pipe. Frozen and picklable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from config.model import SiteSettings
from core.types import Alert, CameraFault, FrameBoxes, RuleState, StreamState, UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Supervisor → worker: analyse this camera as the settings now say, whether or not it runs already.

    ``last_alerts`` keeps cooldowns across processes, ``states`` what operators switched.
    """

    camera_id: str
    last_alerts: Mapping[str, UtcSeconds] = field(default_factory=dict)
    states: Mapping[str, RuleState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRules:
    """Supervisor → worker: the rules of a camera that operators switched away from the settings, all of them."""

    camera_id: str
    states: Mapping[str, RuleState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassign:
    """Supervisor → worker: let go of a camera; answered by ``Released``."""

    camera_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged:
    """Supervisor → worker: the site from now on. Cameras that run change with their next ``Assign``."""

    site: SiteSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Supervisor → worker: end, after what is in flight has been said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Worker → supervisor: alive, waiting for cameras."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """Worker → supervisor: a rule fired."""

    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxesSeen:
    """Worker → supervisor: the boxes of one frame, for a VMS that shows them."""

    boxes: FrameBoxes


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChanged:
    """Worker → supervisor: a camera's stream changed state. ``fault``: the code of what ended it."""

    camera_id: str
    state: StreamState
    cause: str = ""
    fault: CameraFault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChanged:
    """Worker → supervisor: something is wrong with a camera's stream or picture, or no longer."""

    camera_id: str
    fault: CameraFault
    is_present: bool
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Worker → supervisor: nothing more will be said of this camera."""

    camera_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Worker → supervisor: alive, with the statistics of each camera."""

    statistics: Mapping[str, Mapping[str, float]]
    dropped_boxes: int
    processor_s: float = 0.0
    """Processor time that the whole process has spent."""


ToWorker: TypeAlias = Assign | Unassign | SettingsChanged | SwitchRules | Stop
FromWorker: TypeAlias = Ready | AlertRaised | BoxesSeen | StreamChanged | FaultChanged | Released | Heartbeat
