"""Events that the VMS's operators and devices trigger: the topics that switch us, and one pull point, made and ended."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from connectors.onvif.check.look import Look
from connectors.onvif.control.patterns import parse_pattern
from connectors.onvif.control.telling import is_loss_topic
from core.errors import RequestInvalid
from core.types import FindingLevel

_LIFE_S: Final = 30
_LISTED: Final = 20


def look_at_events(look: Look) -> None:
    """Each part is a step of its own."""
    level = FindingLevel.FAILURE if look.settings.control else FindingLevel.WARNING
    if look.findings.step("events", look.url, lambda: _look_at_topics(look), level):
        look.findings.step("pull_point", look.url, lambda: _look_at_pull_point(look), level)


def _look_at_topics(look: Look) -> None:
    offered = sorted({topic.path for topic in look.client.events.topics()})
    shown = ", ".join(offered[:_LISTED]) + (" …" if len(offered) > _LISTED else "")
    look.findings.ok(look.url, "events_ok", f"it can tell {len(offered)} topics: {shown}")
    if any(map(is_loss_topic, offered)):
        look.findings.ok(look.url, "camera_loss_ok", "it can tell which cameras the VMS has lost")
    else:
        look.findings.ok(
            look.url, "camera_loss_unseen", "it does not tell lost cameras", "Watch them in the VMS itself."
        )
    for event in dict.fromkeys(entry.event for entry in look.settings.control):
        _look_at_entry(look, event, offered)


def _look_at_entry(look: Look, event: str, offered: list[str]) -> None:
    try:
        pattern = parse_pattern(event)
    except RequestInvalid as error:
        look.findings.fail(event, "control_event_invalid", str(error), error.remedy)
        return
    if pattern.topic in offered:
        look.findings.ok(event, "control_event_ok", f"the bridge can tell {pattern.topic}")
        return
    near = get_close_matches(pattern.topic, offered, n=3, cutoff=0.3) or offered[:3]
    remedy = f"Name one that it has, such as {', '.join(near)}." if near else "Enable events in the VMS's ONVIF bridge."
    look.findings.fail(event, "control_event_not_found", f"the bridge does not announce {pattern.topic}", remedy)


def _look_at_pull_point(look: Look) -> None:
    events = look.client.events
    subscription = events.subscribe((), _LIFE_S)
    events.unsubscribe(subscription)
    look.findings.ok(look.url, "pull_point_ok", "events can be subscribed to, and unsubscribed from")
