"""Which topics each rule has: ONVIF's own where there is one, and one of ours that is the rule's alone.

What is said of XProtect's driver is [MS:events], [MS:implementation_specifics] and [MS:limitations] of the research: it
matches its pre-defined events by parts of the topic and by item names, and makes a device event of every other topic.
Two rules on one topic are one event to it, so each rule has a topic of its own. Nothing here was tried on a real VMS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from lxml import etree

from config.model import RuleSettings
from connectors.onvif.device.model import Channel
from connectors.onvif.device.xml import TNS1, TT, WSTOP, XS, child, element
from connectors.protocols.onvif_metadata import printable

VENDOR: Final = "urn:vigie:onvif:topics"
"""Namespace of our topics and items."""

TOPIC_PREFIXES: Final[Mapping[str, str]] = {"tns1": TNS1, "vigie": VENDOR}
"""The prefixes that topics and item names are written with."""

RULE_ITEM: Final = "Rule"
ALERT_ITEM: Final = "vigie:AlertId"
"""Carries ``Delivery.token``. A vendor's items are named by QNames (SPEC:Core "Notification Message Format")."""

_ROOT: Final = "RuleEngine"
_NEVER_FIRE: Final = frozenset({"counting"})
"""Rule types whose results are figures, never alerts."""

_MATCHED_BY_DRIVERS: Final = ("motion", "audio", "device", "objectsinside", "firealarm", "objectisloitering", "crossed")
"""Parts of topics by which XProtect's driver recognises other events; no rule may bring them in by its id."""

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic and the form of its messages. Equal paths mean equal topics.

    ``steps`` are the names below ``tns1:RuleEngine``, the first with a prefix where it is not ONVIF's. ``source_item``
    names the one item that holds the channel's token (two tokens, or an integer, would break XProtect's matching);
    ``state_item`` the Boolean that goes true and false again, None where the topic tells of a moment only.
    """

    steps: tuple[str, ...]
    source_item: str = field(default="VideoSourceConfigurationToken", compare=False)
    state_item: str | None = field(default=None, compare=False)

    @property
    def path(self) -> str:
        """As it is written in a message, with the prefixes of ``TOPIC_PREFIXES``."""
        return "/".join((f"tns1:{_ROOT}", *self.steps))

    @property
    def qualified(self) -> tuple[str, ...]:
        """The path in Clark names; a step without prefix is of the namespace of the one above it."""
        return qualified_path(self.path, TOPIC_PREFIXES)

    @property
    def is_vendor(self) -> bool:
        """Whether it is ours rather than ONVIF's."""
        return ":" in self.steps[0]

    @property
    def list_type(self) -> str:
        """Type of the item lists: ours are plain strings, the only thing that is harmless in a topic of one's own."""
        return "xs:string" if self.is_vendor else "tt:StringList"


_CROSSED: Final = Topic(steps=("LineDetector", "Crossed"))
_OBJECT: Final = Topic(steps=("ObjectDetection", "Object"))
_STANDARD: Final[Mapping[str, tuple[Topic, ...]]] = {
    "wrong_direction": (_CROSSED,),
    "line_crossing": (_CROSSED,),
    "zone_presence": (Topic(steps=("FieldDetector", "ObjectsInside"), state_item="IsInside"),),
    "loitering": (Topic(steps=("LoiteringDetector", "ObjectIsLoitering"), state_item="IsLoitering"),),
    "abandoned_object": (Topic(steps=("ObjectAbandoned",)),),
    "weapon": (_OBJECT,),
    "fire": (_OBJECT, Topic(steps=("vigie:FireAlarm",), source_item="VideoSourceToken", state_item="State")),
}
"""Table A5 of the research. ``FireAlarm`` is what XProtect's pre-defined Fire event looks for ([MS:fire])."""

_OWN_NAMES: Final[Mapping[str, str]] = {
    "abandoned_object": "UnattendedObject",
    "weapon": "WeaponDetected",
    "fire": "FireOrSmoke",
    "loitering": "Loitering",
}
"""Where the rule type in CamelCase would be taken for one of a driver's pre-defined events, or reads badly."""


def topics_of(rule_type: str, rule_id: str) -> Sequence[Topic]:
    """The topics under which an alert of that rule is told: the standard ones first, the rule's own last."""
    kind = _OWN_NAMES.get(rule_type) or _camel(rule_type)
    own = Topic(steps=(f"vigie:{topic_name(kind)}", topic_name(rule_id)), state_item="State")
    return *_STANDARD.get(rule_type, ()), own


