"""The Alarms REST interface (notes §4.2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator.alarms.book import Alarm, AlarmBook
from connectors.milestone.simulator.alarms.snapshots import Snapshot
from connectors.milestone.simulator.alarms.words import Choice, Words
from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.events.analytics_event import is_base64
from connectors.milestone.simulator.site import Site, is_guid
from connectors.milestone.simulator.web.publishing import PublishGate
from connectors.milestone.simulator.web.rest import (
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
from connectors.milestone.simulator.web.routing import Routes

_POSTED = frozenset({"name", "message", "source"})
_PATCHED = frozenset({"state", "priority", "comment", "assignedTo.displayName", "reasonForClosing"})
_SNAPSHOT = frozenset({"image", "timeOffset", "width", "height"})
_EMPTY_LISTS = ("alarmSounds", "alarmSuppressions", "alarmDisables")
_MAX_SIZE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsRest:
    """Serves ``/alarms`` and its dictionaries."""

    site: Site
    book: AlarmBook
    gate: PublishGate
    user: str
    """Who is written down as the author of changes."""

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", f"{REST}/alarms", self._post)
        routes.add("GET", f"{REST}/alarms", self._list)
        routes.add("GET", f"{REST}/alarms/{{id}}", self._get)
        routes.add("PATCH", f"{REST}/alarms/{{id}}", self._patch)
        routes.add("GET", f"{REST}/alarms/{{id}}/history", self._history)
        routes.add("GET", f"{REST}/alarms/{{id}}/snapshots", self._snapshots)
        routes.add("POST", f"{REST}/alarms/{{id}}/snapshots", self._attach)
        self._add_lists(routes)

    def _add_lists(self, routes: Routes) -> None:
        book = self.book
        dictionaries = {
            "alarmStates": book.states,
            "alarmPriorities": book.priorities,
            "alarmCategories": book.categories,
            "closeReasons": book.reasons,
        }
        for name, words in dictionaries.items():
            routes.add("GET", f"{REST}/{name}", _Listing(words))
        for name in _EMPTY_LISTS:
            routes.add("GET", f"{REST}/{name}", _Listing(Words(name, ())))
        routes.add("GET", f"{REST}/alarmStatistics", self._statistics)
        routes.add("GET", f"{REST}/alarmSettings", self._settings)
        routes.add("GET", f"{REST}/alarmMessages", self._messages)

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
        given = await json_body(request)
        require_known(given, _PATCHED)
        body: JsonObject = {name: value for name, value in given.items() if value is not None}
        assigned_to, comment = _text(body, "assignedTo.displayName"), _text(body, "comment")
        self.book.change(
            alarm,
            self.user,
            state=_choice(body, "state", self.book.states),
            priority=_choice(body, "priority", self.book.priorities),
            reason=_choice(body, "reasonForClosing", self.book.reasons),
            assigned_to=assigned_to,
            comment=comment or "",
        )
        return data(alarm.as_json(with_data=False), 202)

    async def _history(self, _request: web.BaseRequest, alarm_id: str) -> web.Response:
        return array([change.as_json() for change in self._found(alarm_id).history])

    async def _snapshots(self, _request: web.BaseRequest, alarm_id: str) -> web.Response:
        return array([snapshot.as_json() for snapshot in self._found(alarm_id).snapshots])

    async def _attach(self, request: web.BaseRequest, alarm_id: str) -> web.Response:
        """The body is *unverified*: a base64 ``image``, with ``timeOffset`` (ms), ``width`` and ``height``."""
        alarm, body = self._found(alarm_id), await json_body(request)
        require_known(body, _SNAPSHOT)
        image = required_text(body, "image")
        if not is_base64(image):
            raise RestRefused(400, "'image' must be base64", property_name="image")
        offset, width, height = (_whole(body, name) for name in ("timeOffset", "width", "height"))
        members = (("TimeOffset", offset), ("Width", width), ("Height", height), ("Image", image))
        snapshot = Snapshot(members)
        self.book.attach(alarm, [snapshot])
        return data(snapshot.as_json(), 202)

    async def _statistics(self, _request: web.BaseRequest, _id: str) -> web.Response:
        """How many alarms stand in each state; the shape is *unverified*."""
        counts = Counter(alarm.state.level for alarm in self.book.alarms.values())
        return array([{"state": state.as_json(), "count": counts[state.level]} for state in self.book.states])

    async def _settings(self, _request: web.BaseRequest, _id: str) -> web.Response:
        """The shape is *unverified*."""
        return array([{"name": "reasonForClosingRequired", "value": False}])

    async def _messages(self, _request: web.BaseRequest, _id: str) -> web.Response:
        """The shape is *unverified*."""
        return array([{"name": event.name} for event in self.site.analytics_events.values()])

    def _found(self, alarm_id: str) -> Alarm:
        if alarm_id not in self.book.alarms:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
        return self.book.alarms[alarm_id]


@dataclass(frozen=True, slots=True)
class _Listing:
    """Handler that lists a dictionary."""

    words: Words

    async def __call__(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return array(self.words.as_json())


def _asks_for_data(request: web.BaseRequest) -> bool:
    return option(request, "include") == "data"


def _choice(body: JsonObject, name: str, words: Words) -> Choice | None:
    if name not in body:
        return None
    choice = words.by_id(str(body[name]))
    if choice is None:
        raise RestRefused(400, f"Unknown {name} '{body[name]}'", property_name=name)
    return choice


def _text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RestRefused(400, f"'{name}' must be text", property_name=name)
    return value


def _whole(body: JsonObject, name: str) -> str:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RestRefused(400, f"'{name}' must be a whole number", property_name=name)
    return str(value)
