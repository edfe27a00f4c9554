"""What an alert becomes through the SDK, and whether it is there already.

The delivery's token stands in the event's message, the alarm's context and the bookmark's text. Reports show it again:
for alarms by the column of that name; that the reports of events and bookmarks show texts as notes is unverified.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from config.model import CameraSettings
from connectors.genetec.access.spans import TooManyRows, whole_answers
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.publish.wording import payload, text
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.settings import GenetecSdkSettings
from connectors.protocols.capture_time import PLAUSIBLE_S
from core.contracts import Clock
from core.errors import AuthenticationRefused, NotFoundInVms, RequestInvalid, RightMissing, VmsRefused
from core.types import Alert, Delivery, Priority, Receipt, UtcSeconds

ANALYTICS_EVENTS: Final[Mapping[str, str]] = {
    "zone_presence": "VideoAnalyticsObjectInField",
    "line_crossing": "VideoAnalyticsObjectCrossedLine",
    "wrong_direction": "VideoAnalyticsDirectionAlarm",
    "loitering": "VideoAnalyticsObjectLoitering",
    "stopped_vehicle": "VideoAnalyticsObjectStopped",
    "abandoned_object": "VideoAnalyticsObjectLeft",
    "person_down": "VideoAnalyticsObjectFall",
    "crowd_density": "VideoAnalyticsCrowdDetected",
}
"""Built-in events by rule type; the alerts of other rules become the custom event."""

REPORTS: Final[Mapping[str, str]] = {"event": "CameraEvent", "bookmark": "Bookmark"}

_PRIORITIES: Final[Mapping[Priority, int]] = {Priority.HIGH: 1, Priority.MEDIUM: 100, Priority.LOW: 200}
"""1 is the most urgent of 255."""

_NOT_TRIGGERED: Final = -1
_CLOCKS_APART_S: Final = 600.0
_BOOKMARK_MARGIN_S: Final = 5.0
_ASK_AGAIN_S: Final = 600.0

_log = structlog.get_logger(component="genetec-sdk")


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of a span: ``text``, and of alarms ``instance`` and how it was acknowledged."""

    rows: list[Mapping[str, Any]]
    is_complete: bool


class Publisher:
    """Publishes, and finds what was published."""

    def __init__(self, settings: GenetecSdkSettings, bridge: Bridge, clock: Clock) -> None:
        self._settings = settings
        self._bridge = bridge
        self._clock = clock
        self._refused_at: dict[str, float] = {}

    @property
    def askable(self) -> frozenset[str]:
        """Actions whose report was not refused of late. A built-in event has no text that a report is known to show."""
        limit = self._clock.monotonic() - _ASK_AGAIN_S
        asked = {*REPORTS, "alarm"}.intersection(self._settings.publish)
        return frozenset(action for action in asked if self._refused_at.get(action, limit) <= limit)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it. Raises ``VmsError``, as the contract of connectors says."""
        match delivery.action:
            case "event":
                return self._raise_event(delivery, alert, camera)
            case "analytics":
                return self._raise_analytics(delivery, alert, camera)
            case "alarm":
                return self._trigger_alarm(delivery, alert, camera)
            case "bookmark":
                message = text(delivery, alert)
                self._bridge.ask("add a bookmark", camera=camera_guid(camera), at=alert.captured_at, message=message)
                return Receipt()
            case _:
                raise RequestInvalid(
                    f"the SDK has no action {delivery.action!r}", remedy="Known: event, analytics, alarm, bookmark."
                )

    def _raise_event(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        self._bridge.ask(
            "raise an event",
            camera=camera_guid(camera),
            at=alert.captured_at,
            number=self._settings.event_id,
            message=text(delivery, alert),
            payload=payload(delivery, alert, camera),
        )
        return Receipt()

    def _raise_analytics(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        kind = ANALYTICS_EVENTS.get(alert.rule_type)
        if kind is None:
            return self._raise_event(delivery, alert, camera)
        self._bridge.ask(
            "raise an analytics event",
            camera=camera_guid(camera),
            at=alert.captured_at,
            type=kind,
            metadata=payload(delivery, alert, camera),
            image=base64.b64encode(alert.snapshot_jpeg).decode("ascii"),
        )
        return Receipt()

    def _trigger_alarm(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        guid = camera_guid(camera)
        instance = self._bridge.ask(
            "trigger an alarm",
            alarm=str(self._settings.alarm),
            camera=guid,
            context=text(delivery, alert),
            priority=_PRIORITIES[alert.priority],
            attached=[guid],
        )
        if instance == _NOT_TRIGGERED:
            raise RequestInvalid(
                f"Security Center did not trigger alarm {self._settings.alarm}",
                remedy="Check 'alarm', and that the user may trigger alarms.",
            )
        return Receipt(remote_id=str(instance))

    # Asking

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """The receipt when a report shows the token; while a report is refused its action is not in ``askable``."""
        begin, end = self._span(delivery.action, alert)
        try:
            row = self._row(delivery, camera, begin, end)
        except NotFoundInVms:
            return None  # it is the camera that is unknown: publishing says so
        except TooManyRows as error:
            raise VmsRefused(
                f"{error}: whether the delivery is there cannot be told",
                remedy="Look for it in Security Desk, then send it again with 'vigie parked' if it is missing.",
            ) from error
        except VmsRefused as error:
            if isinstance(error, AuthenticationRefused) and not isinstance(error, RightMissing):
                raise
            if delivery.action not in self._refused_at:
                _log.warning(
                    "cannot be asked: a lost answer means sending again", action=delivery.action, why=str(error)
                )
            self._refused_at[delivery.action] = self._clock.monotonic()
            return None
        self._refused_at.pop(delivery.action, None)
        return None if row is None else Receipt(remote_id=str(row.get("instance") or ""))

    def report(self, action: str, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> Report:
        """What an action made."""
        if action == "alarm":
            return alarm_report(self._bridge, self._settings, begin, end)
        camera_id = camera_guid(camera)
        return Report(
            **self._bridge.ask("read a report", report=REPORTS[action], camera=camera_id, begin=begin, end=end)
        )

    def _span(self, action: str, alert: Alert) -> tuple[UtcSeconds, UtcSeconds]:
        if action == "bookmark":
            return alert.captured_at - _BOOKMARK_MARGIN_S, alert.captured_at + _BOOKMARK_MARGIN_S
        latest = max(alert.captured_at, self._clock.utc())  # the recorder's clock may be ahead of ours
        return alert.captured_at - PLAUSIBLE_S - _CLOCKS_APART_S, latest + _CLOCKS_APART_S

    def _row(
        self, delivery: Delivery, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds
    ) -> Mapping[str, Any] | None:
        """The row that shows the token. Raises ``TooManyRows`` when not every row can be seen."""
        for answer in whole_answers(partial(self.report, delivery.action, camera), begin, end):
            for row in answer.rows:
                if delivery.token in str(row["text"]):
                    return row
        return None


def alarm_report(
    bridge: Bridge,
    settings: GenetecSdkSettings,
    begin: UtcSeconds,
    end: UtcSeconds,
    *,
    instance: int = 0,
    acknowledged: bool = False,
) -> Report:
    """Instances of our alarm that were triggered then: ``text`` is their context."""
    return Report(
        **bridge.ask(
            "read alarms",
            alarm=str(settings.alarm),
            begin=begin,
            end=end,
            instance=instance,
            acknowledged=acknowledged,
        )
    )
