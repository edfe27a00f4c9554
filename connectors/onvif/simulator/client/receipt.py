"""What becomes of a message that was pulled: an event of the VMS, or nothing."""

from __future__ import annotations

import threading
from typing import Final

from lxml import etree

from connectors.onvif.simulator.client.hardware import Hardware, KnownEvent
from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.mapping import Meaning, Origin, channel_of
from connectors.onvif.simulator.client.notifications import Notification, notification
from connectors.onvif.simulator.client.roles import Role
from connectors.protocols.simulation import Ledger
from core.errors import ProtocolViolation
from core.types import Json

_BOOLEANS: Final = {"true": "rising", "1": "rising", "false": "falling", "0": "falling"}
_RULE = "Rule"


class EventReceiver:
    """Writes events (``event``) and what the driver ignores (``event-ignored``) into the ledger."""

    def __init__(self, role: Role, judge: Judge, ledger: Ledger) -> None:
        self._role = role
        self._judge = judge
        self._ledger = ledger
        self._rules: dict[tuple[int, str], str] = {}
        self._lock = threading.Lock()
        self._repeated = 0
        self.events = 0
        self.ignored = 0

    def synchronising(self) -> None:
        """A synchronisation point was asked for: the next pull brings the state of every property."""
        self._repeated = 0
        self._ledger.add("synchronising")

    def synchronised(self, hardware: Hardware) -> None:
        """That pull was answered."""
        has_properties = any(known.event.is_property for known in hardware.events.values())
        is_repeated = self._repeated > 0 or not has_properties
        self._judge.require("synchronisation", is_repeated, "no property came as Initialized")

    def take(self, message: etree._Element, hardware: Hardware, subscription: int) -> None:
        """One message of an answer."""
        try:
            told = notification(message)
        except ProtocolViolation as error:
            self._judge.broken("announced", str(error))
            return
        self._judge.require("event-time", told.utc_text.endswith("Z"), f"{told.topic.text}: {told.utc_text}")
        known = hardware.events.get(told.topic.canonical)
        self._judge.require("announced", known is not None, f"{told.topic.text} is not in GetEventProperties")
        if known is not None and known.event.is_described:
            self._judge_items(told, known)
        reason = self._reason_to_ignore(told, known)
        if known is None or reason:
            with self._lock:
                self.ignored += 1
            self._ledger.add("event-ignored", reason=reason, subscription=subscription, **_told(told))
            return
        self._accept(told, known.meaning, hardware, subscription)

    def _reason_to_ignore(self, told: Notification, known: KnownEvent | None) -> str:
        if known is None:
            return "the topic was not announced"
        if told.operation == "Initialized":
            self._repeated += 1
            return "it repeats a state"
        if self._role.is_xprotect and told.operation != "Changed":
            self._judge.broken("changed", f"{told.topic.text}: PropertyOperation {told.operation or 'is absent'}")
            return f"PropertyOperation is {told.operation or 'absent'}"
        if known.meaning.origin is Origin.ELSEWHERE:
            return "it is taken for audio or an input"
        self._judge.require("changed", True, "")
        return ""

    def _judge_items(self, told: Notification, known: KnownEvent) -> None:
        described = {(item.section, item.name) for item in known.event.items}
        strange = [f"{section} {name}" for section, name in told.names() if (section, name) not in described]
        seen = f"{told.topic.text}: {', '.join(strange)} is not described"
        self._judge.require("announced", not strange, seen)
        meaning = known.meaning
        if meaning.state_item:
            value = told.text(meaning.state_item)
            self._judge.require(
                "announced", value in _BOOLEANS, f"{told.topic.text}: {meaning.state_item} is {value!r}, no boolean"
            )

    def _accept(self, told: Notification, meaning: Meaning, hardware: Hardware, subscription: int) -> None:
        token = told.text(meaning.token_item) if meaning.token_item else ""
        channel = channel_of(token, hardware.tokens)
        self._judge.require("channel", channel is not None, f"{told.topic.text}: {token!r} is no source's token")
        edge = _BOOLEANS.get(told.text(meaning.state_item), "") if meaning.state_item else ""
        if meaning.origin is Origin.DYNAMIC and meaning.state_item:  # standard topics tell of many rules
            self._judge_rule(channel or 0, meaning.name, told.text(_RULE))
        with self._lock:
            self.events += 1
        self._ledger.add(
            "event",
            name=f"{meaning.name} {edge.capitalize()}".rstrip() if meaning.origin is Origin.DYNAMIC else meaning.name,
            origin=meaning.origin.value,
            is_verified=meaning.is_verified,
            edge=edge,
            channel=channel or 0,
            device=token,
            subscription=subscription,
            **_told(told),
        )

    def _judge_rule(self, channel: int, name: str, rule: str) -> None:
        with self._lock:
            known = self._rules.setdefault((channel, name), rule)
        seen = f"channel {channel}: the rules {known!r} and {rule!r} both trigger {name}"
        self._judge.require("distinct-rules", known == rule, seen)


def _told(told: Notification) -> dict[str, Json]:
    """What a message says, all of its texts included."""
    tokens: list[Json] = list(told.tokens)
    return {
        "topic": told.topic.text,
        "operation": told.operation,
        "utc": told.utc,
        "texts": {section: dict(items) for section, items in told.texts.items()},
        "tokens": tokens,
    }
