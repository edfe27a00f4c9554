"""The contracts between rooms: what an implementer must guarantee, and nothing of how.

``core`` finds implementations by entry points (``core.registry``), never by import. Each contract has a fake in
``core.fakes`` and a conformance suite under ``tests/conformance``.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from config.model import CameraSettings, CompositionSettings, RuleSettings, SiteSettings, VmsSettings
from core.types import (
    Alert,
    CameraFault,
    ControlMessage,
    Delivery,
    Detection,
    Finding,
    FrameBoxes,
    Occurrence,
    Packet,
    Picture,
    Receipt,
    RuleState,
    Tick,
    UtcSeconds,
    VmsCamera,
)


class Clock(ABC):
    """The time, so that tests never sleep."""

    @abstractmethod
    def utc(self) -> UtcSeconds:
        """Wall clock, UTC seconds since the epoch."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""


class SecretSource(ABC):
    """Resolves ``{secret: name} | {env: NAME} | {file: path}`` to its value."""

    @abstractmethod
    def read(self, name: str) -> str:
        """The secret's value. Raises ``SecretError`` with the remedy; never logs the value."""


class VideoSource(ABC):
    """One connection to one camera's video.

    Duties: packets come in decode order with the recorder's UTC capture time; every wait has a time-out; when the
    link fails ``packets`` raises a ``VmsError`` (never ends silently); ``close`` may be called from another thread
    and makes ``packets`` return soon. A source is used once: the engine opens a new one to retry.
    """

    @abstractmethod
    def packets(self) -> Iterator[Packet]:
        """Connects and yields packets until ``close`` or a ``VmsError``."""

    @abstractmethod
    def close(self) -> None:
        """Ends ``packets`` from any thread. May be called twice."""


class ControlSource(ABC):
    """One connection through which a VMS tells what its operators do.

    Duties: the first message is ``Linked``, once everything asked for is subscribed; what happened since the moment
    given at ``open_control``, as far as the VMS can be asked for it, follows; every wait has a time-out; when the link
    fails ``messages`` raises a ``VmsError`` (never ends silently); ``close`` may be called from another thread and makes
    ``messages`` return soon. A message may come twice, never not at all. Used once: the engine opens a new one to retry.
    """

    @abstractmethod
    def messages(self) -> Iterator[ControlMessage]:
        """Connects and yields until ``close`` or a ``VmsError``."""

    @abstractmethod
    def close(self) -> None:
        """Ends ``messages`` from any thread. May be called twice."""


class Capability(StrEnum):
    """What a connector offers."""

    LIST_CAMERAS = "list_cameras"
    VIDEO = "video"
    PUBLISH = "publish"
    ASK = "ask"
    BOXES = "boxes"
    COMMANDS = "commands"
    RECORDINGS = "recordings"


