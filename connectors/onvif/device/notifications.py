"""What is told of an alert: ``wsnt:NotificationMessage`` elements, for pull points and for metadata documents alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from lxml import etree

from connectors.onvif.device.model import Channel
from connectors.onvif.device.topics import (
    ALERT_ITEM,
    RULE_ITEM,
    TOPIC_PREFIXES,
    Topic,
    rule_label,
    rules_that_tell,
    topics_of,
)
from connectors.onvif.device.xml import WSNT, child, qualified
from connectors.protocols.onvif_metadata import OBJECT_TYPES, printable
from core.clock import iso_utc
from core.types import Alert, UtcSeconds

CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
"""Dialect of the topics in messages (SPEC:Core "Topic Filter")."""

PropertyOperation: TypeAlias = Literal["Initialized", "Changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message of one topic. ``source`` and ``topic`` together say which property it is of."""

    topic: Topic
    source: tuple[tuple[str, str], ...]
    state: bool | None
    """Value of the topic's state item; None where it has none."""
    at: UtcSeconds
    operation: PropertyOperation = "Changed"
    """XProtect's driver takes ``Changed`` only, of events that are no properties too ([MS:events])."""
    details: Mapping[str, str] = field(default_factory=dict)
    """The rest of the data: item name → value. What is absent is told as empty, for descriptions have no options."""

    @property
    def subject(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Identity of the property: its topic and source (SPEC:Core "Property Events")."""
        return self.topic.path, self.source

    @property
    def data(self) -> Mapping[str, str]:
        """All items of ``tt:Data``, in the order of the description."""
        state = {} if self.topic.state_item is None else {self.topic.state_item: str(bool(self.state)).lower()}
        return state | {name: self.details.get(name, "") for name in ("ObjectId", "ClassTypes", ALERT_ITEM)}

    def element(self) -> etree._Element:
        """A fresh ``wsnt:NotificationMessage``, which carries the prefixes of its own topic and items.

        Whoever puts it into a document must not clean its namespaces up: prefixes within texts count too.
        """
        message = etree.Element(f"{{{WSNT}}}NotificationMessage", nsmap={"wsnt": WSNT, **TOPIC_PREFIXES})
        child(message, "wsnt:Topic", self.topic.path, Dialect=CONCRETE)
        holder = child(message, "wsnt:Message")
        inner = child(holder, "tt:Message", UtcTime=iso_utc(self.at), PropertyOperation=self.operation)
        _items(child(inner, "tt:Source"), self.source)
        _items(child(inner, "tt:Data"), tuple(self.data.items()))
        return message

    def fallen(self, at: UtcSeconds) -> Notification:
        """The state's return to false. It carries no alert's id: searching for one finds its beginning only."""
        return replace(self, state=False, at=at, details={}, operation="Changed")

    def initialized(self, at: UtcSeconds) -> Notification:
        """The present state, for somebody who subscribes or synchronises."""
        return replace(self, at=at, details={}, operation="Initialized")


def notifications_of(alert: Alert, channel: Channel, token: str) -> Sequence[Notification]:
    """What an alert is told as: one message per topic of its rule, stamped with the capture time.

    ``token`` is the delivery's; it stands in every message, so that a VMS's log can be searched for it.
    """
    label = rule_label(channel, alert.rule_id, alert.rule_name)
    details = {
        "ObjectId": " ".join(str(item.track_id) for item in alert.objects),
        "ClassTypes": " ".join(_class_of(item.label) for item in alert.objects),
        ALERT_ITEM: token,
    }
    return tuple(
        Notification(
            topic=topic,
            source=_source(topic, channel, label),
            state=None if topic.state_item is None else True,
            at=alert.captured_at,
            details=details,
        )
        for topic in topics_of(alert.rule_type, alert.rule_id)
    )


def resting(channel: Channel) -> Sequence[Notification]:
    """Every property of the channel's rules at rest (false), as ``Initialized``, without its time."""
    properties = {}
    for rule in rules_that_tell(channel):
        label = rule_label(channel, rule.id)
        for topic in topics_of(rule.type, rule.id):
            if topic.state_item is not None:
                source = _source(topic, channel, label)
                rest = Notification(topic=topic, source=source, state=False, at=0.0, operation="Initialized")
                properties[rest.subject] = rest
    return tuple(properties.values())


def _source(topic: Topic, channel: Channel, label: str) -> tuple[tuple[str, str], ...]:
    return (topic.source_item, channel.token), (RULE_ITEM, label)


def _class_of(label: str) -> str:
    """A label as ``tt:ObjectType``, without the blanks that part the items of a list."""
    return OBJECT_TYPES.get(label) or "_".join(printable(label).split())


def _items(parent: etree._Element, items: Sequence[tuple[str, str]]) -> None:
    for name, value in items:
        etree.SubElement(parent, qualified("tt:SimpleItem"), Name=name, Value=value)
