"""Events that XProtect's operators and rules trigger: those that switch us, and the one that we trigger."""

from __future__ import annotations

from typing import Final

from connectors.milestone.check.events import RETENTION_MENU
from connectors.milestone.check.look import Look
from connectors.milestone.control.ess_link import EssDialer
from connectors.milestone.publish.alarm_service import Condition, Operator, Target
from core.errors import VmsRefused
from core.types import FindingLevel

USER_DEFINED_MENU = "Management Client → Rules and Events → User-defined Events"
_ANSWER_S: Final = 10.0


def look_at_control(look: Look) -> None:
    """Each part is a step of its own."""
    look.findings.step("user_defined_events", look.url, lambda: _look_at_names(look))
    level = FindingLevel.FAILURE if look.settings.control else FindingLevel.WARNING
    look.findings.step("commands", look.url, lambda: _look_at_channel(look), level)


def _look_at_names(look: Look) -> None:
    trigger = [look.settings.trigger_event] if look.publishes("trigger") else []
    wanted = {**dict.fromkeys((event.event for event in look.settings.control), "control_event")}
    wanted |= dict.fromkeys(trigger, "trigger_event")
    if not wanted:
        return
    try:
        known = set(look.inventory.user_defined_events().values())
    except VmsRefused as error:
        remedy = f"See that these are in {USER_DEFINED_MENU}: {', '.join(wanted)}."
        message = f"this account may not list user-defined events: {error}"
        look.findings.warn(look.url, "user_defined_events_unverified", message, remedy)
        return
    for name, code in wanted.items():
        if name in known:
            look.findings.ok(name, f"{code}_ok", f"the user-defined event {name!r} exists")
        else:
            remedy = f"Run 'vigie milestone setup', or {USER_DEFINED_MENU}: add one named {name!r}, and save."
            look.findings.fail(name, f"{code}_not_found", f"XProtect has no user-defined event {name!r}", remedy)


def _look_at_channel(look: Look) -> None:
    """A session is begun and left. Raises ``VmsError``."""
    if look.session.routes.has_events_websocket():
        _begin_session(look)
        message = "the Events & State WebSocket tells events and lost cameras as they happen"
        look.findings.ok(look.url, "commands_ok", message)
    elif look.settings.control:
        names = {event.event for event in look.settings.control}
        look.alarm_service.event_lines([Condition(Target.MESSAGE, Operator.EQUALS, min(names))], 1)
        look.findings.ok(
            look.url,
            "commands_by_event_lines",
            "before 2023 R3 the alarm service is asked for events each second",
            f"Look by hand: {RETENTION_MENU}: keep user-defined events for a day or more, or none is seen.",
        )


def _begin_session(look: Look) -> None:
    ca = look.settings.ca_file(look.services.site_dir)
    dialer = EssDialer(look.settings, look.session, ca, look.services.clock)
    with dialer.dialled(lambda _link: None) as link:
        link.ask("startSession", _ANSWER_S, sessionId="", eventId="")
