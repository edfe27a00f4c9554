"""Events that XProtect stored while nobody listened, by the Events REST API (2023 R2 and later)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import structlog

from connectors.milestone.access.rest import listed, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.camera_states import event_time
from core.errors import VmsError, VmsUnavailable
from core.types import UtcSeconds

_log = structlog.get_logger(component="milestone")

_PAGE_SIZE = 500
_MAX_PAGES = 20
_CLOCKS_APART_S = 60.0
"""The VMS's clock may be so far behind ours."""


def stored_events(session: XProtectSession, types: Collection[str], since: UtcSeconds) -> list[dict[str, Any]]:
    """Events of these types since then, oldest first, as far as XProtect can be asked.

    It keeps events only of types whose retention is a day or more, and it may refuse: what was missed then stays
    missed, which is logged, as listening is worth more. The order of its pages is unverified. Raises ``VmsUnavailable``
    where nobody answers for now.
    """
    found: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    try:
        for number in range(_MAX_PAGES):
            page = newest_events(session, number)
            fresh = {str(event.get("id") or "") for event in page} - seen
            seen |= fresh
            found.update({str(event.get("id") or ""): event for event in wanted_events(page, types, since)})
            if not fresh or _runs_past(page, since - _CLOCKS_APART_S):
                break
        else:
            _log.warning("missed_events_not_listed", reason=f"XProtect holds more than the {len(seen)} that were read")
    except VmsUnavailable:
        raise
    except VmsError as error:
        _log.warning("missed_events_not_listed", reason=str(error), remedy=error.remedy)
    return sorted(found.values(), key=lambda event: event_time(event, 0.0))


def newest_events(session: XProtectSession, page: int = 0) -> list[dict[str, Any]]:
    """One page of stored events. Raises ``VmsError``."""
    what = "list of events of XProtect"
    with without_effect():
        response = session.rest("GET", "/events", what=what, params={"page": page, "size": _PAGE_SIZE})
        return listed(succeeded(response, what), what)


def wanted_events(events: Sequence[dict[str, Any]], types: Collection[str], since: UtcSeconds) -> list[dict[str, Any]]:
    """Those of these types that are not older than ``since``, a difference of clocks allowed for."""
    return [
        event
        for event in events
        if str(event.get("type") or "").lower() in types and event_time(event, 0.0) >= since - _CLOCKS_APART_S
    ]


def _runs_past(page: Sequence[dict[str, Any]], moment: UtcSeconds) -> bool:
    """Whether the events run from new to old and end before ``moment``."""
    times = [event_time(event, 0.0) for event in page]
    return times[0] > times[-1] and all(newer >= older for newer, older in pairwise(times)) and times[-1] < moment
