"""Analytics events: the port, the event of our name, the alarm definition on it, and how long events are kept."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from connectors.milestone.check.look import Look
from connectors.milestone.control.stored_events import newest_events
from connectors.milestone.inventory.alarm_coverage import DEFINITIONS_MENU, alarm_coverage, group_members
from connectors.milestone.inventory.config_client import ConfigClient
from connectors.milestone.inventory.inventory import canonical_id
from connectors.milestone.publish.events import OPTIONS_MENU, EventPublisher
from connectors.milestone.video.recorder import dial
from core.errors import NotFoundInVms, VmsError, VmsRefused, VmsUnavailable

EVENTS_MENU = "Management Client → Rules and Events → Analytics Events"
RETENTION_MENU = "Management Client → Tools → Options → Alarms and Events → Event retention"
_PORT_REMEDY = f"{OPTIONS_MENU}: tick Enabled, note the port (9090), allow this machine's address; open the firewall."


def look_at_events(look: Look) -> None:
    """Each part is a step of its own."""
    known: dict[str, str] = {}
    step, name = look.findings.step, look.settings.event_name
    if step("analytics_event", name, lambda: known.update(_known_event(look))) and known:
        step("alarm_definition", name, lambda: _look_at_definitions(look, next(iter(known))))
        step("event_retention", name, lambda: _look_at_retention(look, known))


def look_at_event_server(look: Look) -> None:
    """A connection, then an empty document, which makes no event. Raises ``VmsError``."""
    host, port = look.settings.event_server_address
    try:
        dial(host, port, None, look.settings.timeout_s).close()
    except VmsUnavailable as error:
        remedy = error.remedy if isinstance(error.__cause__, socket.gaierror) else _PORT_REMEDY
        raise VmsUnavailable(str(error), remedy=remedy) from error.__cause__
    EventPublisher(look.settings, look.inventory).look()
    look.findings.ok(f"{host}:{port}", "event_server_ok", "the event server takes analytics events from this machine")


def _known_event(look: Look) -> Mapping[str, str]:
    """Its id and name; nothing where they cannot be listed. Raises ``NotFoundInVms``."""
    name = look.settings.event_name
    try:
        events = look.inventory.analytics_event_ids()
    except VmsRefused as error:
        remedy = f"See that {name!r} is in {EVENTS_MENU}."
        message = f"this account may not list analytics events: {error}"
        look.findings.warn(name, "analytics_event_unverified", message, remedy)
        return {}
    found = {event_id: known for event_id, known in events.items() if known == name}
    if not found:
        raise NotFoundInVms(
            f"XProtect has no analytics event {name!r}",
            remedy=f"Run 'vigie milestone setup', or {EVENTS_MENU}: add one named {name!r}, and save.",
        )
    look.findings.ok(name, "analytics_event_ok", f"the analytics event {name!r} exists")
    return found


def _look_at_definitions(look: Look, event_id: str) -> None:
    """Without one, events show in no alarm list."""
    name = look.settings.event_name
    by_device = _devices(look)
    try:
        definitions = look.inventory.alarm_definitions()
        members = group_members(ConfigClient(look.session))
        coverage = alarm_coverage(definitions, event_id, list(by_device), members)
    except VmsRefused as error:
        remedy = f"Look by hand: {DEFINITIONS_MENU}: one with the triggering event {name!r} and our cameras as sources."
        look.findings.ok(name, "alarm_definition_unseen", f"alarm definitions are not told: {error}", remedy)
        return
    if look.publishes("alarm"):
        _tell_whether_doubled(look, coverage.names)
        return
    if not coverage.missing and coverage.names:
        look.findings.ok(name, "alarm_definition_ok", f"alarms are made by: {', '.join(coverage.names)}")
        return
    cameras = ", ".join(by_device[device] for device in coverage.missing)
    message = f"no alarm definition on {name!r} is enabled for: {cameras or 'any camera'}"
    remedy = f"Run 'vigie milestone setup', or {DEFINITIONS_MENU}: triggering event Analytics Events → {name}, sources: our cameras."
    code = "alarm_definition_incomplete" if coverage.names else "alarm_definition_missing"
    look.findings.fail(name, code, message, remedy)


def _tell_whether_doubled(look: Look, names: tuple[str, ...]) -> None:
    """``alarm`` makes an alarm of each alert; a definition on our event makes a second one, which floods operators."""
    name = look.settings.event_name
    if not names:
        look.findings.ok(name, "alarm_definition_unneeded", "alarms are made by 'alarm' in 'publish:'")
        return
    look.findings.warn(
        name,
        "alarm_doubled",
        f"each alert gives two alarms: by 'alarm' in 'publish:', and by the alarm definition {', '.join(names)}",
        f"Remove 'alarm' from 'publish:', or disable the definition: {DEFINITIONS_MENU}.",
    )


def _devices(look: Look) -> dict[str, str]:
    """Device id → camera; what is no id has a finding of its own."""
    found = {}
    for camera in look.cameras:
        try:
            found[canonical_id(camera.device)] = camera.id
        except NotFoundInVms:
            continue
    return found


def _look_at_retention(look: Look, known: Mapping[str, str]) -> None:
    """Only an event that was stored proves it: to make one, a check would have to post one."""
    name = look.settings.event_name
    try:
        events = newest_events(look.session) if look.session.routes.has_events_rest() else []
    except VmsError:
        events = []
    if any(str(event.get("type") or "").lower() in known for event in events):
        look.findings.ok(name, "event_retention_ok", f"events {name!r} are stored")
        return
    message = f"no stored event {name!r} is seen: none was sent yet, or their retention is 0 days"
    remedy = f"Look by hand: {RETENTION_MENU}: keep them for a day or more, or they cannot be read afterwards."
    if look.settings.event_route == "rest":
        look.findings.warn(name, "event_retention_unknown", message, remedy)
    else:
        look.findings.ok(name, "event_retention_unknown", message, remedy)
