"""Reading the answer of SOAP ``GetConfiguration``, in which a management server tells everything at once.

Read by hand and by local names: it is large, and releases differ in its members. Items of lists are taken whatever they
are called. Only enabled devices are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from connectors.milestone.inventory.holdings import Holdings, MetadataDevice, Part
from core.errors import ProtocolViolation

_EVENT_IDS = ("EventTypeId", "Id", "EventId")
"""Names under which the id of an event type may stand: which one is unverified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """An event that the VMS knows. ``generator`` is its generator type, empty where it is not told."""

    event_id: str
    name: str
    generator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfiguration:
    """What a management server told in one answer; ids in lower case.

    ``options`` are the server options (``Bookmark`` → ``False`` in small editions).
    """

    server_id: str
    server_name: str
    holdings: Holdings
    metadata_devices: tuple[MetadataDevice, ...]
    event_types: tuple[EventType, ...]
    options: Mapping[str, str]


def read_configuration(members: Iterable[etree._Element], what: str) -> ServerConfiguration:
    """From the children of ``GetConfigurationResult``. Raises ``ProtocolViolation`` where it names no recorders."""
    told = {_name_of(member): member for member in members}
    if "Recorders" not in told:
        raise ProtocolViolation(f"{what}: the answer holds no recorders")
    recorders = list(_items(told["Recorders"]))
    return ServerConfiguration(
        server_id=_text(told.get("ServerId")).lower(),
        server_name=_text(told.get("ServerName")),
        holdings=_holdings(recorders),
        metadata_devices=tuple(
            _metadata(item) for recorder in recorders for item in _below(recorder, "MetadataDevices")
        ),
        event_types=tuple(_event_type(item) for item in _items(told.get("EventTypes"))),
        options={_member(item, "Key"): _member(item, "Value") for item in _items(told.get("ServerOptions"))},
    )


def _holdings(recorders: list[etree._Element]) -> Holdings:
    parts = [(_member(recorder, "RecorderId").lower(), recorder) for recorder in recorders]
    return Holdings(
        recorders=_by_id(
            Part(part_id=part_id, name=_member(item, "Name"), url=_member(item, "WebServerUri"))
            for part_id, item in parts
        ),
        hardware=_by_id(_hardware(item, parent) for parent, recorder in parts for item in _below(recorder, "Hardware")),
        cameras=_by_id(_camera(item) for _, recorder in parts for item in _below(recorder, "Cameras")),
    )


def _hardware(item: etree._Element, recorder: str) -> Part:
    return Part(part_id=_member(item, "HardwareId").lower(), name=_member(item, "Name"), parent=recorder)


def _camera(item: etree._Element) -> Part:
    device = _member(item, "DeviceId").lower()
    return Part(
        part_id=device,
        name=_member(item, "Name") or device,
        parent=_member(item, "HardwareId").lower(),
        rights=_rights(_child(item, "CameraSecurity")),
    )


def _rights(security: etree._Element | None) -> frozenset[str] | None:
    """Names of the booleans that are true; None where the release tells none."""
    if security is None:
        return None
    return frozenset(_name_of(item) for item in _items(security) if _text(item).lower() == "true")


def _metadata(item: etree._Element) -> MetadataDevice:
    device = _member(item, "DeviceId").lower()
    return MetadataDevice(
        device=device,
        name=_member(item, "Name") or device,
        is_enabled=True,
        hardware_id=_member(item, "HardwareId").lower(),
    )


def _event_type(item: etree._Element) -> EventType:
    event_id = next(filter(None, (_member(item, name) for name in _EVENT_IDS)), "")
    return EventType(event_id=event_id.lower(), name=_member(item, "Name"), generator=_member(item, "GeneratorType"))


def _by_id(parts: Iterable[Part]) -> dict[str, Part]:
    return {part.part_id: part for part in parts if part.part_id}


def _below(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return _items(_child(element, name))


def _items(element: etree._Element | None) -> Iterator[etree._Element]:
    """The child elements, without comments."""
    return element.iterchildren("{*}*") if element is not None else iter(())


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iterchildren(f"{{*}}{name}"), None)


def _member(element: etree._Element, name: str) -> str:
    return _text(_child(element, name))


def _text(element: etree._Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _name_of(element: etree._Element) -> str:
    return str(etree.QName(element).localname)
