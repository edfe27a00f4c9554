"""The alarm entity, made over the Web SDK, and what it cannot make: the operators to tell, and the event-to-action.

Facts: ``NewEntity(Alarm)`` with its properties and ``Recipients@(guid,delay)`` (Genetec's WebSDKStudio sample and wiki).
Unverified: that a threshold of zero is taken, and the shape of ``Recipients`` when read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Final

from config.model import CameraSettings
from connectors.genetec.access.query import escaped
from connectors.genetec.access.rows import guid_in, scalars_in
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.inventory.event_to_actions import LinksOfSite, links_of
from connectors.genetec.inventory.inventory import Inventory, camera_guid
from connectors.genetec.menus import ALARMS, event_to_action, recipients
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.worklist import Clash, Worklist
from core.errors import NotFoundInVms, RequestInvalid, VmsRefused

ALWAYS: Final = "00000000-0000-0000-0000-000000000006"
"""GUID of the schedule "Always", the same in every Security Center."""

_PRIORITY: Final = 1
"""The highest of 1 to 255."""
_THRESHOLD: Final = "00:00:00"
"""Whatever comes inside a threshold raises no alarm, maybe also from another camera: an administrator may set one."""
_DELAY: Final = "00:00:01"
_MANY: Final = 5


class AlarmSetup:
    """What ``alarm`` in ``publish`` needs."""

    def __init__(self, settings: GenetecSettings, sdk: WebSdk, work: Worklist) -> None:
        self._settings = settings
        self._sdk = sdk
        self._work = work
        self._inventory = Inventory(sdk)
        self._guids: Sequence[str] = ()

    def run(self, cameras: Sequence[CameraSettings]) -> None:
        """The alarm, who is told, and what triggers it."""
        if "alarm" not in self._settings.publish:
            return
        self._guids = [camera_guid(camera) for camera in cameras]
        name = self._settings.event_name
        if self._settings.alarm_route == "direct":
            create = f"{ALARMS} → Alarm: create it, and set 'alarm' to its GUID"
            self._work.look(f"alarm {self._settings.alarm}", create, lambda: self._alarm() is not None)
        else:
            create = f"{ALARMS} → Alarm: Name: {name}; Properties: Priority: {_PRIORITY}, Recipients; Apply"
            self._work.ensure(f"alarm {name!r}", create, lambda: self._alarm() is not None, self._make)
        self._ensure_recipients(name)
        if self._settings.alarm_route == "event_to_action" and cameras:
            names = {camera_guid(camera): camera.name or camera.id for camera in cameras}
            self._work.look(
                f"event-to-action {name!r} → alarm", event_to_action(name, name), partial(self._is_linked, names)
            )

    def _ensure_recipients(self, name: str) -> None:
        """Vigie's user, so that it hears acknowledgements; and somebody who answers."""
        user = self._settings.username
        self._work.ensure(
            f"recipient {user!r} of the alarm",
            f"{recipients(name)}: {user}; Apply",
            self._tells_us,
            self._add_us,
        )
        self._work.look(
            "operators among the recipients of the alarm",
            f"{recipients(name)}: the operators' user group; Apply",
            lambda: bool(self._recipients() - {self._user()}),
        )

    def _alarm(self) -> str | None:
        """Of the settings; else one that our event triggers already; else one of our name."""
        if self._settings.alarm is not None:
            return self._alarm_of_settings(str(self._settings.alarm))
        found = self._links.alarms(self._inventory) or self._inventory.named("Alarm", self._settings.event_name)
        return found[0] if found else None

    def _alarm_of_settings(self, guid: str) -> str | None:
        if guid in self._inventory.described([guid], ("Guid", "Name")):
            return guid
        if self._settings.alarm_route == "direct":
            return None
        raise Clash(f"'alarm' of the site file is {guid}, which is not there", remedy="Remove 'alarm', or correct it.")

    def _make(self) -> None:
        name = self._settings.event_name
        if "#" in name:
            raise RequestInvalid("the Web SDK takes no '#'")
        properties = (
            f"Name={escaped(name)},Priority={_PRIORITY},ReactivationThreshold={_THRESHOLD}"
            f",Recipients@({self._user()},{_DELAY}),Schedule={ALWAYS},Guid"
        )
        self._sdk.do("POST", "/entity", f"entity=NewEntity(Alarm),{properties}", what=f"create alarm {name!r}")

    def _tells_us(self) -> bool:
        return self._user() in self._recipients()

    def _add_us(self) -> None:
        alarm = self._alarm()
        if alarm is None:
            raise NotFoundInVms("there is no alarm yet")
        query = f"entity={alarm},Recipients@({self._user()},{_DELAY})"
        self._sdk.do("POST", "/entity", query, what="add a recipient to the alarm")

    def _recipients(self) -> set[str]:
        alarm = self._alarm()
        rows = self._inventory.described([alarm], ("Guid", "Recipients")) if alarm else {}
        return {guid for row in rows.values() for guid in map(guid_in, scalars_in(row.get("Recipients"))) if guid}

    def _user(self) -> str:
        """GUID of Vigie's own user."""
        found = self._inventory.named("User", self._settings.username)
        if not found:
            raise VmsRefused(f"this account is shown no user {self._settings.username!r}")
        return found[0]

    def _is_linked(self, names: Mapping[str, str]) -> bool:
        links = self._links
        missing = [name for guid, name in names.items() if not links.has(guid)]
        if missing and len(missing) < len(names):
            more = f" and {len(missing) - _MANY} more" if len(missing) > _MANY else ""
            raise VmsRefused(f"not seen on {', '.join(missing[:_MANY])}{more}")
        return not missing

    @cached_property
    def _links(self) -> LinksOfSite:
        """Nothing that is made here changes them."""
        return links_of(self._inventory, self._guids, self._settings.event_id)
