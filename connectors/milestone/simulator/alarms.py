"""Alarms, however they are born, and the Alarms REST interface (notes §4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from connectors.milestone.simulator.alarm_definitions import PRIORITIES
from connectors.milestone.simulator.config_rest import REST
from connectors.milestone.simulator.publishing import PublishGate
from connectors.milestone.simulator.rest import (
    JsonObject,
    RestRefused,
    array,
    data,
    json_body,
    option,
    paged,
    require_known,
    required_text,
)
from connectors.milestone.simulator.routing import Routes
from connectors.milestone.simulator.site import Camera, Site, fresh_id, is_guid, rest_time, stable_id
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json, UtcSeconds

_STATE_LEVELS: Mapping[str, int] = {"New": 1, "In progress": 4, "On hold": 9, "Closed": 11}
"""Default states; the levels are *unverified*."""

_STATES = {stable_id("alarm state", name): name for name in _STATE_LEVELS}
_NEW = stable_id("alarm state", "New")
_HIGH = next(iter(PRIORITIES))
_POSTED = frozenset({"name", "message", "source"})
_PATCHED = frozenset({"state", "priority", "comment", "assignedTo.displayName", "reasonForClosing"})
_MAX_SIZE = 2000


@dataclass(slots=True, kw_only=True)
class Alarm:
    """An alarm as operators see it."""

    alarm_id: str
    local_id: int
    name: str
    message: str
    source: str
    raised_at: UtcSeconds
    updated_at: UtcSeconds
    priority_id: str
    details: JsonObject
    state_id: str = _NEW
    assigned_to: str = ""

    def as_json(self, *, with_data: bool) -> JsonObject:
        """As Alarms REST shows it; ``data`` only when asked for."""
        shown: JsonObject = {
            "id": self.alarm_id,
            "localId": self.local_id,
            "name": self.name,
            "message": self.message,
            "source": self.source,
            "time": rest_time(self.raised_at),
            "lastUpdatedTime": rest_time(self.updated_at),
            "state": {"id": self.state_id, "name": _STATES[self.state_id]},
            "priority": {"id": self.priority_id, "name": PRIORITIES[self.priority_id]},
            "assignedTo": {"displayName": self.assigned_to},
        }
        return {**shown, "data": self.details} if with_data else shown


@dataclass(slots=True, kw_only=True)
class AlarmBook:
    """Every alarm of this run, oldest first."""

    clock: Clock
    ledger: Ledger
    alarms: dict[str, Alarm] = field(default_factory=dict)

    def raise_alarm(
        self, *, name: str, message: str, camera: Camera, source: str, priority_id: str = _HIGH, details: JsonObject
    ) -> Alarm:
        """Makes an alarm and writes it into the ledger. ``source`` is shown as given."""
        now = self.clock.utc()
        alarm = Alarm(
            alarm_id=fresh_id(),
            local_id=len(self.alarms) + 1,
            name=name,
            message=message,
            source=source,
            raised_at=now,
            updated_at=now,
            priority_id=priority_id,
            details=details,
        )
        self.alarms[alarm.alarm_id] = alarm
        fields: dict[str, Json] = {**details, "id": alarm.alarm_id, "name": name, "message": message}
        self.ledger.add("alarm", **fields, camera=camera.camera_id, camera_name=camera.name)
        return alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsRest:
    """Serves ``/alarms`` and its dictionaries."""

    site: Site
    book: AlarmBook
    gate: PublishGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", f"{REST}/alarms", self._post)
        routes.add("GET", f"{REST}/alarms", self._list)
        routes.add("GET", f"{REST}/alarms/{{id}}", self._get)
        routes.add("PATCH", f"{REST}/alarms/{{id}}", self._patch)
        routes.add("GET", f"{REST}/alarmStates", self._states)
        routes.add("GET", f"{REST}/alarmPriorities", self._priorities)

    async def _post(self, request: web.BaseRequest, _id: str) -> web.Response:
        async def publish() -> web.Response:
            return await self._create(request)

        return await self.gate.guard(request, publish)

    async def _create(self, request: web.BaseRequest) -> web.Response:
        """``source`` is a bare camera id: whether ``cameras/<id>`` is taken is *unverified*, so it is refused."""
        body = await json_body(request)
        require_known(body, _POSTED)
        name, message, source = (required_text(body, key) for key in ("name", "message", "source"))
        camera = self.site.camera(source) if is_guid(source) else None
        if camera is None:
            raise RestRefused(400, f"Unknown source '{source}'", property_name="source")
        alarm = self.book.raise_alarm(name=name, message=message, camera=camera, source=source, details={})
        return data(alarm.as_json(with_data=False), 202)

    async def _list(self, request: web.BaseRequest, _id: str) -> web.Response:
        page = paged(request, [*self.book.alarms.values()][::-1], _MAX_SIZE)
        return array([alarm.as_json(with_data=_asks_for_data(request)) for alarm in page])

    async def _get(self, request: web.BaseRequest, alarm_id: str) -> web.Response:
        return data(self._found(alarm_id).as_json(with_data=_asks_for_data(request)))

    async def _patch(self, request: web.BaseRequest, alarm_id: str) -> web.Response:
        """A null leaves the value as it is."""
        alarm = self._found(alarm_id)
        body: JsonObject = {name: value for name, value in (await json_body(request)).items() if value is not None}
        require_known(body, _PATCHED)
        state_id = _choice(body, "state", _STATES, alarm.state_id)
        priority_id = _choice(body, "priority", PRIORITIES, alarm.priority_id)
        alarm.state_id, alarm.priority_id = state_id, priority_id
        alarm.assigned_to = str(body.get("assignedTo.displayName", alarm.assigned_to))
        alarm.updated_at = self.book.clock.utc()
        return data(alarm.as_json(with_data=False), 202)

    async def _states(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return array([{"id": key, "name": name, "level": _STATE_LEVELS[name]} for key, name in _STATES.items()])

    async def _priorities(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return array([{"id": key, "name": name, "level": 1 + at} for at, (key, name) in enumerate(PRIORITIES.items())])

    def _found(self, alarm_id: str) -> Alarm:
        if alarm_id not in self.book.alarms:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
        return self.book.alarms[alarm_id]


def _asks_for_data(request: web.BaseRequest) -> bool:
    return option(request, "include") == "data"


def _choice(body: JsonObject, name: str, known: Mapping[str, str], default: str) -> str:
    value = str(body.get(name, default)).lower()
    if value not in known:
        raise RestRefused(400, f"Unknown {name} '{value}'", property_name=name)
    return value
