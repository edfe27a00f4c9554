"""What people do at the bridge, or what befalls its cameras, by name at the back door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.onvif.simulator.camera.pull_points import PullPoints
from connectors.onvif.simulator.camera.site import Site
from connectors.onvif.simulator.camera.streams import CAMERA_OUTCOMES
from connectors.onvif.simulator.camera.topics import DIGITAL_INPUT, SIGNAL_LOSS, Message, Topic
from connectors.protocols.simulation import Act, Ledger
from core.errors import UsageError
from core.types import Json

_OPERATIONS = frozenset({"Changed", "Initialized", "Deleted", ""})


@dataclass(frozen=True, slots=True)
class Acts:
    """They change the site and tell the subscribers; each is written down."""

    site: Site
    points: PullPoints
    ledger: Ledger
    forget_logins: Callable[[], None]

    def all(self) -> Mapping[str, Act]:
        """By name."""
        return {
            "set-input": self._set_input,
            "lose-camera": self._lose_camera,
            "return-camera": self._return_camera,
            "raise-event": self._raise_event,
            "disturb": self._disturb,
            "expire-subscriptions": self._expire,
            "restart": self._restart,
        }

    def begin(self) -> None:
        """The state of every property when the bridge starts."""
        for name, state in self.site.inputs.items():
            self.points.remember(self._message(DIGITAL_INPUT, name, state))
        for camera in self.site.cameras:
            self.points.remember(self._message(SIGNAL_LOSS, camera.device, camera.is_lost))

    async def _set_input(self, order: Mapping[str, Json]) -> Json:
        """``input`` (the first when left out) and ``state``: somebody turns a key, as for arming and disarming."""
        name = str(order.get("input") or next(iter(self.site.inputs), ""))
        if name not in self.site.inputs:
            raise UsageError(f"no input is called {name!r}", remedy=f"Known: {', '.join(self.site.inputs) or 'none'}.")
        state = order.get("state", True)
        if not isinstance(state, bool):
            raise UsageError(f"the state {state!r} is none", remedy="Give true or false.")
        self.site.inputs[name] = state
        return self._tell(self._message(DIGITAL_INPUT, name, state))

    async def _lose_camera(self, order: Mapping[str, Json]) -> Json:
        return self._set_lost(order, is_lost=True)

    async def _return_camera(self, order: Mapping[str, Json]) -> Json:
        return self._set_lost(order, is_lost=False)

    def _set_lost(self, order: Mapping[str, Json], *, is_lost: bool) -> Json:
        """Its video stops, or goes on, and the loss of its signal is told."""
        camera = self.site.camera(order.get("camera"))
        camera.is_lost = is_lost
        return self._tell(self._message(SIGNAL_LOSS, camera.device, is_lost))

    async def _raise_event(self, order: Mapping[str, Json]) -> Json:
        """Any event: ``topic`` with its prefix, ``source`` and ``data`` (items by name), ``operation``."""
        topic, operation = order.get("topic"), order.get("operation", "Changed")
        if not isinstance(topic, str) or not topic.startswith("tns1:"):
            raise UsageError(f"the topic {topic!r} is none", remedy="Write it as tns1:Device/Trigger/DigitalInput.")
        if operation not in _OPERATIONS:
            raise UsageError(f"the operation {operation!r} is none", remedy="Changed, Initialized, Deleted or empty.")
        message = Message(
            topic=topic,
            at=self.site.clock.utc(),
            source=_items(order.get("source")),
            data=_items(order.get("data")),
            operation=str(operation),
        )
        return self._tell(message)

    async def _disturb(self, order: Mapping[str, Json]) -> Json:
        """An ``outcome`` of the fault plan ``video`` for one camera; left out, that camera follows the plan again."""
        camera, outcome = self.site.camera(order.get("camera")), str(order.get("outcome") or "")
        if outcome and outcome not in CAMERA_OUTCOMES:
            raise UsageError(f"the outcome {outcome!r} is none", remedy=f"Known: {', '.join(sorted(CAMERA_OUTCOMES))}.")
        camera.ordered = outcome
        return {"camera": camera.device, "outcome": outcome}

    async def _expire(self, _order: Mapping[str, Json]) -> Json:
        return {"expired": self.points.close_all()}

    async def _restart(self, _order: Mapping[str, Json]) -> Json:
        """The service forgets its subscriptions and every nonce."""
        self.forget_logins()
        return {"expired": self.points.close_all()}

    def _message(self, topic: Topic, source: str, state: bool) -> Message:
        return Message(
            topic=topic.name,
            at=self.site.clock.utc(),
            source={topic.source[0]: source},
            data={topic.data[0]: "true" if state else "false"},
        )

    def _tell(self, message: Message) -> Json:
        heard = self.points.tell(message)
        self.ledger.add(
            "event",
            topic=message.topic,
            operation=message.operation,
            source=dict(message.source),
            data=dict(message.data),
            heard_by=heard,
        )
        return {"heard_by": heard}


def _items(given: Json) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise UsageError(f"the items {given!r} are none", remedy="Give an object of names and values.")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
