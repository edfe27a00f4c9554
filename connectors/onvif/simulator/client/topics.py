"""The event types that ``GetEventProperties`` describes, and topics as texts that can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from connectors.onvif.simulator.client.xml import TT, WSTOP, XSD, every, first, local, namespace, resolved

_WHOLE_NUMBERS: Final = frozenset(
    ("int", "integer", "long", "short", "byte", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte")
) | {"nonNegativeInteger", "positiveInteger"}


class Kind(StrEnum):
    """What an item's type means to a driver (MS:implementation_specifics)."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    TOKEN = "token"  # noqa: S105 - no credential
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One described item. ``section``: Source, Key or Data."""

    section: str
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """``canonical``: with namespaces, to compare; ``text``: with the device's prefixes, as drivers match and show it."""

    canonical: str
    text: str

    @property
    def plain(self) -> str:
        """Without prefixes: ``RuleEngine/FieldDetector/ObjectsInside``."""
        return "/".join(part.rpartition(":")[2] for part in self.text.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One topic that the device may send. ``is_described``: it came with a message description."""

    topic: Topic
    is_described: bool
    is_property: bool
    items: tuple[Item, ...]

    def of_kind(self, kind: Kind) -> tuple[Item, ...]:
        """Its items of a kind."""
        return tuple(item for item in self.items if item.kind is kind)


def event_types(properties: etree._Element) -> Iterator[EventType]:
    """Every topic of a ``GetEventPropertiesResponse``."""
    topic_set = first(properties, "wstop:TopicSet")
    if topic_set is None:
        return
    for root in topic_set.iterchildren(etree.Element):
        yield from _under(root, Topic(canonical="", text=""))


def topic_of(expression: etree._Element) -> Topic:
    """The topic of a message: a concrete expression whose prefixes are resolved where it stands."""
    text = (expression.text or "").strip()
    parts = [part.strip() for part in text.split("/")]
    canonical = [_canonical(*(resolved(part, expression) if ":" in part else ("", part))) for part in parts]
    return Topic(canonical="/".join(canonical), text=text)


def _under(node: etree._Element, parent: Topic) -> Iterator[EventType]:
    topic = _below(parent, node)
    if node.get(f"{{{WSTOP}}}topic", "").strip() in {"true", "1"}:
        yield _described(topic, first(node, "tt:MessageDescription"))
    for inner in node.iterchildren(etree.Element):
        if namespace(inner) not in {TT, WSTOP}:
            yield from _under(inner, topic)


def _below(parent: Topic, node: etree._Element) -> Topic:
    shown = f"{node.prefix}:{local(node)}" if node.prefix else local(node)
    canonical = _canonical(namespace(node), local(node))
    if not parent.text:
        return Topic(canonical=canonical, text=shown)
    return Topic(canonical=f"{parent.canonical}/{canonical}", text=f"{parent.text}/{shown}")


def _canonical(space: str, name: str) -> str:
    return f"{{{space}}}{name}" if space else name


def _described(topic: Topic, description: etree._Element | None) -> EventType:
    if description is None:
        return EventType(topic=topic, is_described=False, is_property=False, items=())
    items = [
        Item(section=section, name=found.get("Name", ""), kind=_kind(found))
        for section in ("Source", "Key", "Data")
        for tag in ("SimpleItemDescription", "ElementItemDescription")
        for found in every(description, f"tt:{section}/tt:{tag}")
    ]
    is_property = description.get("IsProperty", "").strip() in {"true", "1"}
    return EventType(topic=topic, is_described=True, is_property=is_property, items=tuple(items))


def _kind(described: etree._Element) -> Kind:
    space, name = resolved(described.get("Type", ""), described)
    if space == XSD and name == "boolean":
        return Kind.BOOLEAN
    if space == XSD and name in _WHOLE_NUMBERS:
        return Kind.INTEGER
    return Kind.TOKEN if (space, name) == (TT, "ReferenceToken") else Kind.TEXT
