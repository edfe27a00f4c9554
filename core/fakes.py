"""Fakes of the contracts, for the tests of whoever uses them; the fake clock is ``core.clock.ManualClock``."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from config.model import CameraSettings, SecretRef, VmsSettings
from core.clock import ManualClock
from core.contracts import Capability, Clock, ConnectorServices, ControlSource, SecretSource, VideoSource, VmsConnector
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    NotYetTaken,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    SecretError,
    VmsError,
    VmsUnavailable,
)
from core.types import (
    Alert,
    ControlMessage,
    Delivery,
    Finding,
    FrameBoxes,
    Linked,
    Packet,
    Receipt,
    UtcSeconds,
    VmsCamera,
)

LANDING_S = 0.5
"""How long after its reply was lost a ``LAND_LATE`` request takes effect in the fake VMS."""

_LONGEST_WAIT_S = 30.0
_IN_VMS = "x-vms-"


class MemorySecrets(SecretSource):
    """Secrets out of a mapping."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._secrets = dict(secrets or {})

    def read(self, name: str) -> str:
        try:
            return self._secrets[name]
        except KeyError as error:
            raise SecretError(f"there is no secret {name!r}", remedy="Give it to MemorySecrets.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeServices:
    """``ConnectorServices`` out of hand-made parts; every secret is the word ``secret``."""

    clock: Clock = field(default_factory=ManualClock)
    secrets: Callable[[object], str] = lambda _reference: "secret"
    site_dir: Path = Path()
    front: Mapping[str, str] = field(default_factory=dict)


class FakeVideoSource(VideoSource):
    """Yields the given packets; then fails with ``failure``, or without one waits for ``close`` like a still stream."""

    def __init__(self, packets: Iterable[Packet], *, failure: VmsError | None = None) -> None:
        self._packets = packets
        self._failure = failure
        self._closed = threading.Event()

    def packets(self) -> Iterator[Packet]:
        for packet in self._packets:
            if self._closed.is_set():
                return
            yield packet
        if self._failure is not None:
            raise self._failure
        if not self._closed.wait(_LONGEST_WAIT_S):
            raise VmsUnavailable(f"the fake stream was not closed within {_LONGEST_WAIT_S:.0f} s of its last packet")

    def close(self) -> None:
        self._closed.set()


class FakeControlSource(ControlSource):
    """Says ``Linked`` and the given messages; then fails with ``failure``, or without one waits for ``close``."""

    def __init__(self, messages: Iterable[ControlMessage] = (), *, failure: VmsError | None = None) -> None:
        self._messages = messages
        self._failure = failure
        self._closed = threading.Event()

    def messages(self) -> Iterator[ControlMessage]:
        yield Linked()
        yield from self._messages
        if self._failure is not None:
            raise self._failure
        if not self._closed.wait(_LONGEST_WAIT_S):
            raise VmsUnavailable(f"the fake channel was not closed within {_LONGEST_WAIT_S:.0f} s of its last message")

    def close(self) -> None:
        self._closed.set()


class Outcome(StrEnum):
    """What the fake VMS does with the next request."""

    OK = "ok"
    UNAVAILABLE = "unavailable"
    DROP_BEFORE_ACCEPT = "drop_before_accept"
    DROP_AFTER_ACCEPT = "drop_after_accept"
    LAND_LATE = "land_late"
    """The reply is lost and the request takes effect ``LANDING_S`` later."""
    LIE_READY = "lie_ready"
    """Waits to be fetched, which happens ``LANDING_S`` later."""
    GARBLE = "garble"
    """Accepts, and answers what no protocol says."""
    REFUSE = "refuse"
    NOT_FOUND = "not_found"
    FORBID = "forbid"
    """The account is refused."""
    LACK_RIGHT = "lack_right"
    """The account is accepted, but may not do this."""
    BAD_CERTIFICATE = "bad_certificate"
    CRASH = "crash"
    """A defect of the connector: raises what its contract does not allow."""


_ERRORS: Mapping[Outcome, Callable[[], Exception]] = {
    Outcome.UNAVAILABLE: lambda: VmsUnavailable("nobody answers"),
    Outcome.DROP_BEFORE_ACCEPT: lambda: ReplyLost("the connection broke before the answer"),
    Outcome.DROP_AFTER_ACCEPT: lambda: ReplyLost("the connection broke before the answer"),
    Outcome.LAND_LATE: lambda: ReplyLost("no answer within the time-out"),
    Outcome.LIE_READY: lambda: NotYetTaken("the VMS has not fetched it yet"),
    Outcome.GARBLE: lambda: ProtocolViolation("the answer is not what the protocol says"),
    Outcome.REFUSE: lambda: RequestInvalid("the VMS calls the request malformed"),
    Outcome.NOT_FOUND: lambda: NotFoundInVms("the VMS does not know this camera"),
    Outcome.FORBID: lambda: AuthenticationRefused("wrong password", remedy="Mend the account."),
    Outcome.LACK_RIGHT: lambda: RightMissing("no right to add bookmarks", remedy="Give the right."),
    Outcome.BAD_CERTIFICATE: lambda: CertificateRejected("the certificate does not verify", remedy="Give the CA."),
    Outcome.CRASH: lambda: RuntimeError("index out of range"),
}
_LANDING = frozenset({Outcome.LAND_LATE, Outcome.LIE_READY})
_ACCEPTED = frozenset({Outcome.OK, Outcome.DROP_AFTER_ACCEPT, Outcome.GARBLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One thing that the fake VMS took, with what came along."""

    delivery: Delivery
    alert: Alert
    camera: CameraSettings


class FakeConnector(VmsConnector):
    """A VMS in memory that obeys a script and keeps what it accepted, doubles included.

    Each ``publish`` takes the next outcome of ``script``, each ``find`` the next of ``find_script``; an empty script
    means ``OK``. Where ``find`` shall fail, every outcome other than ``OK`` raises its error.
    """

    settings_model: ClassVar[type[VmsSettings]] = VmsSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {Capability.RECORDINGS}

    def __init__(
        self,
        settings: VmsSettings | None = None,
        services: ConnectorServices | None = None,
        *,
        script: Iterable[Outcome] = (),
        actions: Sequence[str] = ("event",),
        askable: Iterable[str] = ("event",),
    ) -> None:
        self.settings = settings or VmsSettings(
            id="fake", type="fake", url="https://vms.test", username="vigie", password=SecretRef(env="VIGIE_TEST")
        )
        self.services = services or FakeServices()
        self.script = deque(script)
        self.find_script: deque[Outcome] = deque()
        self.accepted: list[Accepted] = []
        self.attempts: list[Delivery] = []
        self.questions: list[Delivery] = []
        self.boxes: list[FrameBoxes] = []
        self.cameras: list[VmsCamera] = []
        self.findings: list[Finding] = []
        self.video: Callable[[CameraSettings], VideoSource] = lambda _camera: FakeVideoSource(())
        self.controls: dict[str, Callable[[UtcSeconds], ControlSource]] = {}
        self.is_closed = False
        self._actions = tuple(actions)
        self._askable = frozenset(askable)
        self._landing: list[tuple[float, Accepted]] = []

    def list_cameras(self) -> Sequence[VmsCamera]:
        return self.cameras

    def open_video(self, camera: CameraSettings) -> VideoSource:
        return self.video(camera)

    def actions(self) -> tuple[str, ...]:
        return self._actions

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        self._land()
        self.attempts.append(delivery)
        outcome = self.script.popleft() if self.script else Outcome.OK
        request = Accepted(delivery=delivery, alert=alert, camera=camera)
        if outcome in _ACCEPTED:
            self.accepted.append(request)
        if outcome in _LANDING:
            self._landing.append((self.services.clock.monotonic() + LANDING_S, request))
        if outcome is not Outcome.OK:
            raise _error(outcome)
        return _receipt(delivery)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:  # noqa: ARG002 - the contract gives it
        self._land()
        self.questions.append(delivery)
        outcome = self.find_script.popleft() if self.find_script else Outcome.OK
        if outcome is not Outcome.OK:
            raise _error(outcome)
        has_it = any(request.delivery.key == delivery.key for request in self.accepted)
        return _receipt(delivery) if has_it else None

    @property
    def askable(self) -> frozenset[str]:
        return self._askable

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:  # noqa: ARG002 - the contract gives it
        self.boxes.append(boxes)

    def control_channels(self) -> tuple[str, ...]:
        return tuple(self.controls)

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        return self.controls[channel](since)

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:  # noqa: ARG002 - the contract gives it
        return self.findings

    def close(self) -> None:
        self.is_closed = True

    def _land(self) -> None:
        now = self.services.clock.monotonic()
        self.accepted += [request for moment, request in self._landing if moment <= now]
        self._landing = [(moment, request) for moment, request in self._landing if moment > now]


def _receipt(delivery: Delivery) -> Receipt:
    return Receipt(remote_id=f"{_IN_VMS}{delivery.key}")


def _error(outcome: Outcome) -> Exception:
    return _ERRORS[outcome]()
