"""Looking for one thing in a REST list whose order and page size are unverified."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from connectors.milestone.access.rest import listed, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from core.clock import parse_iso
from core.errors import VmsRefused
from core.types import UtcSeconds

_PAGE_SIZE = 100
_MAX_PAGES = 100
_CLOCKS_APART_S = 600.0
"""A thing's time is the VMS's; so much earlier than its alert it can still be ours."""


class PagedList:
    """A collection such as ``/alarms`` or ``/events``, whose objects have an ``id`` and a ``time``."""

    def __init__(self, session: XProtectSession, collection: str, *, remedy: str, **params: str) -> None:
        self._session = session
        self._collection = collection
        self._remedy = remedy
        self._params = params

    def search(
        self, is_wanted: Callable[[dict[str, Any]], bool], *, words: str, since: UtcSeconds
    ) -> dict[str, Any] | None:
        """The first object that is wanted; ``words`` name it in errors, ``since`` is its alert's time.

        The search ends where a page brings nothing new, or runs from new to old and past ``since``. Raises
        ``VmsRefused`` when the pages were not enough to tell: a person then decides, as sending again might double it.
        """
        seen: set[str] = set()
        for number in range(_MAX_PAGES):
            items = self.page(number)
            wanted = next(filter(is_wanted, items), None)
            if wanted is not None:
                return wanted
            fresh = {str(item.get("id") or "") for item in items} - seen
            if not fresh or _runs_past(items, since - _CLOCKS_APART_S):
                return None
            seen |= fresh
        raise VmsRefused(
            f"XProtect holds more than {len(seen)} {self._collection}: whether {words} is among them stays unknown",
            remedy=f"Search the Alarm Manager for {words}: if it is missing, send this delivery again.",
        )

    def page(self, number: int, size: int = _PAGE_SIZE) -> list[dict[str, Any]]:
        """One page, counted from 0."""
        what = f"list of {self._collection} of XProtect"
        params = {"page": number, "size": size, **self._params}
        with without_effect():
            response = self._session.rest("GET", f"/{self._collection}", what=what, params=params)
            return listed(succeeded(response, what, remedy=self._remedy), what)


def _runs_past(items: list[dict[str, Any]], moment: UtcSeconds) -> bool:
    """Whether the objects run from new to old and end before ``moment``."""
    times = [_time(item) for item in items]
    known = [time for time in times if time is not None]
    return (
        len(known) == len(times)
        and known[0] > known[-1]
        and all(newer >= older for newer, older in pairwise(known))
        and known[-1] < moment
    )


def _time(item: dict[str, Any]) -> UtcSeconds | None:
    try:
        return parse_iso(str(item.get("time") or ""))
    except ValueError:
        return None
