"""Custom events: the one that alerts raise, and those that switch us."""

from __future__ import annotations

from connectors.genetec.access.rows import scalars_in
from connectors.genetec.check.look import Look
from connectors.genetec.control.watched_events import REMEDY, SYSTEM_CONFIGURATION, known_events
from connectors.genetec.menus import CUSTOM_EVENTS, custom_event
from core.errors import NotFoundInVms, VmsRefused


def look_at_custom_event(look: Look) -> None:
    """The property's shape is not documented, so number and name are looked for anywhere in it. Raises ``VmsError``."""
    name, number = look.settings.event_name, look.settings.event_id
    try:
        rows = look.sdk.entities([SYSTEM_CONFIGURATION], ["Guid", "CustomEvents"])
    except VmsRefused as error:
        look.findings.warn(
            name,
            "custom_event_unverified",
            f"this account may not list custom events: {error}",
            f"Look by hand: {CUSTOM_EVENTS}: {name!r}, entity type Camera, value {number}.",
        )
        return
    scalars = set(scalars_in([row.get("CustomEvents") for row in rows]))
    if str(number) not in scalars:
        raise NotFoundInVms(
            f"Security Center has no custom event with the value {number}",
            remedy=f"Run 'vigie genetec setup', or {custom_event(name, number)}; or set 'event_id' to an existing one.",
        )
    if name not in scalars:
        remedy = "Set 'event_name' to what operators read, or 'event_id' to the event that is meant."
        look.findings.warn(name, "custom_event_name", f"custom event {number} is not named {name!r}", remedy)
        return
    look.findings.ok(name, "custom_event_ok", f"custom event {name!r} has the value {number}")


def look_at_control_events(look: Look) -> None:
    """Raises ``VmsError``."""
    known = {event.name for event in known_events(look.sdk)}
    for name in dict.fromkeys(control.event for control in look.settings.control):
        if name in known:
            look.findings.ok(name, "control_event_ok", f"custom event {name!r} switches rules")
        else:
            message = f"Security Center shows no custom event {name!r}, which 'control:' names"
            look.findings.fail(name, "control_event_not_found", message, REMEDY)
