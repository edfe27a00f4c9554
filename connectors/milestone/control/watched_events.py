"""The user-defined events that the settings' ``control`` names, as XProtect knows them."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.settings import MilestoneSettings

_log = structlog.get_logger(component="milestone")


def watched_events(settings: MilestoneSettings, inventory: Inventory, memory: EssMemory) -> Mapping[str, str]:
    """Id of each user-defined event → its name.

    A name that XProtect does not know is complained of once, and is to be looked for again.
    """
    wanted = {control.event for control in settings.control}
    if not wanted:
        return {}
    known = inventory.user_defined_events()
    found = {event_id.lower(): name for event_id, name in known.items() if name in wanted}
    for name in sorted(wanted):
        if name in found.values():
            memory.settled(name)
        elif memory.complains_first_time(name):
            _log.warning(
                "control_event_unknown",
                event_name=name,
                remedy="Run 'vigie milestone setup', or Management Client → Rules and Events → User-defined Events.",
            )
    return found