def rules_that_tell(channel: Channel) -> Sequence[RuleSettings]:
    """The rules of a channel that may fire alerts, whatever their state is now: it may be switched at any time."""
    return [rule for rule in channel.rules if rule.type not in _NEVER_FIRE]


def rule_label(channel: Channel, rule_id: str, rule_name: str = "") -> str:
    """What ``Rule`` says: the rule's name, with its id where another rule of the channel has the same name.

    ``rule_name`` is for a rule that the channel does not list. Characters that XML cannot hold are left out.
    """
    names = Counter(_name_of(rule) for rule in channel.rules)
    listed = next((_name_of(rule) for rule in channel.rules if rule.id == rule_id), rule_name or rule_id)
    return printable(f"{listed} ({rule_id})" if names[listed] > 1 else listed) or rule_id


def topic_name(text: str) -> str:
    """The text as an NCName that stays the same for the same text and differs for another.

    What no NCName may hold, and what a driver would take for something else, becomes ``_``; a number made of the whole
    text is then added, so that two texts never become one name.
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", text)
    for part in _MATCHED_BY_DRIVERS:
        safe = re.sub(part, f"{part[:2]}_{part[2:]}", safe, flags=re.IGNORECASE)
    safe = safe if re.match(r"[A-Za-z_]", safe) else f"_{safe}"
    return safe if safe == text else f"{safe}_{int(sha256(text.encode()).hexdigest(), 16) % 10**_DIGITS:0{_DIGITS}}"


def topic_set(channels: Iterable[Channel]) -> etree._Element:
    """``wstop:TopicSet`` of all rules, every topic with its ``tt:MessageDescription``.

    Form: SPEC:Core "Topic Type Information": the root topic qualified, the steps below it without namespace except
    where another vendor's tree begins.
    """
    prefixes = {"wstop": WSTOP, "tt": TT, "xs": XS, **TOPIC_PREFIXES}
    root = etree.Element(f"{{{WSTOP}}}TopicSet", nsmap=prefixes)
    for topic in sorted(set(_all_topics(channels)), key=lambda topic: topic.steps):
        node = root
        for step in (f"tns1:{_ROOT}", *topic.steps):
            node = _node(node, step)
        node.set(f"{{{WSTOP}}}topic", "true")
        node.append(_description(topic))
    return root


def qualified_path(path: str, prefixes: Mapping[str, str]) -> tuple[str, ...]:
    """A topic path in Clark names. Raises ``ValueError`` for an unknown prefix or what is no NCName."""
    names: list[str] = []
    namespace = ""
    for step in path.split("/"):
        prefix, colon, local = step.rpartition(":")
        if colon:
            if prefix not in prefixes:
                raise ValueError(f"prefix {prefix!r} is not declared")
            namespace = prefixes[prefix]
        if not re.fullmatch(r"[^\W\d][\w.-]*", local):
            raise ValueError(f"{step!r} is no topic name")
        names.append(f"{{{namespace}}}{local}")
    return tuple(names)


def _all_topics(channels: Iterable[Channel]) -> Iterator[Topic]:
    for channel in channels:
        for rule in rules_that_tell(channel):
            yield from topics_of(rule.type, rule.id)


def _name_of(rule: RuleSettings) -> str:
    return rule.name or rule.id


def _camel(rule_type: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", rule_type)) or "Rule"


def _node(parent: etree._Element, step: str) -> etree._Element:
    prefix, _, local = step.rpartition(":")
    tag = f"{{{TOPIC_PREFIXES[prefix]}}}{local}" if prefix else local
    found = parent.find(tag)
    return etree.SubElement(parent, tag) if found is None else found


def _description(topic: Topic) -> etree._Element:
    """Names are unique over all groups, and the list has no optional items (SPEC:Core "Message Description Language")."""
    described = element("tt:MessageDescription", IsProperty=topic.state_item is not None)
    source = child(described, "tt:Source")
    _item(source, topic.source_item, "tt:ReferenceToken")
    _item(source, RULE_ITEM, "xs:string")
    data = child(described, "tt:Data")
    if topic.state_item:
        _item(data, topic.state_item, "xs:boolean")
    _item(data, "ObjectId", topic.list_type)
    _item(data, "ClassTypes", topic.list_type)
    _item(data, ALERT_ITEM, "xs:string")
    return described


def _item(parent: etree._Element, name: str, kind: str) -> None:
    child(parent, "tt:SimpleItemDescription", Name=name, Type=kind)
