"""One ``wsnt:NotificationMessage`` as it came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.simulator.client.topics import Topic, topic_of
from connectors.onvif.simulator.client.xml import every, first
from core.clock import parse_iso
from core.errors import ProtocolViolation
from core.types import UtcSeconds

_MARK: Final = re.compile(r"vigie:[0-9a-f]{20}")
"""``core.types.Delivery.token``: what a delivery can be counted by."""

_SECTIONS: Final = ("Source", "Key", "Data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """``texts``: every simple item, by section and name; ``elements``: the names of element items, by section."""

    topic: Topic
    operation: str
    utc: UtcSeconds
    utc_text: str
    texts: Mapping[str, Mapping[str, str]]
    elements: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        """The value of an item, wherever it stands; empty without."""
        return next((items[name] for items in self.texts.values() if name in items), "")

    @property
    def tokens(self) -> tuple[str, ...]:
        """The marks of deliveries that its texts carry, each once."""
        values = (value for items in self.texts.values() for value in items.values())
        return tuple(dict.fromkeys(mark for value in values for mark in _MARK.findall(value)))

    def names(self) -> Iterator[tuple[str, str]]:
        """Section and name of each item."""
        for section in _SECTIONS:
            for name in (*self.texts[section], *self.elements[section]):
                yield section, name


def notification(message: etree._Element) -> Notification:
    """Reads one; raises ``ProtocolViolation`` for what is none."""
    topic, content = first(message, "wsnt:Topic"), first(message, "wsnt:Message/tt:Message")
    if topic is None or content is None or not (topic.text or "").strip():
        raise ProtocolViolation("a notification has no topic or no tt:Message")
    utc_text = content.get("UtcTime", "")
    try:
        utc = parse_iso(utc_text)
    except ValueError as error:
        raise ProtocolViolation(f"a notification's UtcTime is {utc_text!r}") from error
    return Notification(
        topic=topic_of(topic),
        operation=content.get("PropertyOperation", ""),
        utc=utc,
        utc_text=utc_text,
        texts={
            section: {
                item.get("Name", ""): item.get("Value", "") for item in every(content, f"tt:{section}/tt:SimpleItem")
            }
            for section in _SECTIONS
        },
        elements={
            section: tuple(item.get("Name", "") for item in every(content, f"tt:{section}/tt:ElementItem"))
            for section in _SECTIONS
        },
    )
