"""The event server's SOAP alarm service (port 22331): alarms with boxes and pictures, and what operators do with them.

Facts (Milestone's AlarmList sample): SOAP 1.1 at ``/Central/AlarmServiceToken``, whose operations take the corporate
token first; namespaces, orders and enumerations as in ``wsdl/AlarmServiceToken.wsdl``. ``Add`` answers nothing: the id is
the one that the alarm brought. A fault carries ``AlarmServiceFault{ErrorDescription, ErrorReason}``.

Unverified: which scheme the service has, unless that is tried (it follows the event server's encryption); how long a
session of alarm lines lives unasked; that an alarm keeps the id it brought.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import requests
import zeep
from lxml import etree
from zeep import xsd

from connectors.milestone.access.rest import without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap_transport import Transport, fault_error, first_text, spoken
from connectors.milestone.publish.alarm_lines import (
    AlarmChanges,
    AlarmHistoryEntry,
    AlarmLine,
    EventLine,
    alarm_changes,
    alarm_lines,
    event_lines,
    history_entries,
)
from connectors.milestone.publish.alert_document import AlarmContent, alarm_parts
from connectors.milestone.settings import MilestoneSettings
from core.clock import iso_utc, utc_datetime
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ReplyLost,
    RequestInvalid,
    VmsError,
    VmsUnavailable,
)
from core.redaction import redact
from core.types import UtcSeconds

__all__ = [
    "AlarmChanges",
    "AlarmContent",
    "AlarmHistoryEntry",
    "AlarmLine",
    "AlarmService",
    "Condition",
    "EventLine",
    "Operator",
    "Target",
]

NAMESPACE = "http://videoos.net/2/CentralServerAlarmCommand"
PATH = "/Central/AlarmServiceToken"

_WSDL = Path(__file__).parent / "wsdl" / "AlarmServiceToken.wsdl"
_REACH = "Check 'alarm_server' (event server, port 22331), the firewall, and that the Event Server service runs."
_EXCERPT = 300

_Result = TypeVar("_Result")

_REASONS: dict[str, type[VmsError]] = {
    "InvalidAuthentication": AuthenticationRefused,
    "UnknownSession": NotFoundInVms,
    "Serialization": RequestInvalid,
    "DbConnection": VmsUnavailable,
    "DbRead": VmsUnavailable,
    "Read": VmsUnavailable,
    "DbWrite": ReplyLost,
    "DbUpdate": ReplyLost,
    "Unknown": ReplyLost,
}
"""What an ``ErrorReason`` means. After a failed write nobody says how far it went."""


class Operator(StrEnum):
    """How a condition compares."""

    EQUALS = "Equals"
    NOT_EQUALS = "NotEquals"
    LESS_THAN = "LessThan"
    GREATER_THAN = "GreaterThan"
    CONTAINS = "Contains"
    BEGINS_WITH = "BeginsWith"


class Target(StrEnum):
    """What a condition looks at."""

    LOCAL_ID = "LocalId"
    ID = "Id"
    STATE = "State"
    PRIORITY = "Priority"
    TIMESTAMP = "Timestamp"
    SOURCE_NAME = "SourceName"
    NAME = "Name"
    ASSIGNED_TO = "AssignedTo"
    TYPE = "Type"
    RULE_TYPE = "RuleType"
    LOCATION = "Location"
    MESSAGE = "Message"
    CUSTOM_TAG = "CustomTag"
    VENDOR_NAME = "VendorName"
    OBJECT_VALUE = "ObjectValue"
    DESCRIPTION = "Description"
    OBJECT_ID = "ObjectId"
    MODIFIED = "Modified"
    PRIORITY_NAME = "PriorityName"
    CATEGORY = "Category"
    CATEGORY_NAME = "CategoryName"
    STATE_NAME = "StateName"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter; several are all to be met. A ``datetime`` compares times, an ``int`` numbers."""

    target: Target
    operator: Operator
    value: str | int | datetime

    @staticmethod
    def since(target: Target, moment: UtcSeconds) -> Condition:
        """That a time (``MODIFIED``, ``TIMESTAMP``) is later than ``moment``."""
        return Condition(target, Operator.GREATER_THAN, utc_datetime(moment))


