"""Operators' verdicts by asking the Alarms REST API again and again: for sites whose SOAP alarm service is out of reach.

The API has a live session too, but its protocol is unpublished. In which order the pages come is unverified: it is
found out from the first ones.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from connectors.milestone.access.rest import listed, single, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.camera_states import event_time
from connectors.milestone.control.verdict_book import AlarmSeen, VerdictBook
from core.contracts import Clock, ControlSource
from core.errors import NotFoundInVms, VmsError
from core.types import ControlMessage, Linked, UtcSeconds, VerdictGiven

_POLL_S = 0.8
_PAGE_SIZE = 100
_MAX_PAGES = 20
"""So many are searched for alarms that are still open when the link begins."""
_OLDER_PER_POLL = 5
"""Open alarms that are no longer on the newest page are looked at in turn, so many each time."""
_MAX_TRACKED = 5_000


class AlarmPageSource(ControlSource):
    """Reads the newest page about every second, and the older open alarms in turn."""

    def __init__(self, session: XProtectSession, book: VerdictBook, clock: Clock, *, since: UtcSeconds) -> None:
        self._session = session
        self._book = book
        self._clock = clock
        self._since = since
        self._closed = threading.Event()
        self._updated: OrderedDict[str, str] = OrderedDict()
        self._open: OrderedDict[str, None] = OrderedDict()
        self._newest = 0

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed.is_set():
            return
        try:
            alarms = self._all()
            yield Linked()
            yield from self._read(alarms)
            while not self._closed.wait(_POLL_S):
                yield from self._read(self._poll())
        except VmsError:
            if not self._closed.is_set():
                raise

    def close(self) -> None:
        self._closed.set()
        self._book.close()

    def _all(self) -> list[dict[str, Any]]:
        """What is there now; leaves the number of the newest page in ``_newest``."""
        found: OrderedDict[str, dict[str, Any]] = OrderedDict()
        number = 0
        for number in range(_MAX_PAGES):
            page = self._page(number)
            fresh = [alarm for alarm in page if _id(alarm) not in found]
            if not fresh or self._closed.is_set():
                break
            found.update((_id(alarm), alarm) for alarm in fresh)
        times = [event_time(alarm, 0.0) for alarm in found.values()]
        runs_upwards = len(times) > 1 and times[0] < times[-1]
        self._newest = max(0, number - 1) if runs_upwards else 0
        return list(found.values())

    def _poll(self) -> list[dict[str, Any]]:
        alarms = self._page(self._newest)
        if self._newest and len(alarms) == _PAGE_SIZE:
            self._newest += 1
        here = {_id(alarm) for alarm in alarms}
        older = list(islice((alarm_id for alarm_id in self._open if alarm_id not in here), _OLDER_PER_POLL))
        for alarm_id in older:
            alarms.extend(self._one(alarm_id))
        return alarms

    def _read(self, alarms: list[dict[str, Any]]) -> Iterator[VerdictGiven]:
        return self._book.verdicts([seen for seen in map(self._news, alarms) if seen is not None])

    def _news(self, alarm: dict[str, Any]) -> AlarmSeen | None:
        """The alarm, if it changed since it was last read, or since the link was last heard where it is read first.

        Without a time of update its state stands in.
        """
        mark = f"{alarm.get('lastUpdatedTime')} {_name(alarm.get('state'))}"
        before = self._updated.get(_id(alarm))
        if before == mark:
            return None
        self._updated[_id(alarm)] = mark
        self._updated.move_to_end(_id(alarm))
        while len(self._updated) > _MAX_TRACKED:
            self._updated.popitem(last=False)
        seen = _seen(alarm, self._clock.utc())
        self._track(seen)
        return seen if before is not None or seen.is_since(self._since) else None

    def _track(self, alarm: AlarmSeen) -> None:
        if not self._book.is_ours(alarm) or self._book.is_closed(alarm):
            self._open.pop(alarm.alarm_id, None)
            return
        self._open[alarm.alarm_id] = None
        while len(self._open) > _MAX_TRACKED:
            self._open.popitem(last=False)

    def _page(self, number: int) -> list[dict[str, Any]]:
        what = "list of alarms of XProtect"
        with without_effect():
            response = self._session.rest("GET", "/alarms", what=what, params={"page": number, "size": _PAGE_SIZE})
            return listed(succeeded(response, what), what)

    def _one(self, alarm_id: str) -> list[dict[str, Any]]:
        """The alarm, to be looked at last next time; nothing when it is there no more."""
        what = f"alarm {alarm_id} of XProtect"
        self._open.move_to_end(alarm_id)
        try:
            with without_effect():
                response = self._session.rest("GET", f"/alarms/{alarm_id}", what=what)
                return [single(succeeded(response, what), what)]
        except NotFoundInVms:
            self._open.pop(alarm_id, None)
            return []


def _seen(alarm: dict[str, Any], now: UtcSeconds) -> AlarmSeen:
    assigned = alarm.get("assignedTo")
    return AlarmSeen(
        alarm_id=_id(alarm),
        texts=(str(alarm.get("customTag") or ""), str(alarm.get("message") or "")),
        state=_name(alarm.get("state")),
        category=_name(alarm.get("category")),
        modified=event_time({"time": alarm.get("lastUpdatedTime")}, now),
        assigned_to=str(assigned.get("displayName") or "") if isinstance(assigned, dict) else "",
    )


def _id(alarm: dict[str, Any]) -> str:
    return str(alarm.get("id") or "").lower()


def _name(value: Any) -> str:
    return str(value.get("name") or "") if isinstance(value, dict) else str(value or "")
