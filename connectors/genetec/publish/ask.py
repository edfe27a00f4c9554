"""Asks Security Center whether it already has a delivery, by looking for its token in reports.

Unverified on a real system: that the ``CameraEvent`` report shows the message of custom events, and the names of the
columns. So the token is looked for in every value of every row. While this system refuses a report, its action is not in
``askable`` and delivery falls back to at-least-once; from time to time it is asked again, as somebody may have allowed
it, or what failed may work. A direct alarm carries no token at all.
"""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import urlsplit

import structlog

from config.model import CameraSettings
from connectors.genetec.access.spans import TooManyRows, time_range, whole_answers
from connectors.genetec.access.websdk import Answer, WebSdk
from connectors.genetec.inventory.inventory import camera_guid
from connectors.protocols.capture_time import PLAUSIBLE_S
from core.contracts import Clock
from core.errors import NotFoundInVms, VmsRefused
from core.types import Alert, Delivery, Receipt, UtcSeconds

REPORTS = {"event": "CameraEvent", "bookmark": "Bookmark"}
"""Which report shows what an action made."""

_CLOCKS_APART_S = 600.0
"""An event has the time at which it was raised, on Security Center's clock: so far may that be from ours."""

_RAISED_BEFORE_CAPTURE_S = PLAUSIBLE_S + _CLOCKS_APART_S
"""Capture times are the recorder's, whose clock may be ahead of ours as far as it is believed."""

_BOOKMARK_MARGIN_S = 5.0
"""A bookmark has the capture time, as exactly as the archive keeps it."""

ASK_AGAIN_S = 600.0
"""A report that was refused is left alone for so long."""

_log = structlog.get_logger(component="genetec")


class Asker:
    """Finds deliveries; ``askable`` shrinks while a report turns out not to be available."""

    def __init__(self, base_url: str, sdk: WebSdk, clock: Clock) -> None:
        self._place = urlsplit(base_url).netloc
        self._sdk = sdk
        self._clock = clock
        self._refused_at: dict[str, float] = {}

    @property
    def askable(self) -> frozenset[str]:
        """Actions whose report was not refused of late."""
        limit = self._clock.monotonic() - ASK_AGAIN_S
        return frozenset(action for action in REPORTS if self._refused_at.get(action, limit) <= limit)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """The receipt when a report shows the token."""
        begin, end = self._span(delivery.action, alert)
        try:
            is_shown = self._is_shown(delivery, camera, begin, end)
        except NotFoundInVms:
            return None  # it is the camera that is unknown: publishing says so
        except TooManyRows as error:
            raise VmsRefused(
                f"{error}: whether the delivery is there cannot be told",
                remedy="Look for it in Security Desk: if it is missing, send this delivery again.",
            ) from error
        except VmsRefused as error:
            self._sdk.ping()  # raises when it is the account that is refused, and not the report
            self._give_up(delivery.action, str(error))
            return None
        if self._refused_at.pop(delivery.action, None) is not None:
            _log.info("can be asked again", vms=self._place, action=delivery.action)
        return Receipt() if is_shown else None

    def try_report(self, action: str, camera: CameraSettings) -> None:
        """Asks for the last minute; raises ``VmsRefused`` when this system does not give the report."""
        now = self._clock.utc()
        self._report(action, camera, now - 60.0, now)

    def _span(self, action: str, alert: Alert) -> tuple[UtcSeconds, UtcSeconds]:
        if action == "bookmark":
            return alert.captured_at - _BOOKMARK_MARGIN_S, alert.captured_at + _BOOKMARK_MARGIN_S
        return alert.captured_at - _RAISED_BEFORE_CAPTURE_S, self._clock.utc() + _CLOCKS_APART_S

    def _is_shown(self, delivery: Delivery, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> bool:
        answers = whole_answers(partial(self._report, delivery.action, camera), begin, end)
        return any(delivery.token in json.dumps(answer.result) for answer in answers)

    def _report(self, action: str, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> Answer:
        query = f"Cameras@{camera_guid(camera)},{time_range(begin, end)}"
        return self._sdk.ask(f"/report/{REPORTS[action]}", query, what=f"look for {action}s of {camera.id}")

    def _give_up(self, action: str, reason: str) -> None:
        if action not in self._refused_at:
            _log.warning(
                "cannot be asked: a lost answer now means sending again", vms=self._place, action=action, why=reason
            )
        self._refused_at[action] = self._clock.monotonic()