class VmsConnector(ABC):
    """One VMS, as its settings describe it.

    Duties: constructing does no I/O; methods may be called from several threads at once (a feed per camera, a delivery
    thread, an overlay thread); every wait has a
    time-out; errors are ``VmsError`` only, split as ``core.errors`` says, because delivery decides by the class:
    ``VmsUnavailable`` retries, ``ReplyLost`` asks first, ``NotYetTaken`` asks again soon, ``VmsRefused`` parks. No frame ever enters a connector.
    Entry point group ``vigie.connectors``; the object is the class; its ``settings_model`` checks the site file.
    """

    settings_model: ClassVar[type[VmsSettings]] = VmsSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    @abstractmethod
    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        """Keeps the settings; connects lazily."""

    @abstractmethod
    def list_cameras(self) -> Sequence[VmsCamera]:
        """Every camera this account may see, enabled or not."""

    @abstractmethod
    def open_video(self, camera: CameraSettings) -> VideoSource:
        """A fresh, unconnected source of this camera's live video."""

    def open_recording(self, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> VideoSource:
        """A source of what the VMS recorded in that interval, as fast as it comes; ``packets`` ends after it.

        Only with ``Capability.RECORDINGS``. Gaps are skipped. An interval without any recording yields nothing.
        """
        raise NotImplementedError(f"{type(self).__name__} says it plays no recordings")

    @abstractmethod
    def actions(self) -> tuple[str, ...]:
        """The deliveries that each alert needs in this VMS, in the order to do them (``event``, ``bookmark`` …)."""

    @abstractmethod
    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it, with ``delivery.key`` carried into the VMS, and returns once the VMS has accepted."""

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Asks the VMS whether it already has ``delivery.key``; None when it has not.

        Only called for actions in ``askable``.
        """
        raise NotImplementedError(f"{type(self).__name__} says it cannot be asked for {delivery.action}")

    @property
    def askable(self) -> frozenset[str]:
        """The actions whose presence in the VMS can be asked."""
        return frozenset()

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        """Shows the boxes of one frame; called in capture order per camera, and only with ``Capability.BOXES``."""
        raise NotImplementedError(f"{type(self).__name__} says it shows no boxes")

    def control_channels(self) -> tuple[str, ...]:
        """Names of the connections through which this VMS answers back (``events``, ``verdicts`` …), as the settings ask.

        Without I/O. Each is kept open by the engine independently of the others.
        """
        return ()

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        """A fresh, unconnected source of one channel. ``since``: what happened before was told already."""
        raise NotImplementedError(f"{type(self).__name__} has no control channel {channel!r}")

    def start_front(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:  # noqa: ARG002 - for those that listen
        """Opens what the VMS itself dials into; called once, in the supervisor, before any worker starts.

        What is returned is handed to this VMS's connector in every worker as ``ConnectorServices.front``. ``close``
        ends it. Raises ``VmsError`` where it cannot listen. Connectors that only dial out return nothing.
        """
        return {}

    @abstractmethod
    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        """Looks at the VMS with the account given and says what is wrong and where to mend it. Never raises VmsError."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of every connection. May be called twice."""


class ConnectorServices(Protocol):
    """What a connector gets from the service that runs it."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def secrets(self) -> Callable[[object], str]:
        """Resolves a ``SecretRef`` of the settings to its value."""

    @property
    def site_dir(self) -> Path:
        """Folder of the site file: relative paths in the settings start here."""

    @property
    def front(self) -> Mapping[str, str]:
        """In a worker: what this VMS's ``start_front`` returned in the supervisor. Empty elsewhere."""


class Detector(ABC):
    """Finds objects in pictures. Entry point group ``vigie.detectors``."""

    @property
    @abstractmethod
    def labels(self) -> frozenset[str]:
        """The classes it can name."""

    @abstractmethod
    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        """One list of detections per picture (RGB, any size), boxes normalised, after non-maximum suppression."""


class Rule(ABC):
    """One watched condition of one camera. Entry point group ``vigie.rules``; the object is the class.

    Duties: pure in capture time (no clock, no I/O, no VMS); ticks come in capture order; an object that stays in
    the condition is reported once, until the condition ended for it. State, schedule, cooldown and minimum sizes
    are not the rule's business: the pipeline applies them. A rule that counts instead of firing tells its totals by
    ``figures``; such figures are shown, and never become an alert.
    """

    settings_model: ClassVar[type[RuleSettings]]

    @abstractmethod
    def __init__(self, settings: RuleSettings) -> None:
        """Takes settings of its own ``settings_model``."""

    @abstractmethod
    def update(self, tick: Tick) -> list[Occurrence]:
        """Looks at one frame; returns what came true in it."""

    def figures(self) -> Mapping[str, int]:
        """What it has counted up to the last frame, by name; always the same names. Nothing for rules that only fire.

        Asked after every ``update``, in the same thread.
        """
        return {}


class Composition(ABC):
    """A condition over what other rules of the same camera see. Entry point group ``vigie.rules``, like a ``Rule``.

    Duties: those of a ``Rule``. It sees no picture and no track, only what came true: each of its members' occurrences
    once, whether or not the member's own cooldown or state lets operators hear of it. A member that is off or outside
    its schedule has none. The objects of what it returns are those of its members.
    """

    settings_model: ClassVar[type[CompositionSettings]]

    @abstractmethod
    def __init__(self, settings: RuleSettings) -> None:
        """Takes settings of its own ``settings_model``."""

    @abstractmethod
    def update(self, captured_at: UtcSeconds, occurrences: Mapping[str, Sequence[Occurrence]]) -> list[Occurrence]:
        """Looks at one frame: what came true in it by rule id (members without any may be absent); what that makes."""


class AnalysisSink(Protocol):
    """Where an analyser puts its results. Called from the analyser's own thread; must not block long."""

    def alert(self, alert: Alert) -> None:
        """A rule fired."""

    def boxes(self, boxes: FrameBoxes) -> None:
        """A frame was analysed."""

    def fault(self, fault: CameraFault, cause: str) -> None:
        """Something is wrong with the stream or the picture, from now until ``fault_over``.

        ``cause``: one line that a person can act on. Said once each way; saying it again replaces the cause.
        """

    def fault_over(self, fault: CameraFault) -> None:
        """That is right again; without effect where it was not wrong."""


class Analyser(ABC):
    """Turns one camera's packets into alerts and boxes. Entry point group ``vigie.analysers``, name ``default``.

    Duties: ``push`` never blocks; queues inside are bounded and the newest frame wins; statistics tell what was
    skipped; a corrupt packet costs frames, never the analyser.
    """

    @abstractmethod
    def push(self, packet: Packet) -> None:
        """Takes the next packet in decode order."""

    @abstractmethod
    def switch(self, states: Mapping[str, RuleState]) -> None:
        """Sets the state of rules (rule id → state) from the next frame on; rules not named go back to their settings.

        A rule switched off forgets what it saw; one switched on starts afresh, its cooldown kept.
        """

    def configure(self, camera: CameraSettings, site: SiteSettings, states: Mapping[str, RuleState]) -> bool:  # noqa: ARG002 - for those that can
        """Takes changed rules and schedules from the next frame on; unchanged rules keep what they saw.

        ``states`` as in ``switch``. The cooldown of a rule stays, by its id. False where the change needs a new analyser (another detector): nothing
        is changed then, and the engine starts one.
        """
        return False

    @abstractmethod
    def interrupted(self) -> None:
        """The stream was lost: the next packet starts a new stream; tracks do not survive, cooldowns do."""

    @abstractmethod
    def statistics(self) -> Mapping[str, float]:
        """Counters and gauges since start, see ``docs/architecture.md``."""

    @abstractmethod
    def close(self) -> None:
        """Stops the threads; returns when they ended."""


class AnalyserFactory(Protocol):
    """What the ``vigie.analysers`` entry point names."""

    def __call__(
        self,
        camera: CameraSettings,
        site: SiteSettings,
        sink: AnalysisSink,
        last_alerts: Mapping[str, UtcSeconds],
        states: Mapping[str, RuleState],
    ) -> Analyser:
        """Builds a running analyser.

        ``last_alerts`` (rule id → capture time) keeps cooldowns across restarts, ``states`` what operators switched.
        """


class Command(Protocol):
    """A sub-command that a room adds to ``vigie``. Entry point group ``vigie.commands``."""

    name: str
    help: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds its arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does it; returns the exit code."""


__all__ = [
    "Analyser",
    "AnalyserFactory",
    "AnalysisSink",
    "Capability",
    "Clock",
    "Command",
    "Composition",
    "ConnectorServices",
    "ControlSource",
    "Detector",
    "Rule",
    "SecretSource",
    "VideoSource",
    "VmsConnector",
]