class AlarmService:
    """The alarm service of one XProtect system. Constructing does no I/O; thread-safe as far as ``requests`` is."""

    def __init__(self, session: XProtectSession, settings: MilestoneSettings) -> None:
        self._session = session
        self._settings = settings
        self._lock = threading.Lock()
        self._connected: tuple[str, Any] | None = None

    def add(self, alarm: AlarmContent) -> str:
        """Makes the alarm, with all that it tells, in one call; returns its id."""
        self._call("alarm", lambda service, token: service.Add(token=token, alarm={"_value_1": alarm_parts(alarm)}))
        return str(alarm.delivery.key)

    def lines(self, filter: Sequence[Condition], limit: int) -> list[AlarmLine]:  # noqa: A002 - the service's own word
        """Alarms that meet every condition, the newest first."""
        asked = {"from": 0, "maxCount": limit, "filter": _filter(filter)}
        with without_effect():
            return self._call(
                "alarm lines", lambda service, token: alarm_lines(service.GetAlarmLines(token=token, **asked))
            )

    def event_lines(self, filter: Sequence[Condition], limit: int) -> list[EventLine]:  # noqa: A002
        """Events that meet every condition, the newest first. The service stores only events with a retention."""
        asked = {"from": 0, "maxCount": limit, "filter": _filter(filter)}
        with without_effect():
            return self._call(
                "event lines", lambda service, token: event_lines(service.GetEventLines(token=token, **asked))
            )

    def start_session(self, filter: Sequence[Condition]) -> str:  # noqa: A002
        """Begins to follow the alarms that meet every condition; returns the session's id."""
        with without_effect():
            started = self._call(
                "alarm session",
                lambda service, token: service.StartAlarmLineSession(token=token, filter=_filter(filter)),
            )
        return str(started or "")

    def changes(self, session_id: str, limit: int) -> AlarmChanges:
        """What happened since the last call. Raises ``NotFoundInVms`` when the service no longer knows the session.

        The service tells a change once. A lost answer therefore raises ``ReplyLost``: begin a new session then.
        """
        return self._call(
            "alarm changes",
            lambda service, token: alarm_changes(
                service.GetSessionAlarmLines(token=token, maxCount=limit, sessionId=session_id)
            ),
        )

    def stop_session(self, session_id: str) -> None:
        """Ends following. A session that is not known any more has ended already."""
        with without_effect(), suppress(NotFoundInVms):
            self._call(
                "end of alarm session",
                lambda service, token: service.StopAlarmLineSession(token=token, sessionId=session_id),
            )

    def update(self, alarm_id: str, *, text: str, state: int, priority: int, assigned_to: str, at: UtcSeconds) -> None:
        """Sets state and priority by their numbers, and whom it is assigned to; ``text`` is the comment, ``at`` now."""
        self._call(
            "alarm update",
            lambda service, token: service.UpdateAlarm(
                token=token,
                id=alarm_id,
                text=text,
                state=state,
                priority=priority,
                time=iso_utc(at),
                assignedTo=assigned_to,
            ),
        )

    def history(self, alarm_id: str) -> list[AlarmHistoryEntry]:
        """Every change that was made to an alarm, in the order in which the service tells them."""
        with without_effect():
            return self._call(
                "alarm history",
                lambda service, token: history_entries(service.GetAlarmUpdateHistory(token=token, id=alarm_id)),
            )

    def _call(self, what: str, operation: Callable[[Any, str], _Result]) -> _Result:
        """Carries out ``operation``; once more with a fresh token when the one at hand is refused."""
        with without_effect():
            address, service = self._service()
            token = self._session.corporate.get()
        try:
            with spoken(f"{what} at {address}"):
                return operation(service, token)
        except AuthenticationRefused:
            with without_effect():
                token = self._session.corporate.renew(token)
        except VmsUnavailable as error:
            self._connected = None  # it may come back with another scheme
            raise type(error)(str(error), remedy=error.remedy or _REACH) from error
        with spoken(f"{what} at {address}"):
            return operation(service, token)

    def _service(self) -> tuple[str, Any]:
        with self._lock:
            if self._connected is None:
                address = self._address()
                transport = Transport(self._session.http, lambda _: "", read_fault=_fault)
                client = zeep.Client(str(_WSDL), transport=transport, settings=zeep.Settings(strict=False))  # type: ignore[no-untyped-call]
                binding = f"{{{NAMESPACE}}}AlarmServiceTokenBinding"
                self._connected = address, client.create_service(binding, address)  # type: ignore[no-untyped-call]
            return self._connected

    def _address(self) -> str:
        """With TLS; without it only where that is allowed, and the event server does not speak TLS there."""
        host, port = self._settings.alarm_server_address
        host = f"[{host}]" if ":" in host else host
        secure, plain = f"https://{host}:{port}{PATH}", f"http://{host}:{port}{PATH}"
        chosen = plain if self._settings.allow_http and not self._speaks_tls(secure) else secure
        self._settings.require_declared(chosen, "the alarm service")
        return chosen

    def _speaks_tls(self, url: str) -> bool:
        """Raises ``VmsUnavailable`` where nobody listens, or answers. A handshake that breaks off is a peer without TLS."""
        try:
            self._session.http.request("GET", url, what=f"alarm service at {url}", allow_redirects=False)
        except ReplyLost as error:
            if isinstance(error.__cause__, requests.exceptions.Timeout):
                raise
            return False
        return True


def _fault(fault: etree._Element, what: str) -> VmsError:
    """A fault with an ``AlarmServiceFault``, else as any SOAP fault of XProtect."""
    reason = first_text(fault, "ErrorReason")
    kind = _REASONS.get(reason)
    if kind is None:
        return fault_error(fault, what)
    said = first_text(fault, "ErrorDescription") or first_text(fault, "faultstring")
    return kind(f"{what}: {reason} {redact(said)[:_EXCERPT]}".rstrip(), remedy=_REMEDIES.get(kind, ""))


_DATABASE = "Look at the event server's database, which does not serve the Event Server service."

_REMEDIES: dict[type[VmsError], str] = {
    AuthenticationRefused: "Management Client → Security → Roles: give the role of this account its rights under Alarms.",
    VmsUnavailable: _DATABASE,
    ReplyLost: _DATABASE,
}


def _filter(conditions: Sequence[Condition]) -> dict[str, Any]:
    return {
        "Conditions": {
            "Condition": [
                {"Operator": str(item.operator), "Target": str(item.target), "Value": _typed(item.value)}
                for item in conditions
            ]
        },
        "Orders": {"OrderBy": [{"Order": "Descending", "Target": str(Target.TIMESTAMP)}]},
    }


def _typed(value: str | int | datetime) -> Any:
    """An ``xs:anyType`` must say its type."""
    if isinstance(value, datetime):
        return xsd.AnyObject(xsd.DateTime(), value)  # type: ignore[no-untyped-call]
    if isinstance(value, int):
        return xsd.AnyObject(xsd.Int(), value)  # type: ignore[no-untyped-call]
    return xsd.AnyObject(xsd.String(), value)  # type: ignore[no-untyped-call]
