"""Triggering events over SOAP (notes §4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.site import Camera, Site, is_guid
from connectors.milestone.simulator.soap.messages import Parameters, SoapFault
from connectors.milestone.simulator.soap.operations import Operation, Operations
from core.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOperations:
    """``EventTrigger`` and its sibling; the events take the way of all others."""

    site: Site
    book: EventBook

    def operations(self) -> Operations:
        """By name."""
        return {
            "EventTrigger": Operation(parameters=("token", "eventId"), carry_out=self._trigger, publishes=True),
            "EventTriggerWithMetadata": Operation(
                parameters=("token", "eventId", "metadata"), carry_out=self._trigger_with_metadata, publishes=True
            ),
        }

    def _trigger(self, parameters: Parameters) -> None:
        self._accept(parameters, None, {})

    def _trigger_with_metadata(self, parameters: Parameters) -> None:
        """Related cameras are named in the metadata, under keys that are *unverified*: the first one counts here."""
        metadata = dict(parameters.pairs("metadata", "KeyValue", "Key", "Value"))
        cameras = [self.site.camera(value) for value in metadata.values() if is_guid(value)]
        camera = next((camera for camera in cameras if camera is not None), None)
        self._accept(parameters, camera, {"metadata": {**metadata}})

    def _accept(self, parameters: Parameters, camera: Camera | None, details: Mapping[str, Json]) -> None:
        event_type = self.site.event_type(parameters.guid("eventId"))
        if event_type is None:
            raise SoapFault("The event is unknown.")
        self.book.accept(event_type, camera, details, "soap")
