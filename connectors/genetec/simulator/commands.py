"""The Web SDK's commands: verb and path to what is done (public wiki page "web-sdk-endpoints", sample WebSDKStudio).

Unverified: that a known path with the wrong verb is a 404 like an unknown one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.genetec.simulator import events
from connectors.genetec.simulator.alarms import AlarmDesk
from connectors.genetec.simulator.entities import run_entity_query
from connectors.genetec.simulator.envelope import Reply
from connectors.genetec.simulator.events import EventDesk
from connectors.genetec.simulator.payload import payload_of
from connectors.genetec.simulator.privileges import CONFIGURE, Privileges
from connectors.genetec.simulator.query import Kind, Operation, parse_query
from connectors.genetec.simulator.reports import Reports
from connectors.genetec.simulator.sessions import Session
from connectors.genetec.simulator.site import Site
from core.clock import parse_iso
from core.errors import NotFoundInVms, RequestInvalid
from core.types import Json

_CUSTOM_EVENT_ID = re.compile(r"CustomEventId\((\d+)\)")
_BOOKMARK_PARTS = 3
_ACKNOWLEDGE_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, as a command sees it."""

    session: Session
    names: Mapping[str, str]
    """What stands in the path's places."""
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""

    @property
    def q(self) -> str:
        """The text after ``q=``."""
        return self.query.get("q", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A command. ``is_publishing``: the ``publish`` fault plan counts it."""

    verbs: tuple[str, ...]
    path: tuple[str, ...]
    run: Callable[[Call], Reply]
    is_publishing: bool = False

    def match(self, verb: str, segments: tuple[str, ...]) -> dict[str, str] | None:
        """What stands in the places of the path, or None when it is another command."""
        if verb not in self.verbs or len(segments) != len(self.path):
            return None
        pairs = list(zip(self.path, segments, strict=True))
        if any(not place.startswith("{") and place != text for place, text in pairs):
            return None
        return {place.strip("{}"): text for place, text in pairs if place.startswith("{")}


class Commands:
    """Every command of the simulator."""

    def __init__(
        self,
        site: Site,
        alarms: AlarmDesk,
        event_desk: EventDesk,
        reports: Reports,
        privileges: Privileges,
    ) -> None:
        self._privileges = privileges
        self._site = site
        self._alarms = alarms
        self._events = event_desk
        self._reports = reports
        self.routes = self._routes()

    def allows(self, names: Mapping[str, str]) -> bool:
        """Whether the account may use the report that is named, if any."""
        return self._privileges.allows(names.get("type", ""))

    def _routes(self) -> tuple[Route, ...]:
        get, post, both = ("GET",), ("POST",), ("GET", "POST")
        return (
            Route(verbs=get, path=(), run=lambda _: Reply()),
            Route(verbs=both, path=("entity",), run=self._entity_query),
            Route(verbs=get, path=("entity", "exists", "{id}"), run=self._exists),
            Route(verbs=get, path=("entity", "basic", "{id}"), run=self._basic),
            Route(verbs=get, path=("entity", "{id}"), run=self._full),
            Route(verbs=("DELETE",), path=("entity", "{id}"), run=self._delete),
            Route(verbs=get, path=("events", "subscribe"), run=self._subscribe),
            Route(verbs=get, path=("events", "unsubscribe"), run=self._unsubscribe),
            Route(
                verbs=get, path=("events", "subscribed"), run=lambda call: Reply(result=events.subscribed(call.session))
            ),
            Route(verbs=post, path=("events", "closeconnection", "{connection}"), run=self._close_connection),
            Route(verbs=post, path=("events", "alarmMonitoring", "{switch}"), run=self._alarm_monitoring),
            Route(verbs=post, path=("events", "RaiseEvent", "{type}", "{id}"), run=self._raise, is_publishing=True),
            Route(
                verbs=post,
                path=("events", "RaiseCustomEvent", "{event}", "{id}"),
                run=self._raise_custom,
                is_publishing=True,
            ),
            Route(
                verbs=post,
                path=("events", "RaiseCustomEvent", "{event}", "{id}", "{message}"),
                run=self._raise_custom,
                is_publishing=True,
            ),
            Route(verbs=get, path=("alarm",), run=self._alarm, is_publishing=True),
            Route(verbs=get, path=("activealarms",), run=self._active_alarms),
            Route(verbs=post, path=("action",), run=self._action, is_publishing=True),
            Route(verbs=get, path=("report", "{type}"), run=lambda call: self._reports.run(call.names["type"], call.q)),
        )

    def _entity_query(self, call: Call) -> Reply:
        return Reply(result=run_entity_query(call.q, self._site, self._privileges))

    def _exists(self, call: Call) -> Reply:
        return Reply(result={"Value": self._site.exists(call.names["id"])})

    def _basic(self, call: Call) -> Reply:
        entity = self._site.find(call.names["id"])
        return Reply(result={name: entity.read(name) for name in ("Guid", "Name", "EntityType", "LogicalId")})

    def _full(self, call: Call) -> Reply:
        return Reply(result=self._site.find(call.names["id"]).everything())

    def _delete(self, call: Call) -> Reply:
        self._privileges.require(CONFIGURE)
        self._site.delete(self._site.find(call.names["id"]))
        return Reply()

    def _subscribe(self, call: Call) -> Reply:
        events.subscribe(call.session, call.q, self._site)
        return Reply()

    def _unsubscribe(self, call: Call) -> Reply:
        events.unsubscribe(call.session, call.q, self._site)
        return Reply()

    def _close_connection(self, call: Call) -> Reply:
        stream = call.session.streams.get(call.names["connection"])
        if stream is None:
            raise NotFoundInVms("there is no such connection")
        stream.close()
        return Reply()

    def _alarm_monitoring(self, call: Call) -> Reply:
        if call.names["switch"] not in {"on", "off"}:
            raise RequestInvalid("alarm monitoring is on or off")
        call.session.monitors_alarms = call.names["switch"] == "on"
        return Reply()

    def _raise(self, call: Call) -> Reply:
        self._events.raise_built_in(call.names["type"], self._site.find(call.names["id"]))
        return Reply()

    def _raise_custom(self, call: Call) -> Reply:
        event = self._site.custom_event(call.names["event"])
        source = self._site.find(call.names["id"])
        text = call.names.get("message", call.query.get("msg", ""))
        self._events.raise_custom(event, source, text, payload_of(call.content_type, call.body))
        return Reply()

    def _alarm(self, call: Call) -> Reply:
        for operation in parse_query(call.q):
            if _is_call(operation, "TriggerAlarm", 1):
                self._alarms.trigger(self._site.find(operation.value, "Alarm"))
            elif _is_call(operation, "AcknowledgeAlarm", _ACKNOWLEDGE_PARTS):
                number, alarm, how = operation.values
                self._alarms.acknowledge(number, self._site.find(alarm, "Alarm"), how.strip(), call.session.user)
            else:
                raise RequestInvalid(f"{operation.member} is not an alarm command in that form")
        return Reply()

    def _active_alarms(self, _call: Call) -> Reply:
        found: list[Json] = [self._alarms.described(instance) for instance in self._alarms.active()]
        return Reply(result=found)

    def _action(self, call: Call) -> Reply:
        """All are checked before the first is done (unverified: the role may do some and refuse others)."""
        for todo in [self._checked_action(operation) for operation in parse_query(call.q)]:
            todo()
        return Reply()

    def _checked_action(self, operation: Operation) -> Callable[[], None]:
        if _is_call(operation, "AddCameraBookmark", _BOOKMARK_PARTS):
            camera, at, text = self._site.find(operation.values[0], "Camera"), operation.values[1], operation.values[2]
            moment = _moment(at)
            return lambda: self._events.bookmark(camera, moment, text)
        if _is_call(operation, "RaiseCustomEvent", 1):
            found = _CUSTOM_EVENT_ID.fullmatch(operation.value)
            event = self._site.custom_event(found[1] if found else operation.value)
            return lambda: self._events.raise_custom(event, None, "", "")
        raise RequestInvalid(f"{operation.member} is not an action in that form")


def _is_call(operation: Operation, member: str, arguments: int) -> bool:
    return operation.kind is Kind.CALL and operation.member == member and len(operation.values) == arguments


def _moment(text: str) -> float:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise RequestInvalid(f"{text!r} is not a time") from error
