"""Events, whichever door they came through, the alarms they raise (notes §4.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lxml import etree

from connectors.milestone.simulator.alarms.book import AlarmBook
from connectors.milestone.simulator.site import Camera, NamedEvent, Site, fresh_id, rest_time
from connectors.milestone.simulator.web.rest import JsonObject
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json


@dataclass(slots=True, kw_only=True)
class EventBook:
    """Takes events in: ledger, alarm definitions, and the store where retention asks for it."""

    site: Site
    clock: Clock
    ledger: Ledger
    alarms: AlarmBook
    retention_days: int
    stored: dict[str, JsonObject] = field(default_factory=dict)
    observers: list[Callable[[JsonObject], None]] = field(default_factory=list)
    """Called with every event, as Events REST shows it, on the simulator's event loop."""

    told: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    """What the ledger says of each stored event, by its id."""

    def accept(
        self,
        event_type: NamedEvent,
        camera: Camera | None,
        details: Mapping[str, Json],
        interface: str,
        document: etree._Element | None = None,
        carried: Mapping[str, Json] | None = None,
    ) -> JsonObject:
        """Carries out one event and returns it as Events REST shows it.

        ``details`` go into the ledger as they are, and so does ``carried``, the event's own ``datatype`` and ``data``;
        ``document`` is the event in XML, kept with the alarms it raises.
        """
        event: JsonObject = {
            "specversion": "1.0",
            "id": fresh_id(),
            "type": event_type.event_type_id,
            "time": rest_time(self.clock.utc()),
            **(carried or {}),
        }
        fields: dict[str, Json] = {**details, **(carried or {}), "event_type": event_type.name, "interface": interface}
        if camera is not None:
            event["source"] = f"cameras/{camera.camera_id}"
            fields |= {"camera": camera.camera_id, "camera_name": camera.name}
        self.ledger.add("event", **fields)
        if self.retention_days:
            self.stored[str(event["id"])] = event
            self.told[str(event["id"])] = fields
        for observer in self.observers:
            observer(event)
        if camera is not None:
            self._raise_alarms(event_type, camera, details, document)
        return event

    def _raise_alarms(
        self, event_type: NamedEvent, camera: Camera, details: Mapping[str, Json], document: etree._Element | None
    ) -> None:
        for definition in self.site.definitions_for(event_type.event_type_id, camera.camera_id):
            self.alarms.raise_alarm(
                name=definition.name,
                message=event_type.name,
                camera=camera,
                source=camera.camera_id,
                priority=self.alarms.priorities.by_id(definition.priority_id),
                details=dict(details),
                document=document,
            )
