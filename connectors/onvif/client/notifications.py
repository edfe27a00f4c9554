"""What a bridge tells of an event, read from its ``wsnt:NotificationMessage``.

By hand, as zeep loses the text of ``Topic`` (research, B8). Prefixes of topics are the document's own business: topics
are compared by their local names, so that ``tns1:Device/Trigger/DigitalInput`` is ``Device/Trigger/DigitalInput``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lxml import etree

from core.clock import parse_iso
from core.types import UtcSeconds

_SEPARATOR = "\0"


class Operation(StrEnum):
    """What became of a property; none for events that have no state (SPEC:Core, "Event handling")."""

    INITIALIZED = "Initialized"
    CHANGED = "Changed"
    DELETED = "Deleted"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message. ``at`` is the bridge's own time, None where none can be read."""

    topic: str
    at: UtcSeconds | None
    stamp: str = ""
    """The time as it was written."""
    operation: Operation = Operation.NONE
    source: Mapping[str, str] = field(default_factory=dict)
    key: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Whose state this is: topic, source and key."""
        return _SEPARATOR.join([self.topic, *_flat(self.source), *_flat(self.key)])

    @property
    def state(self) -> str:
        """What it says of its subject, to be compared."""
        return _SEPARATOR.join(_flat(self.data))

    @property
    def event_id(self) -> str:
        """ONVIF has no ids: topic, source, time and state make one occurrence."""
        text = _SEPARATOR.join([self.subject, self.stamp, self.state])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_notification(element: etree._Element) -> Notification | None:
    """None for what tells no topic or holds no message."""
    topic = local_topic(_text(element.find("{*}Topic")))
    outer = element.find("{*}Message")
    message = outer.find("{*}Message") if outer is not None else None
    if not topic or message is None:
        return None
    stamp = (message.get("UtcTime") or "").strip()
    return Notification(
        topic=topic,
        at=_time(stamp),
        stamp=stamp,
        operation=_operation(message.get("PropertyOperation") or ""),
        source=_items(message.find("{*}Source")),
        key=_items(message.find("{*}Key")),
        data=_items(message.find("{*}Data")),
    )


def local_topic(text: str) -> str:
    """A topic without its prefixes; empty where a part of it is."""
    parts = [part.strip().rpartition(":")[2] for part in text.strip().split("/")]
    return "/".join(parts) if all(parts) else ""


def _items(listed: etree._Element | None) -> dict[str, str]:
    if listed is None:
        return {}
    items = ((item.get("Name"), item.get("Value")) for item in listed.iterfind("{*}SimpleItem"))
    return {name.strip(): (value or "").strip() for name, value in items if name}


def _time(stamp: str) -> UtcSeconds | None:
    try:
        return parse_iso(stamp)
    except (ValueError, OverflowError):
        return None


def _operation(text: str) -> Operation:
    try:
        return Operation(text.strip())
    except ValueError:
        return Operation.NONE


def _flat(items: Mapping[str, str]) -> list[str]:
    return [f"{name}={items[name]}" for name in sorted(items)]


def _text(element: etree._Element | None) -> str:
    return "".join(map(str, element.itertext())) if element is not None else ""
