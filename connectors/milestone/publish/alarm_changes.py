"""What a person may do to an alarm of XProtect from our side: set its state or priority, comment on it, close it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from connectors.milestone.access.rest import listed, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.publish.alarm_service import AlarmLine, Condition, Operator, Target
from connectors.milestone.publish.alarms import REST_REMEDY, AlarmPublisher
from connectors.milestone.publish.alert_document import ALARM_PRIORITIES
from connectors.milestone.settings import MilestoneSettings
from core.contracts import Clock
from core.errors import NotFoundInVms
from core.types import Priority

_Value = TypeVar("_Value")

_REST_PRIORITIES = {
    Priority.HIGH: "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75",
    Priority.MEDIUM: "9ad9338b-22ba-4f2e-bf62-e6948ae99bbf",
    Priority.LOW: "34f1f987-6854-44fb-88a5-daa0add1e38a",
}
"""Ids of XProtect's own priorities in alarm definitions; that alarms have the same is inferred."""

_SOAP_STATES = {"new": 1, "in progress": 4, "on hold": 9, "closed": 11}
"""As Milestone's AlarmList sample numbers them."""


class AlarmEditor:
    """Changes alarms by the same route by which ``AlarmPublisher`` makes them."""

    def __init__(
        self, session: XProtectSession, settings: MilestoneSettings, alarms: AlarmPublisher, clock: Clock
    ) -> None:
        self._session = session
        self._closed_words = settings.verdicts.closed
        self._alarms = alarms
        self._clock = clock

    def update(
        self, alarm_id: str, *, state: str = "", priority: Priority | None = None, comment: str = "", reason: str = ""
    ) -> None:
        """Sets what is given. ``state`` is the name that XProtect shows; ``reason`` is that for closing.

        Raises ``NotFoundInVms`` for an alarm or a state that XProtect does not have.
        """
        self._change(alarm_id, (state,) if state else (), priority, comment, reason)

    def close(self, alarm_id: str, *, comment: str = "", reason: str = "") -> None:
        """Sets the state that the settings' ``verdicts: closed`` name."""
        self._change(alarm_id, self._closed_words, None, comment, reason)

    def _change(
        self, alarm_id: str, states: Sequence[str], priority: Priority | None, comment: str, reason: str
    ) -> None:
        if self._alarms.route() == "soap":
            self._change_by_soap(alarm_id, states, priority, ": ".join(filter(None, (reason, comment))))
            return
        wanted = {
            "state": self._state_id(states) if states else None,
            "priority": _REST_PRIORITIES[priority] if priority else None,
            "comment": comment or None,
            "reasonForClosing": reason or None,
        }
        what = f"change of alarm {alarm_id} in XProtect"
        body = {name: value for name, value in wanted.items() if value}
        succeeded(self._session.rest("PATCH", f"/alarms/{alarm_id}", what=what, json=body), what, remedy=REST_REMEDY)

    def _state_id(self, names: Sequence[str]) -> str:
        what = "alarm states of XProtect"
        with without_effect():
            response = self._session.rest("GET", "/alarmStates", what=what)
            known = {_folded(item): str(item.get("id") or "") for item in listed(succeeded(response, what), what)}
        return _first(known, names)

    def _change_by_soap(self, alarm_id: str, states: Sequence[str], priority: Priority | None, text: str) -> None:
        """``UpdateAlarm`` sets all of its values, hence the others are read first. The reason is part of the text."""
        line = self._line(alarm_id)
        self._alarms.alarm_service.update(
            alarm_id,
            text=text,
            state=_first(_SOAP_STATES, states) if states else line.state,
            priority=ALARM_PRIORITIES[priority] if priority else line.priority,
            assigned_to=line.assigned_to,
            at=self._clock.utc(),
        )

    def _line(self, alarm_id: str) -> AlarmLine:
        """That the service compares ids as text is unverified."""
        found = self._alarms.alarm_service.lines((Condition(Target.ID, Operator.EQUALS, alarm_id),), 1)
        if not found:
            raise NotFoundInVms(
                f"XProtect has no alarm {alarm_id}", remedy="It may have been deleted by its retention."
            )
        return found[0]


def _folded(item: dict[str, Any]) -> str:
    return str(item.get("name") or "").casefold()


def _first(known: Mapping[str, _Value], names: Sequence[str]) -> _Value:
    found = next((known[name.casefold()] for name in names if name.casefold() in known), None)
    if found is None:
        raise NotFoundInVms(
            f"XProtect has no alarm state {' or '.join(map(repr, names))}",
            remedy=f"It has {', '.join(map(repr, known)) or 'none'}: name the one meant in 'verdicts: closed'.",
        )
    return found
