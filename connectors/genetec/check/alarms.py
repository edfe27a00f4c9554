"""The alarm, who is told of it, and what triggers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.model import CameraSettings
from connectors.genetec.access.rows import guid_in, scalars_in
from connectors.genetec.check.look import Look
from connectors.genetec.inventory.event_to_actions import LinksOfSite, links_of
from connectors.genetec.menus import ACTIONS, ALARMS, event_to_action, recipients
from core.errors import NotFoundInVms, VmsRefused

_NO_TIME = frozenset({"", "0", "00:00:00", "0:00:00", "none"})


def look_at_alarms(look: Look) -> None:
    """Raises ``VmsError``."""
    settings = look.settings
    if settings.alarm_route == "direct":
        _look_at_alarm(look, str(settings.alarm))
        return
    links = links_of(look.inventory, look.known, settings.event_id)
    for guid, camera in look.known.items():
        _look_at_links(look, links, guid, camera)
    named = [str(settings.alarm)] if settings.alarm else links.alarms(look.inventory)
    alarms = named or look.inventory.named("Alarm", settings.event_name)
    for alarm in alarms:
        _look_at_alarm(look, alarm)
    if not alarms:
        remedy = f"Look by hand: {ALARMS}: the alarm that {settings.event_name!r} triggers has recipients."
        message = "which alarm the event-to-action triggers is not shown, and none is named as 'event_name'"
        look.findings.ok(look.url, "alarm_unseen", message, remedy)


def _look_at_links(look: Look, links: LinksOfSite, guid: str, camera: CameraSettings) -> None:
    """Only hints: the property's shape is not documented."""
    name, own = look.settings.event_name, links.cameras.get(guid)
    alarm = str(look.settings.alarm or name)
    if links.has(guid):
        look.findings.ok(camera.id, "event_to_action_ok", f"{name!r} on this camera has an event-to-action")
    elif own is None:
        remedy = f"Look by hand: {ACTIONS}: {name!r} on this camera triggers an alarm."
        look.findings.warn(camera.id, "event_to_action_unverified", "event-to-actions cannot be read", remedy)
    elif own.others or (links.system is not None and links.system.others):
        remedy = f"Look by hand, and if it is missing: {event_to_action(name, alarm)}."
        message = f"event-to-actions are seen, but none by which {name!r} ({look.settings.event_id}) triggers an alarm"
        look.findings.warn(camera.id, "event_to_action_other", message, remedy)
    else:
        message = "no event-to-action is seen on this camera: its alerts may raise no alarm"
        look.findings.warn(camera.id, "event_to_action_missing", message, f"{event_to_action(name, alarm)}.")


def _look_at_alarm(look: Look, alarm: str) -> None:
    rows = look.inventory.described([alarm], ("Guid", "Name", "EntityType"))
    if alarm not in rows or str(rows[alarm].get("EntityType", "Alarm")).lower() != "alarm":
        raise NotFoundInVms(
            f"Security Center shows no alarm {alarm} to this account",
            remedy=f"Set 'alarm' to the GUID of an alarm entity ({ALARMS}); look at the user's partitions.",
        )
    name = str(rows[alarm].get("Name") or alarm)
    look.findings.ok(name, "alarm_ok", f"the alarm {name!r} exists")
    more = look.inventory.described([alarm], ("Guid", "Recipients", "ReactivationThreshold")).get(alarm)
    if more is None:
        remedy = f"Look by hand: {recipients(name)}."
        look.findings.ok(name, "alarm_recipients_unseen", "recipients and threshold are not shown", remedy)
    else:
        _look_at_reach(look, name, more)


def _own_users(look: Look) -> set[str]:
    """Empty where users are not shown to this account."""
    try:
        return set(look.inventory.named("User", look.settings.username))
    except VmsRefused:
        return set()


def _look_at_reach(look: Look, name: str, row: Mapping[str, Any]) -> None:
    told = {guid for guid in map(guid_in, scalars_in(row.get("Recipients"))) if guid}
    remedy = f"{recipients(name)}: the operators' user group, and {look.settings.username}; Apply."
    if not told:
        look.findings.fail(name, "alarm_recipients_missing", f"nobody is told of the alarm {name!r}", remedy)
    elif told <= _own_users(look):
        message = f"only {look.settings.username!r}, which nobody reads, is told of the alarm {name!r}"
        look.findings.fail(name, "alarm_recipients_own", message, remedy)
    else:
        look.findings.ok(name, "alarm_recipients_ok", f"the alarm {name!r} has recipients: {len(told)}")
    threshold = str(row.get("ReactivationThreshold") or "").strip().lower()
    if threshold not in _NO_TIME:
        look.findings.warn(
            name,
            "alarm_threshold",
            f"for {threshold} after each alarm {name!r} further alerts raise none, maybe also from other cameras",
            f"{ALARMS} → {name} → Advanced → Reactivation threshold: 0, or one alarm for each camera.",
        )
