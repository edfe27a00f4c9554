"""What comes back from the VMS: one link per control channel, and what its messages do (C-98)."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from uuid import UUID

import structlog

from config.model import CameraSettings, ControlSettings, SiteSettings, VmsSettings
from core.contracts import Clock, ControlSource, VmsConnector
from core.engine.held import Backoff, Held
from core.errors import StoreError, VigieError, VmsUnavailable
from core.health import HealthBoard
from core.logs import OnceGate, describe
from core.store.feedback import Feedback, Switch
from core.types import CameraReported, ControlMessage, EventSeen, Health, HealthLevel, Linked, UtcSeconds, VerdictGiven

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 15.0
"""Bounds of the back-off while the VMS is merely away. Its sessions can be resumed for some 30 s."""

STEADY_S = 3.0
"""A link that lasted so long was a good one: the back-off starts anew. One that ends at once is not hammered."""

REFUSED_RETRY_S = 60.0
"""A person must act: look again now and then."""

STORE_RETRY_S = 1.0
"""Between two tries to keep an answer that the database refused."""

_log = structlog.get_logger(component="control")

SwitchRules = Callable[[str], None]
"""Brings what is switched of a camera (by id) to the worker that owns it."""


class Answers:
    """What each message does: kept in the store, then carried out. Used by several links at once."""

    def __init__(
        self, site: SiteSettings, vms: VmsSettings, *, feedback: Feedback, health: HealthBoard, switch: SwitchRules
    ) -> None:
        self._vms = vms
        self.renew(site)
        self._feedback = feedback
        self._health = health
        self._switch = switch

    def renew(self, site: SiteSettings) -> None:
        """Takes up the cameras of a changed site; may be called from another thread."""
        cameras = [camera for camera in site.cameras if camera.vms == self._vms.id]
        by_device: dict[str, list[str]] = defaultdict(list)
        for camera in cameras:
            by_device[_canonical(camera.device)].append(camera.id)
        self._cameras, self._by_device = cameras, by_device

    def take(self, message: ControlMessage) -> None:
        """Does it. Raises ``StoreError`` where it could not be kept: it must be given again."""
        match message:
            case VerdictGiven():
                self._judge(message)
            case EventSeen():
                self._obey(message)
            case CameraReported():
                self._report(message)
            case Linked():
                pass

    def _judge(self, message: VerdictGiven) -> None:
        verdict = self._feedback.judge(self._vms.id, message)
        if verdict is not None:
            _log.info(
                "verdict",
                alert=str(verdict.alert_id),
                camera=verdict.camera_id,
                rule=verdict.rule_id,
                answer=verdict.answer.value,
                by=verdict.said_by,
            )

    def _obey(self, message: EventSeen) -> None:
        """Told twice, it changes nothing: the worker gets what is kept."""
        meant = list(self._meant(message))
        for switch in self._feedback.switch(*meant):
            _log.info(
                "rule switched by the VMS",
                camera=switch.camera_id,
                rule=switch.rule_id,
                state=switch.state.value,
                by=switch.event,
            )
        for camera_id in dict.fromkeys(switch.camera_id for switch in meant):
            self._switch(camera_id)

    def _meant(self, message: EventSeen) -> Iterator[Switch]:
        for order in self._vms.control:
            if order.event == message.event:
                for camera in self._cameras:
                    if not order.cameras or camera.id in order.cameras:
                        yield from self._switches(order, camera, message.at)

    def _switches(self, order: ControlSettings, camera: CameraSettings, at: UtcSeconds) -> Iterator[Switch]:
        for rule in camera.rules:
            if not order.rules or rule.id in order.rules:
                yield Switch(
                    camera_id=camera.id,
                    rule_id=rule.id,
                    state=order.state,
                    vms_id=self._vms.id,
                    event=order.event,
                    switched_at=at,
                )

    def _report(self, message: CameraReported) -> None:
        for camera_id in self._by_device.get(_canonical(message.device), ()):
            level = HealthLevel.YELLOW if message.is_lost else HealthLevel.GREEN
            cause = (message.cause or "the VMS has lost this camera") if message.is_lost else ""
            self._health.report(Health(component=f"vms-camera/{camera_id}", level=level, cause=cause))


class ControlLink:
    """One thread: keeps one control channel of one VMS open, and hands on what it says until stopped."""

    def __init__(
        self,
        vms_id: str,
        channel: str,
        *,
        connector: VmsConnector,
        answers: Answers,
        feedback: Feedback,
        health: HealthBoard,
        clock: Clock,
    ) -> None:
        self._vms_id = vms_id
        self._channel = channel
        self._connector = connector
        self._answers = answers
        self._feedback = feedback
        self._health = health
        self._clock = clock
        self._held: Held[ControlSource] = Held(f"control/{vms_id}/{channel}")
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._linked_at: float | None = None
        self._has_defect = False
        self._gate = OnceGate(_log)
        self._place = {"vms": vms_id, "channel": channel}
        self._thread = threading.Thread(target=self.run, name=f"control-{vms_id}-{channel}", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Ends the link; the thread follows."""
        self._held.end()

    def stop(self, timeout_s: float) -> bool:
        """Ends the link and the thread; False when the source did not let go in time."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def run(self) -> None:
        """The thread's body."""
        while not self._held.stopping.is_set():
            self._held.stopping.wait(self._listen_once())

    def _listen_once(self) -> float:
        """Listens until something ends it; returns how long to wait before the next try."""
        self._linked_at = None
        try:
            for message in self._opened().messages():
                self._take(message)
            return FIRST_RETRY_S if self._held.stopping.is_set() else self._after(VmsUnavailable("the channel ended"))
        except VigieError as error:
            return self._after(error)
        except Exception as error:  # noqa: BLE001 - thread edge: a defect in one connector may not end what others hear
            if not self._has_defect:
                self._has_defect = True
                _log.exception("the control channel failed unexpectedly", **self._place)
            return self._after(VmsUnavailable(f"defect: {describe(error)}"))
        finally:
            self._held.close()

    def _opened(self) -> ControlSource:
        since = self._feedback.heard_to(self._vms_id, self._channel)
        if since is None:  # what operators did before we first listened is not for us
            since = self._clock.utc()
            self._feedback.hear(self._vms_id, self._channel, since)
        return self._held.hold(self._connector.open_control(self._channel, since))

    def _take(self, message: ControlMessage) -> None:
        """Insists until the store has it: else it would be lost, for the VMS tells it once."""
        if isinstance(message, Linked):
            self._linked_at = self._clock.monotonic()
            self._report(HealthLevel.GREEN)
            return
        while not self._held.stopping.is_set():
            try:
                self._answers.take(message)
                self._feedback.hear(self._vms_id, self._channel, message.at)
            except StoreError as error:
                self._gate.lost("store", "an answer of the VMS waits for the database", cause=error.line())
                self._held.stopping.wait(STORE_RETRY_S)
            else:
                self._gate.recovered("store", "answers of the VMS are kept again")
                return

    def _after(self, error: VigieError) -> float:
        if self._held.stopping.is_set():
            return 0.0
        if self._linked_at is not None and self._clock.monotonic() - self._linked_at >= STEADY_S:
            self._backoff.reset()
        recovers = getattr(error, "recovers", isinstance(error, StoreError))  # a database hiccups, as a VMS does
        self._report(HealthLevel.YELLOW if recovers else HealthLevel.RED, error.line())
        return self._backoff.next() if recovers else REFUSED_RETRY_S

    def _report(self, level: HealthLevel, cause: str = "") -> None:
        component = f"control/{self._vms_id}/{self._channel}"
        self._health.report(Health(component=component, level=level, cause=cause))


def _canonical(device: str) -> str:
    try:
        return str(UUID(device))
    except ValueError:
        return device.casefold()
