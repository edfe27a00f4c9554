"""Alarms through the gateway's Alarms REST API (2023 R2 and later)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from config.model import CameraSettings
from connectors.milestone import wording
from connectors.milestone.inventory import canonical_id
from connectors.milestone.rest import created_id, listed, succeeded, without_effect
from connectors.milestone.session import XProtectSession
from core.clock import parse_iso
from core.errors import VmsRefused
from core.types import Alert, Delivery, Receipt, UtcSeconds

_PAGE_SIZE = 100
_MAX_PAGES = 100
_CLOCKS_APART_S = 600.0
"""An alarm's time is the VMS's; so much earlier than its alert it can still be ours."""
_REMEDY = "The Alarms REST API needs XProtect 2023 R2 or later, and a role with rights under Alarms."


class AlarmPublisher:
    """Makes alarms whose message ends with the delivery's token, and looks for that token."""

    def __init__(self, session: XProtectSession) -> None:
        self._session = session

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Makes the alarm. Its source is the bare camera id, as in Milestone's sample."""
        what = "alarm in XProtect"
        body = {
            "name": wording.title(alert),
            "message": wording.description(delivery, alert, camera),
            "source": canonical_id(camera.device),
        }
        response = self._session.rest("POST", "/alarms", what=what, json=body)
        return Receipt(remote_id=created_id(succeeded(response, what, remedy=_REMEDY)))

    def find(self, delivery: Delivery, alert: Alert) -> Receipt | None:
        """Pages through the alarms for the token.

        In which order they come and how large a page may be is unverified: the search ends where a page brings
        nothing new, or runs from new to old and past the alert. Raises ``VmsRefused`` when the pages were not enough
        to tell: a person then decides, as sending again might double the alarm.
        """
        seen: set[str] = set()
        for page in range(_MAX_PAGES):
            alarms = self._page(page)
            for alarm in alarms:
                if delivery.token in str(alarm.get("message") or ""):
                    return Receipt(remote_id=str(alarm.get("id") or ""))
            fresh = {str(alarm.get("id") or "") for alarm in alarms} - seen
            if not fresh or _runs_past(alarms, alert.captured_at - _CLOCKS_APART_S):
                return None
            seen |= fresh
        raise VmsRefused(
            f"XProtect holds more than {len(seen)} alarms: whether {delivery.token} is among them stays unknown",
            remedy=f"Search the Alarm Manager for {delivery.token}: if it is missing, send this delivery again.",
        )

    def look(self) -> None:
        """Asks for one alarm. Raises ``VmsError`` where ``find`` could not ask either."""
        self._page(0, size=1)

    def _page(self, page: int, size: int = _PAGE_SIZE) -> list[dict[str, Any]]:
        what = "list of alarms of XProtect"
        with without_effect():
            response = self._session.rest("GET", "/alarms", what=what, params={"page": page, "size": size})
            return listed(succeeded(response, what, remedy=_REMEDY), what)


def _runs_past(alarms: list[dict[str, Any]], moment: UtcSeconds) -> bool:
    """Whether the alarms run from new to old and end before ``moment``."""
    times = [_time(alarm) for alarm in alarms]
    known = [time for time in times if time is not None]
    return (
        len(known) == len(times)
        and known[0] > known[-1]
        and all(newer >= older for newer, older in pairwise(known))
        and known[-1] < moment
    )


def _time(alarm: dict[str, Any]) -> UtcSeconds | None:
    try:
        return parse_iso(str(alarm.get("time") or ""))
    except ValueError:
        return None
