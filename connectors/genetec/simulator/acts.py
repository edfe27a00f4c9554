"""What operators do, and what befalls servers and cameras, on order of the admin port (``Simulation.acts``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.genetec.simulator.alarms import FORCED, AlarmDesk, AlarmInstance
from connectors.genetec.simulator.events import EventDesk
from connectors.genetec.simulator.restarts import Restart
from connectors.genetec.simulator.site import CustomEvent, Entity, Site
from connectors.genetec.simulator.websdk import WebSdkRole
from connectors.protocols.simulation import Act
from core.errors import UsageError
from core.types import Json

_OPERATOR = "Operator 1"
_HOW = {"default": "Ack", "alternate": "Nack", "forced": FORCED}
_FALSE_ALARM = "false alarm"
_RESTART_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActs:
    """Those on alarms name an active instance by ``id`` (its number), or all whose event carries a ``token``."""

    site: Site
    alarms: AlarmDesk
    events: EventDesk

    def by_name(self) -> Mapping[str, Act]:
        """For ``Simulation.acts``."""
        return {
            "acknowledge-alarm": self._acknowledge,
            "close-alarm": self._close,
            "trigger-event": self._trigger,
            "lose-camera": self._lose,
            "return-camera": self._return,
            "add-event-to-action": self._link,
        }

    async def _acknowledge(self, order: Mapping[str, Json]) -> Json:
        """``type`` (default, alternate, forced), ``by``."""
        _require_known(order, {"id", "token", "type", "by"})
        how = _HOW.get(_text(order, "type") or "default")
        if how is None:
            raise UsageError(f"unknown type {order['type']!r}", remedy=f"Known: {', '.join(_HOW)}.")
        return self._settle(order, how)

    async def _close(self, order: Mapping[str, Json]) -> Json:
        """As in other simulators: the ``reason`` "False alarm" is the alternate acknowledgement, any other the default."""
        _require_known(order, {"id", "token", "state", "reason", "category", "comment", "by"})
        is_false = _text(order, "reason").lower() == _FALSE_ALARM
        return self._settle(order, _HOW["alternate" if is_false else "default"])

    async def _trigger(self, order: Mapping[str, Json]) -> Json:
        """A custom event by ``name``, on a ``camera`` (GUID or name); on the first one when none is named."""
        _require_known(order, {"name", "camera", "text"})
        event = self._event(_text(order, "name"))
        source = self._camera(_text(order, "camera")) if order.get("camera") else self.site.cameras[0]
        self.events.raise_custom(event, source, _text(order, "text"), "")
        return {"custom_event": event.number, "source": source.guid}

    async def _lose(self, order: Mapping[str, Json]) -> Json:
        """``camera`` (GUID or name): Security Center no longer reaches it."""
        return self._change_camera(order, is_lost=True)

    async def _return(self, order: Mapping[str, Json]) -> Json:
        """``camera``: it is reached again."""
        return self._change_camera(order, is_lost=False)

    async def _link(self, order: Mapping[str, Json]) -> Json:
        """As in Config Tool: custom event ``event`` triggers ``alarm`` (name), from ``camera`` or from any."""
        _require_known(order, {"event", "alarm", "camera"})
        event, wanted = self._event(_text(order, "event")), _text(order, "alarm")
        alarm = next((known for known in self.site.of_types({"alarm"}) if known.name == wanted), None)
        if alarm is None:
            raise UsageError(f"unknown alarm {wanted!r}", remedy="Give the name of an alarm.")
        source = self._camera(_text(order, "camera")).guid if order.get("camera") else ""
        self.site.link(event, alarm, source)
        return {"custom_event": event.number, "alarm": alarm.guid, "source": source}

    def _change_camera(self, order: Mapping[str, Json], *, is_lost: bool) -> Json:
        _require_known(order, {"camera"})
        camera = self._camera(_text(order, "camera"))
        self.events.camera_state(camera, is_lost=is_lost)
        return {"camera": camera.guid, "is_online": not is_lost}

    def _settle(self, order: Mapping[str, Json], how: str) -> Json:
        found = self._found(order)
        user = self.site.user(_text(order, "by") or _OPERATOR)
        for instance in found:
            self.alarms.settle(instance, how, user.guid)
        return {"alarms": [instance.number for instance in found]}

    def _found(self, order: Mapping[str, Json]) -> list[AlarmInstance]:
        number, token = str(order.get("id", "")), _text(order, "token")
        found = [
            instance
            for instance in self.alarms.active()
            if str(instance.number) == number or (token and token in instance.text)
        ]
        if not found:
            raise UsageError("no such active alarm", remedy="Give the 'id' of an instance, or a 'token' of its event.")
        return found

    def _event(self, name: str) -> CustomEvent:
        known = self.site.custom_events.values()
        event = next((event for event in known if event.name == name), None)
        if event is None:
            names = ", ".join(event.name for event in known)
            raise UsageError(f"unknown custom event {name!r}", remedy=f"Known: {names or 'none'}.")
        return event

    def _camera(self, named: str) -> Entity:
        camera = next((known for known in self.site.cameras if named in {known.guid, known.name}), None)
        if camera is None:
            raise UsageError(f"unknown camera {named!r}", remedy="Give the GUID or the name of a camera.")
        return camera


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerActs:
    """What befalls servers."""

    role: WebSdkRole
    role_restart: Restart
    media_restart: Restart

    def by_name(self) -> Mapping[str, Act]:
        """For ``Simulation.acts``."""
        return {
            "role-restart": self._restart_role,
            "media-restart": self._restart_media,
            "drop-streams": self._drop_streams,
        }

    async def _restart_role(self, order: Mapping[str, Json]) -> Json:
        """``seconds``: connections drop, logons are forgotten, and nobody is let in for so long."""
        return _restart(self.role_restart, order)

    async def _restart_media(self, order: Mapping[str, Json]) -> Json:
        """``seconds``: the Media Gateway is away for so long."""
        return _restart(self.media_restart, order)

    async def _drop_streams(self, order: Mapping[str, Json]) -> Json:
        """Every event stream is cut off; logons and subscriptions stay."""
        _require_known(order, set())
        return {"streams": self.role.drop_streams()}


def _restart(restart: Restart, order: Mapping[str, Json]) -> Json:
    _require_known(order, {"seconds"})
    seconds = order.get("seconds", _RESTART_S)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise UsageError("seconds must be a number", remedy="0 or more.")
    restart.begin(float(seconds))
    return {"seconds": seconds}


def _text(order: Mapping[str, Json], name: str) -> str:
    value = order.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name!r} must be text", remedy="Send a JSON object whose values are texts.")
    return value


def _require_known(order: Mapping[str, Json], known: set[str]) -> None:
    if unknown := sorted(set(order) - known):
        raise UsageError(f"unknown: {', '.join(unknown)}", remedy=f"Known: {', '.join(sorted(known))}.")
