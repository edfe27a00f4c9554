"""Minutes of abuse of the process that hosts the SDK, while alerts are delivered and alarms acknowledged; then a count."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from config.model import CameraSettings
from connectors.genetec.sdk.bench_stub import OPERATOR, StubCenter
from connectors.genetec.sdk.connector import GenetecSdkConnector
from connectors.genetec.sdk.control import VERDICTS
from core.clock import SystemClock
from core.contracts import ControlSource
from core.errors import ReplyLost, VmsError, VmsUnavailable
from core.types import Alert, Delivery, DeliveryState, Priority, RuleState, VerdictGiven

CAMERA: Final = CameraSettings(id="bench", vms="bench", device="00000001-0000-babe-0000-0a0b0c0d0e01")

LONGEST_GAP_S: Final = 30.0
"""Without any delivery: longer, and something stands still."""

_FLOOD, _FLOOD_THREADS = 1_000, 8
_DISCONNECT_S, _AWAY_MS = 10.0, 700
_ALERT_S, _SETTLE_S, _RETRY_S, _ACKNOWLEDGE_S = 0.05, 1.0, 0.2, 2.0
_DRAIN_S: Final = 60.0
_LOOK_S: Final = 0.1
_TOKEN = re.compile(r"vigie:[0-9a-f]{20}")
_KILL = signal.SIGTERM if os.name == "nt" else signal.SIGKILL
"""On Windows any number ends a process without asking it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done within ``seconds``."""

    seconds: float
    kills: int
    events: int
    """Raised by the SDK's threads; each makes its handler fail."""
    disconnect_s: float = _DISCONNECT_S
    acknowledge_s: float = _ACKNOWLEDGE_S
    """Between two acknowledgements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbuseResult:
    """Counted in what the stub wrote down."""

    seconds: float
    deliveries: int
    lost: int
    doubled: int
    kills: int
    disconnects: int
    events_raised: int
    lives: int
    longest_gap_s: float
    verdicts: int
    verdicts_lost: int
    is_as_planned: bool

    @property
    def is_good(self) -> bool:
        """Nothing lost or doubled, nothing stood still, and all that was planned was done."""
        is_whole = not (self.lost or self.doubled or self.verdicts_lost)
        return is_whole and self.is_as_planned and self.longest_gap_s < LONGEST_GAP_S


class Abuse:
    """One run. The connector publishes events, alarms and bookmarks; it is closed at the end."""

    def __init__(self, center: StubCenter, connector: GenetecSdkConnector, plan: Plan) -> None:
        self._center = center
        self._connector = connector
        self._plan = plan
        self._clock = SystemClock()
        self._began_at = self._clock.utc()
        self._over = threading.Event()
        self._deaf = threading.Event()
        self._begun: list[str] = []
        self._heard: set[str] = set()
        self._judged: set[str] = set()
        self._kills = self._disconnects = 0
        self._delivered_at = self._clock.monotonic()
        self._gap_s = 0.0
        self._source: ControlSource | None = None

    def run(self) -> AbuseResult:
        """All of it; returns once the last alert is delivered and the last verdict heard, or too late."""
        begun = self._clock.monotonic()
        bodies = (self._kill, self._disconnect, self._flood, self._judge, self._listen)
        threads = [threading.Thread(target=body, daemon=True) for body in bodies]
        for thread in threads:
            thread.start()
        while (passed := self._clock.monotonic() - begun) < self._plan.seconds + _DRAIN_S:
            if passed > self._plan.seconds and self._is_as_planned():
                break
            self._deliver(an_alert(self._clock.utc()))
            self._over.wait(_ALERT_S)
        self._over.set()
        self._await(lambda: self._judged <= self._heard)
        self._deaf.set()
        if self._source is not None:
            self._source.close()
        for thread in threads:
            thread.join(_DRAIN_S)
        return self._counted(self._clock.monotonic() - begun)

    def _counted(self, seconds: float) -> AbuseResult:
        rows = [" ".join(row) for kind in self._connector.actions() for row in self._center.rows(kind)]
        arrived = Counter(found.group() for row in rows if (found := _TOKEN.search(row)))
        is_as_planned = self._is_as_planned()
        lives = self._connector.bridge.lives
        self._connector.close()
        return AbuseResult(
            seconds=round(seconds, 1),
            deliveries=len(self._begun),
            lost=sum(not arrived[token] for token in self._begun),
            doubled=sum(count > 1 for count in arrived.values()),
            kills=self._kills,
            disconnects=self._disconnects,
            events_raised=self._raised(),
            lives=lives,
            longest_gap_s=round(self._gap_s, 1),
            verdicts=len(self._heard),
            verdicts_lost=len(self._judged - self._heard),
            is_as_planned=is_as_planned,
        )

    def _is_as_planned(self) -> bool:
        return self._kills >= self._plan.kills and self._raised() >= self._plan.events

    def _raised(self) -> int:
        return sum(int(row[0]) for row in self._center.rows("flooded"))

    def _await(self, condition: Callable[[], bool]) -> bool:
        end = self._clock.monotonic() + _DRAIN_S
        while not condition() and self._clock.monotonic() < end:
            self._deaf.wait(_LOOK_S)
        return condition()

    # Delivery, as the outbox does it

    def _deliver(self, alert: Alert) -> None:
        for action in self._connector.actions():
            delivery = a_delivery(alert, action)
            self._begun.append(delivery.token)
            end = self._clock.monotonic() + _DRAIN_S
            may_have_arrived = False
            while self._clock.monotonic() < end:
                try:
                    if not (may_have_arrived and self._connector.find(delivery, alert, CAMERA)):
                        self._connector.publish(delivery, alert, CAMERA)
                    break
                except VmsError as error:
                    is_certain = isinstance(error, VmsUnavailable) and not isinstance(error, ReplyLost)
                    may_have_arrived = may_have_arrived or not is_certain
                    self._over.wait(_RETRY_S if is_certain else _SETTLE_S)
            now = self._clock.monotonic()
            self._gap_s, self._delivered_at = max(self._gap_s, now - self._delivered_at), now

    # Trouble, each in a thread of its own

    def _kill(self) -> None:
        while self._kills < self._plan.kills and not self._over.wait(self._plan.seconds / (self._plan.kills + 1)):
            life = self._connector.bridge.life
            if life is not None and life.was_ready and life.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(life.pid, _KILL)
                    self._kills += 1

    def _disconnect(self) -> None:
        while not self._over.wait(self._plan.disconnect_s):
            self._center.order("disconnect", _AWAY_MS)
            self._disconnects += 1

    def _flood(self) -> None:
        """One after the other, as a flood that is cut off by a kill is done again."""
        while self._raised() < self._plan.events and not self._over.wait(_LOOK_S):
            before = self._raised()
            self._center.order("flood", min(_FLOOD, self._plan.events), _FLOOD_THREADS, "Other")
            end = self._clock.monotonic() + self._plan.disconnect_s
            while self._raised() == before and self._clock.monotonic() < end:
                if self._over.wait(_LOOK_S):
                    return

    # Verdicts

    def _judge(self) -> None:
        while not self._over.wait(self._plan.acknowledge_s):
            done = {row[0] for row in self._center.rows("acknowledged")}
            waiting = [row for row in self._center.rows("alarm") if row[0] not in done]
            if waiting:
                self._center.order("acknowledge", waiting[-1][0], "Ack", OPERATOR)
            self._judged |= {
                found.group()
                for row in self._center.rows("alarm")
                if row[0] in done and (found := _TOKEN.search(" ".join(row)))
            }

    def _listen(self) -> None:
        while not self._deaf.wait(_RETRY_S):
            with suppress(VmsError):
                self._source = self._connector.open_control(VERDICTS, self._began_at)
                for message in self._source.messages():
                    if isinstance(message, VerdictGiven):
                        self._heard.add(message.token)


def an_alert(captured_at: float) -> Alert:
    """Like no other."""
    return Alert(
        alert_id=uuid4(),
        camera_id=CAMERA.id,
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone",
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=captured_at,
        started_at=captured_at,
    )


def a_delivery(alert: Alert, action: str) -> Delivery:
    """What that alert needs."""
    return Delivery(
        key=Delivery.derive_key(alert.alert_id, CAMERA.vms, action),
        alert_id=alert.alert_id,
        camera_id=CAMERA.id,
        vms_id=CAMERA.vms,
        action=action,
        state=DeliveryState.SENDING,
        attempts=1,
    )
