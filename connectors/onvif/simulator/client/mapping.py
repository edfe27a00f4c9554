"""How the drivers turn described topics into events of their VMS, above all XProtect's (notes A3).

A topic belongs to a pre-defined event when it contains the family's words and has that family's items, by exact name
and type. Every other topic becomes a dynamic event named from the topic tree. How real XProtect spells dynamic
names, and the forms marked here as not verified, are *unverified*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.topics import EventType, Item, Kind

_ENGINE = "RuleEngine"


class Origin(StrEnum):
    """Why an event is known."""

    PREDEFINED = "predefined"
    DYNAMIC = "dynamic"
    ELSEWHERE = "elsewhere"
    """The driver takes it for audio or an input or output of the device."""
    TOPIC = "topic"
    """A driver whose mapping is not published: by its topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an event type is to the driver. Items are told by name; empty where there is none."""

    name: str
    origin: Origin
    state_item: str = ""
    token_item: str = ""
    is_verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One accepted form: the token that says where, and the boolean that says whether."""

    family: str
    words: str
    source: str
    data: str


_FORMS: Final = (
    _Form(family="Fire", words="FireAlarm", source="VideoSourceToken", data="State"),
    _Form(family="Fire", words="FireAlarm", source="VideoSourceConfigurationToken", data="IsFireAlarm"),
    _Form(family="Intrusion", words="ObjectsInside", source="VideoSourceConfigurationToken", data="IsInside"),
    _Form(family="Loitering", words="ObjectIsLoitering", source="VideoSourceConfigurationToken", data="IsLoitering"),
)

_UNREAD_FAMILIES: Final[Mapping[str, str]] = {
    "LineDetector/Crossed": "Line Crossed",
    "RuleEngine/ObjectAbandoned": "Abandoned",
    "RuleEngine/ObjectRemoved": "Missing",
    "CountAggregation/": "Object counting",
    "CellMotionDetector/Motion": "Motion",
    "MotionRegionDetector/Motion": "Motion",
}
"""Families that the guide names, but whose items could not be read: any form is taken, and told as not verified."""

_DEVICE_WORDS = ("Input", "Output", "Relay")


def xprotect_meaning(event: EventType, judge: Judge) -> Meaning:
    """XProtect's event of a type; what stands in its way is told to the judge."""
    topic = event.topic.plain
    if _goes_elsewhere(topic):
        judge.require("topic-name", not topic.startswith(_ENGINE), f"{event.topic.text} is taken for audio or an input")
        return Meaning(name=topic, origin=Origin.ELSEWHERE)
    _require_single(event, judge)
    family = next((name for words, name in _UNREAD_FAMILIES.items() if words in topic), None)
    if family:
        return _of_its_items(event, family, Origin.PREDEFINED, is_verified=False)
    judge.require("topic-name", "Motion" not in topic, f"{event.topic.text} is taken for motion")
    forms = [form for form in _FORMS if form.words in topic]
    if matching := next((form for form in forms if _has_form(event, form)), None):
        judge.require("predefined-form", True, "")
        return Meaning(
            name=matching.family, origin=Origin.PREDEFINED, state_item=matching.data, token_item=matching.source
        )
    if forms and event.is_described:
        wanted = " or ".join(f"{form.source} and {form.data}" for form in forms)
        judge.broken("predefined-form", f"{event.topic.text} lacks {wanted}: it has {_listed(event.items)}")
    return _of_its_items(event, topic, Origin.DYNAMIC)


def plain_meaning(event: EventType) -> Meaning:
    """For drivers whose mapping nobody published: the topic itself."""
    return _of_its_items(event, event.topic.plain, Origin.TOPIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTokens:
    """The tokens by which one channel is known."""

    source: str
    configuration: str


def channel_of(token: str, channels: Iterable[ChannelTokens]) -> int | None:
    """By the tokens of the video sources, then by those of their configurations; None where neither is it."""
    known = list(channels)
    for index, channel in enumerate(known):
        if channel.source == token:
            return index
    return next((index for index, channel in enumerate(known) if channel.configuration == token), None)


def _goes_elsewhere(topic: str) -> bool:
    return "Audio" in topic or (topic.startswith("Device") and any(word in topic for word in _DEVICE_WORDS))


def _require_single(event: EventType, judge: Judge) -> None:
    topic = event.topic.text
    tokens, states = event.of_kind(Kind.TOKEN), event.of_kind(Kind.BOOLEAN)
    judge.require("topic-items", len(tokens) <= 1, f"{topic} has {len(tokens)} tokens: {_listed(tokens)}")
    judge.require("topic-items", len(states) <= 1, f"{topic} has {len(states)} booleans: {_listed(states)}")
    numbers = event.of_kind(Kind.INTEGER) if "CountAggregation/" not in event.topic.plain else ()
    judge.require("topic-items", not numbers, f"{topic} has integers taken as window numbers: {_listed(numbers)}")


def _has_form(event: EventType, form: _Form) -> bool:
    has_token = any(
        item.section == "Source" and item.name == form.source and item.kind is Kind.TOKEN for item in event.items
    )
    has_state = any(
        item.section == "Data" and item.name == form.data and item.kind is Kind.BOOLEAN for item in event.items
    )
    return has_token and has_state


def _of_its_items(event: EventType, name: str, origin: Origin, *, is_verified: bool = True) -> Meaning:
    """By the types of the items alone: the first token says where, the first boolean whether."""
    tokens, states = event.of_kind(Kind.TOKEN), event.of_kind(Kind.BOOLEAN)
    return Meaning(
        name=name,
        origin=origin,
        token_item=tokens[0].name if tokens else "",
        state_item=states[0].name if states else "",
        is_verified=is_verified,
    )


def _listed(items: Iterable[Item]) -> str:
    return ", ".join(f"{item.section} {item.name} ({item.kind})" for item in items) or "nothing"
