"""Whether the recorder hears each camera, as stateful events of the Events & State WebSocket (notes §4.7).

A camera has other states beside: they make ``getState`` as large as it is on real sites (more than 1 kB for each camera)
and never change here. Their state groups are *unverified*; that of communication is documented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from connectors.milestone.simulator.site import Camera, Site, fresh_id, rest_time, stable_id
from connectors.milestone.simulator.web.rest import JsonObject
from core.contracts import Clock
from core.types import UtcSeconds

COMMUNICATION_STARTED = "dd3e6464-7dc0-405a-a92f-6150587563e8"
COMMUNICATION_STOPPED = "0ee90664-2924-42a0-a816-4129d0ecabdc"
COMMUNICATION_GROUP = "53b40c77-cf48-42a2-a432-db65ae3afc7a"
"""State group of the communication events of cameras."""

HARDWARE_STARTED = "0553c396-5e16-4c22-b3d1-f548e42dfbb4"
HARDWARE_GROUP = stable_id("state group", "hardware communication")
RECORDING_STARTED = "4577f552-765a-438c-bc7d-e5ff1f754bc3"
RECORDING_GROUP = stable_id("state group", "recording")
MOTION_STOPPED = "6f55a7a7-d21c-4629-ac18-af1975e395a2"
MOTION_GROUP = stable_id("state group", "motion")

_LASTING = {RECORDING_STARTED: RECORDING_GROUP, MOTION_STOPPED: MOTION_GROUP}
"""Event types of a camera that records and sees no motion, with their state groups."""

Observer: TypeAlias = Callable[[JsonObject], None]
"""Takes one event, as Events REST and the WebSocket show it."""


class CameraStates:
    """Knows the last stateful events of every enabled camera, and tells of each change."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.observers: list[Observer] = []
        self._site = site
        self._clock = clock
        self._changed: dict[str, JsonObject] = {}
        site.reach_observers.append(self._reach)

    def current(self) -> list[JsonObject]:
        """The last event of each source and state group."""
        return [event for camera in self._site.cameras if self._site.is_in_use(camera) for event in self._of(camera)]

    def _of(self, camera: Camera) -> Iterator[JsonObject]:
        since, source = self._site.created_at, f"cameras/{camera.camera_id}"
        changed = self._changed.get(camera.camera_id)
        yield changed or _first(COMMUNICATION_STARTED, source, since, COMMUNICATION_GROUP)
        for event_type_id, group in _LASTING.items():
            yield _first(event_type_id, source, since, group)
        yield _first(HARDWARE_STARTED, f"hardware/{camera.hardware_id}", since, HARDWARE_GROUP)

    def _reach(self, camera_id: str, is_lost: bool) -> None:
        event_type_id = COMMUNICATION_STOPPED if is_lost else COMMUNICATION_STARTED
        source = f"cameras/{camera_id}"
        event = _event(fresh_id(), event_type_id, source, self._clock.utc(), COMMUNICATION_GROUP)
        self._changed[camera_id] = event
        for observer in self.observers:
            observer(event)


def _first(event_type_id: str, source: str, moment: UtcSeconds, group: str) -> JsonObject:
    """The event that began a state before anything changed it."""
    return _event(stable_id(event_type_id, source), event_type_id, source, moment, group)


def _event(event_id: str, event_type_id: str, source: str, moment: UtcSeconds, group: str) -> JsonObject:
    return {
        "specversion": "1.0",
        "id": event_id,
        "type": event_type_id,
        "source": source,
        "time": rest_time(moment),
        "stategroupid": group,
    }
