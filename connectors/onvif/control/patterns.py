"""How the site file names an event of a bridge: a topic, with conditions on the message's items where wanted.

``tns1:Device/Trigger/DigitalInput?InputToken=door&LogicalState=true``: prefixes do not count; conditions are names and
values of simple items of source, key or data; ``%xx`` stands for what cannot be written. Without conditions every
message of the topic counts, that of the end of a state included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from connectors.onvif.client.notifications import Notification, local_topic
from core.errors import RequestInvalid

_TRUTHS: Final = {"1": "true", "0": "false"}
_REMEDY: Final = (
    "Write 'event:' as topic or topic?Item=value&Item=value, as 'tns1:Device/Trigger/DigitalInput?LogicalState=true'."
)


@dataclass(frozen=True, slots=True)
class EventPattern:
    """``event`` as the settings write it."""

    event: str
    topic: str
    conditions: tuple[tuple[str, str], ...] = ()

    @property
    def asks_for_a_state(self) -> bool:
        """Whether it is true or not at any time, rather than at the moment of a message."""
        return bool(self.conditions)

    def matches(self, notification: Notification) -> bool:
        """Whether this message is what the settings name."""
        if notification.topic != self.topic:
            return False
        items = {**notification.source, **notification.key, **notification.data}
        return all(name in items and _canonical(items[name]) == _canonical(value) for name, value in self.conditions)


def parse_pattern(event: str) -> EventPattern:
    """Raises ``RequestInvalid`` for what names no topic, or a condition without a value."""
    path, mark, query = event.partition("?")
    topic = local_topic(path)
    conditions = [part.partition("=") for part in query.split("&")] if mark else []
    if not topic or any(not name.strip() or not equals for name, equals, _ in conditions):
        raise RequestInvalid(f"{event!r} names no ONVIF event", remedy=_REMEDY)
    return EventPattern(
        event=event,
        topic=topic,
        conditions=tuple((unquote(name.strip()), unquote(value.strip())) for name, _, value in conditions),
    )


def _canonical(value: str) -> str:
    """Booleans have two spellings each (XML Schema)."""
    return _TRUTHS.get(value, value.lower() if value.lower() in _TRUTHS.values() else value)
