"""Which event-to-actions an entity shows, and which alarms they name.

Known of ``EventToActions``: it may be read of cameras and of the system configuration (the SDK's sample lists the latter's).
Unverified: its shape over the Web SDK, so the custom event's number and GUIDs are looked for anywhere in a rule. No public
source tells how the Web SDK would add one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.genetec.access.rows import guid_in, scalars_in
from connectors.genetec.access.websdk import ENTITIES_PER_REQUEST
from connectors.genetec.control.watched_events import SYSTEM_CONFIGURATION, event_number
from connectors.genetec.inventory.inventory import Inventory

_TRIGGERS = frozenset({"triggeralarm", "28673"})
_ACTIONS = _TRIGGERS | {
    "acknowledgealarm",
    "activatethreatlevel",
    "addbookmark",
    "blockunblockvideo",
    "displayentity",
    "forwardalarm",
    "gotopreset",
    "playsound",
    "runmacro",
    "sendemail",
    "sendmessage",
    "settilecontent",
    "startfileprotection",
    "startrecording",
    "stoprecording",
    "triggeroutput",
}
"""``ActionType`` of the SDK: a rule that shows another one than ``TriggerAlarm`` raises no alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """``is_ours``: a rule makes our custom event trigger an alarm. ``others``: there are rules, but none that does."""

    is_ours: bool
    others: bool
    guids: tuple[str, ...]
    """Of every entity that a rule of our custom event names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksOfSite:
    """By camera; ``system`` holds for all of them. An entity that may not be read is missing."""

    system: Links | None
    cameras: Mapping[str, Links]

    def has(self, guid: str) -> bool:
        """Whether our custom event on this camera is seen to do something."""
        camera = self.cameras.get(guid)
        return (self.system is not None and self.system.is_ours) or (camera is not None and camera.is_ours)

    def alarms(self, inventory: Inventory) -> list[str]:
        """GUIDs of the alarms that are named beside our custom event."""
        all_links = [*filter(None, [self.system]), *self.cameras.values()]
        guids = list(dict.fromkeys(guid for links in all_links for guid in links.guids))
        rows = inventory.described(guids, ("Guid", "EntityType"))
        return [guid for guid, row in rows.items() if str(row.get("EntityType", "")).lower() == "alarm"]


def links_of(inventory: Inventory, guids: Iterable[str], number: int) -> LinksOfSite:
    """Asks for all of these cameras. Raises ``VmsError`` where the account is refused or nobody answers."""
    wanted, properties = [SYSTEM_CONFIGURATION, *guids], ("Guid", "EventToActions")
    rows = inventory.described(wanted[:ENTITIES_PER_REQUEST], properties)
    if rows:  # else the property itself is refused: thousands of cameras would be asked for one by one
        rows |= inventory.described(wanted[ENTITIES_PER_REQUEST:], properties)
    found = {guid: _links(row.get("EventToActions"), number) for guid, row in rows.items()}
    return LinksOfSite(system=found.pop(SYSTEM_CONFIGURATION, None), cameras=found)


def _links(value: Any, number: int) -> Links:
    rules = value if isinstance(value, list) else [value] if value not in (None, "", {}) else []
    ours = [texts for texts in map(list, map(scalars_in, rules)) if _is_ours(texts, number)]
    guids = (guid for texts in ours for guid in map(guid_in, texts) if guid)
    return Links(is_ours=bool(ours), others=bool(rules) and not ours, guids=tuple(dict.fromkeys(guids)))


def _is_ours(texts: list[str], number: int) -> bool:
    actions = _ACTIONS.intersection(text.lower().removesuffix("action") for text in texts)
    return number in set(map(event_number, texts)) and (not actions or not actions.isdisjoint(_TRIGGERS))
