"""What the bridge tells: topics with the names and types of their items, and messages of them.

The topics are ONVIF's own. Unverified: which of them Milestone's bridge has, if any, and the item names of
``VideoSource/SignalLoss``, which public devices write in several ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.simulator.camera.soap import NAMESPACES, Element, element, qualified
from core.clock import iso_utc
from core.types import UtcSeconds

CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"

_INITIALIZED: Final = "Initialized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One kind of event. ``path`` is without prefix; items are name and type."""

    path: str
    source: tuple[str, str]
    data: tuple[str, str]

    @property
    def name(self) -> str:
        """As messages write it."""
        return f"tns1:{self.path}"


DIGITAL_INPUT: Final = Topic(
    path="Device/Trigger/DigitalInput",
    source=("InputToken", "tt:ReferenceToken"),
    data=("LogicalState", "xs:boolean"),
)
SIGNAL_LOSS: Final = Topic(
    path="VideoSource/SignalLoss",
    source=("Source", "tt:ReferenceToken"),
    data=("State", "xs:boolean"),
)
TOPICS: Final = (DIGITAL_INPUT, SIGNAL_LOSS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event. ``topic`` has its prefix; ``operation`` is empty for what is no property."""

    topic: str
    at: UtcSeconds
    source: Mapping[str, str]
    data: Mapping[str, str]
    operation: str = "Changed"

    @property
    def what(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The property whose state it tells."""
        return self.topic, tuple(sorted(self.source.items()))

    def initialized(self) -> Message:
        """The same state, told to somebody new."""
        return Message(topic=self.topic, at=self.at, source=self.source, data=self.data, operation=_INITIALIZED)

    def notification(self) -> Element:
        """As ``PullMessages`` gives it."""
        attributes = {"UtcTime": iso_utc(self.at)}
        if self.operation:
            attributes["PropertyOperation"] = self.operation
        message = element("tt:Message", _items("tt:Source", self.source), _items("tt:Data", self.data), **attributes)
        topic = element("wsnt:Topic", self.topic, Dialect=CONCRETE)
        return element("wsnt:NotificationMessage", topic, element("wsnt:Message", message))


def topic_set() -> Element:
    """What can be subscribed, as ``GetEventProperties`` tells it (SPEC:Core "Topic Type Information")."""
    root = etree.Element(qualified("wstop:TopicSet"), nsmap=NAMESPACES)
    for topic in TOPICS:
        node = root
        for index, step in enumerate(topic.path.split("/")):
            # Only the root of a topic tree carries the namespace; what is below is unqualified.
            name = qualified(f"tns1:{step}") if index == 0 else step
            found = node.find(name)
            node = etree.SubElement(node, name) if found is None else found
        node.set(qualified("wstop:topic"), "true")
        node.append(_description(topic))
    return root


def matches(topic: str, expression: str, dialect: str, prefixes: Mapping[str, str]) -> bool:
    """Whether a topic is one that a filter asks for. Raises ``ValueError`` for what is no expression of the dialect."""
    if dialect == CONCRETE and ("|" in expression or expression.endswith("//.")):
        raise ValueError("Concrete names one topic")
    return any(_is_under(topic, alternative.strip(), prefixes) for alternative in expression.split("|"))


def _is_under(topic: str, expression: str, prefixes: Mapping[str, str]) -> bool:
    is_tree = expression.endswith("//.")
    steps = [_expanded(step, prefixes) for step in expression.removesuffix("//.").split("/")]
    if not all(steps):
        raise ValueError("a step of the topic is empty")
    path = [_expanded(step, NAMESPACES) for step in topic.split("/")]
    return path[: len(steps)] == steps if is_tree else path == steps


def _expanded(step: str, prefixes: Mapping[str, str]) -> str:
    prefix, colon, local = step.strip().partition(":")
    if not colon:
        return step.strip()
    if prefix not in prefixes:
        raise ValueError(f"the prefix {prefix!r} is bound to no namespace")
    return f"{{{prefixes[prefix]}}}{local}"


def _items(tag: str, items: Mapping[str, str]) -> Element:
    return element(tag, *(element("tt:SimpleItem", Name=name, Value=value) for name, value in items.items()))


def _description(topic: Topic) -> Element:
    parts = [_described(tag, items) for tag, items in (("tt:Source", [topic.source]), ("tt:Data", [topic.data]))]
    return element("tt:MessageDescription", *parts, IsProperty="true")


def _described(tag: str, items: Sequence[tuple[str, str]]) -> Element:
    return element(tag, *(element("tt:SimpleItemDescription", Name=name, Type=kind) for name, kind in items))
