"""Why an alarm was closed, by whom, and what they wrote: from the Alarms REST API and from the alarm's history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from connectors.milestone.access.rest import listed, single, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.verdict_book import AlarmDetails
from connectors.milestone.publish.alarm_service import AlarmHistoryEntry, AlarmService
from core.errors import VmsRefused

_log = structlog.get_logger(component="milestone")

_REASON_KEYS = frozenset({"reasonforclosing", "closereason", "reasoncode"})
"""REST writes it under the first, scripts read the last in the history; that REST reads it under any of them is
unverified, hence looked for on two levels."""
_COMMENT_KEYS = frozenset({"comment"})


class AlarmDetailsReader:
    """Asks whichever services there are. ``alarm_service`` is None where the SOAP alarm service is out of reach."""

    def __init__(self, session: XProtectSession, alarm_service: AlarmService | None) -> None:
        self._session = session
        self._alarm_service = alarm_service
        self._complained = False
        self._names: dict[str, str] = {}

    def __call__(self, alarm_id: str) -> AlarmDetails:
        """Its details as far as this account may read them. Raises ``VmsError`` where nobody answers for now."""
        entries = self._history(alarm_id)
        return AlarmDetails(
            reason=self._named(self._reason(alarm_id) or _last_value(entries, _REASON_KEYS)),
            by=entries[-1].author if entries else "",
            comment=_last_value(entries, _COMMENT_KEYS),
        )

    def _history(self, alarm_id: str) -> list[AlarmHistoryEntry]:
        """The changes, the last one last."""
        if self._alarm_service is None:
            return []
        try:
            return sorted(self._alarm_service.history(alarm_id), key=lambda entry: entry.at)
        except VmsRefused as error:
            self._complain(error)
            return []

    def _reason(self, alarm_id: str) -> str:
        if self._session.routes.alarms() != "rest":
            return ""
        what = f"alarm {alarm_id} of XProtect"
        try:
            with without_effect():
                response = self._session.rest("GET", f"/alarms/{alarm_id}", what=what, params={"include": "data"})
                return reason_in(single(succeeded(response, what), what))
        except VmsRefused as error:
            self._complain(error)
            return ""

    def _named(self, reason: str) -> str:
        """The name of a reason that is told by its id (unverified: which of the two an alarm tells)."""
        if not _is_id(reason) or self._session.routes.alarms() != "rest":
            return reason
        if reason.lower() not in self._names:
            self._names = self._reasons()
        return self._names.get(reason.lower(), reason)

    def _reasons(self) -> dict[str, str]:
        what = "reasons for closing of XProtect"
        try:
            with without_effect():
                found = listed(succeeded(self._session.rest("GET", "/closeReasons", what=what), what), what)
        except VmsRefused as error:
            self._complain(error)
            return {}
        return {str(item.get("id") or "").lower(): _text(item) for item in found}

    def _complain(self, error: VmsRefused) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("alarm_details_refused", reason=str(error), remedy=error.remedy)


def reason_in(alarm: Mapping[str, Any]) -> str:
    """The reason for closing, wherever the alarm says it: as text, or as an object with a name."""
    levels = [alarm, *(value for value in alarm.values() if isinstance(value, dict))]
    for level in levels:
        for key, value in level.items():
            if key.lower() in _REASON_KEYS and value:
                return _text(value)
    return ""


def _last_value(entries: Sequence[AlarmHistoryEntry], keys: Collection[str]) -> str:
    return next((entry.value for entry in reversed(entries) if entry.key.lower() in keys and entry.value), "")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or value.get("displayName") or value.get("id") or "")
    return str(value)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
