"""Cameras, recording servers, events and metadata devices of one XProtect system, in every release.

Asked in one pass, then only for what changed, with a full list now and then as deletions are told by nothing else.
While asking fails, what was known last is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.soap import ProductInfo
from connectors.milestone.inventory.by_rest import RestInventory
from connectors.milestone.inventory.by_soap import SoapInventory
from connectors.milestone.inventory.holdings import Holdings, KnownCamera, MetadataDevice, Recorder, recorder_of
from connectors.milestone.inventory.remembered import Remembered
from connectors.milestone.inventory.singles import Singles
from core.contracts import Clock
from core.errors import NotFoundInVms, ProtocolViolation, VmsRefused, VmsUnavailable
from core.types import VmsCamera

__all__ = ["Inventory", "KnownCamera", "MetadataDevice", "Recorder", "canonical_id"]

_Value = TypeVar("_Value")

_KEEP_S = 300.0
"""How long cameras and recorders are believed without asking for changes."""
_FULL_EVERY_S = 3600.0
"""A full list takes minutes on large sites."""
_LISTED_KEEP_S = 30.0
"""How long lists of events and definitions are believed: a person who adds one is waiting for it."""
_EDITION_KEEP_S = 3600.0
_JUST_ASKED_S = 5.0
_MOST_SINGLES = 50
"""So many cameras are asked for one by one; for more the full lists are cheaper."""

_BUILT_IN_EVENTS = frozenset(
    {
        "85867627-b287-4439-9e55-a63701e1715b",
        "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a",
        "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c",
    }
)
"""User-defined events that XProtect keeps for itself."""


class Inventory:
    """What is known of the site. Thread-safe: one thread asks, the others wait only while nothing is known."""

    def __init__(self, session: XProtectSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._rest = RestInventory(session)
        self._soap = SoapInventory(session, clock)
        self._singles = Singles(self._rest, clock, keep_s=_KEEP_S, most=_MOST_SINGLES)
        self._full_at = 0.0
        self._forgotten: set[str] = set()
        self._holdings = Remembered(f"cameras of {session.name}", self._look, clock, keep_s=_KEEP_S)
        self._user_defined = self._kept("user-defined events", lambda: self._source().user_defined_events())
        self._analytics = self._kept("analytics events", lambda: self._source().analytics_events())
        self._metadata = self._kept("metadata devices", lambda: self._source().metadata_devices())
        self._product = self._kept("edition", self._ask_product, keep_s=_EDITION_KEEP_S)
        self._options = self._kept("options", self._ask_options, keep_s=_EDITION_KEEP_S)

    def cameras(self) -> list[VmsCamera]:
        """Every camera that this account may see, asked for now; the last known ones while that fails.

        Enabled or not, where the release tells of disabled ones. A camera of disabled hardware is not enabled.
        """
        try:
            self._refresh(unless_younger_s=_JUST_ASKED_S)
        except (VmsUnavailable, ProtocolViolation):
            if self._holdings.known is None:
                raise
        holdings = self._holdings.get()
        return [
            VmsCamera(device=camera.part_id, name=camera.name, is_enabled=holdings.is_enabled(camera))
            for camera in holdings.cameras.values()
        ]

    def camera(self, device: str) -> KnownCamera:
        """One camera and its recorder. Raises ``NotFoundInVms`` for an unknown id.

        The first few are asked for one by one: a camera that starts must not wait for the lists of a whole site.
        """
        key = canonical_id(device)
        if self._holdings.known is None and self._singles.has_room_for(key) and self._session.routes.config() == "rest":
            return self._singles.camera(key)
        holdings = self._holdings.get()
        if key not in self._forgotten and (found := _whole(holdings, key)) is not None:
            return found
        holdings = self._looked_at(key, holdings)
        return holdings.known_camera(holdings.cameras[key])

    def recorders(self) -> list[Recorder]:
        """Every recording server."""
        return [recorder_of(part) for part in self._holdings.get().recorders.values()]

    def user_defined_events(self) -> dict[str, str]:
        """User-defined events, id → name, without the three that are built in."""
        found = self._user_defined.get()
        return {event_id: name for event_id, name in found.items() if event_id not in _BUILT_IN_EVENTS}

    def analytics_event_ids(self) -> dict[str, str]:
        """Analytics events that were made in Management Client, id → name."""
        return dict(self._analytics.get())

    def alarm_definitions(self) -> list[dict[str, Any]]:
        """Alarm definitions as the gateway gives them. Raises ``VmsRefused`` where there is no gateway."""
        if self._session.routes.config() == "soap":
            raise VmsRefused(
                "this XProtect cannot be asked for alarm definitions: it has no API Gateway (2022 R1 and later)",
                remedy="See Management Client → Alarms → Alarm Definitions.",
            )
        return list(self._rest.listed("alarmDefinitions"))

    def metadata_devices(self) -> list[MetadataDevice]:
        """Every metadata device that this account may see."""
        return list(self._metadata.get())

    def product(self) -> ProductInfo:
        """Product, edition and version, by SOAP in every release."""
        return self._product.get()

    def server_options(self) -> Mapping[str, str]:
        """What the edition allows (``Bookmark`` → ``False`` …), by SOAP in every release; slow on large sites."""
        return self._options.get()

    def rights(self, device: str) -> frozenset[str] | None:
        """What this account may do with an enabled camera (``Live`` …), by SOAP in every release; slow on large sites.

        None where that is not told.
        """
        camera = self._soap.configuration().holdings.cameras.get(canonical_id(device))
        return camera.rights if camera else None

    def has_enabled_hardware(self, device: str) -> bool:
        """Whether the hardware of a camera is enabled, as far as it is known."""
        holdings = self._holdings.get()
        camera = holdings.cameras.get(canonical_id(device))
        hardware = holdings.hardware.get(camera.parent) if camera else None
        return hardware is None or hardware.is_enabled

    def refresh(self) -> None:
        """Asks for everything anew, now. Raises ``VmsError``."""
        self._refresh()

    def age_s(self) -> float | None:
        """How old the knowledge of cameras and recorders is; None before the first look."""
        return self._holdings.age_s

    def remembered(self, device: str) -> KnownCamera | None:
        """What is known of a camera without asking, however old."""
        key, holdings = canonical_id(device), self._holdings.known
        return _whole(holdings, key) if holdings else self._singles.known(key)

    def forget(self, device: str) -> None:
        """Makes the next ``camera`` ask again: after a failover its recorder is another."""
        self._forgotten.add(canonical_id(device))
        self._singles.forget(canonical_id(device))

    def _kept(self, what: str, ask: Callable[[], _Value], *, keep_s: float = _LISTED_KEEP_S) -> Remembered[_Value]:
        return Remembered(f"{what} of {self._session.name}", lambda _: ask(), self._clock, keep_s=keep_s)

    def _looked_at(self, key: str, holdings: Holdings) -> Holdings:
        """With one camera asked for anew; the old knowledge of it, if any, while that fails."""
        try:
            found = self._source().looked_at(key, holdings)
        except NotFoundInVms:
            self._holdings.change(lambda known: _without(known, key))
            raise
        except (VmsUnavailable, ProtocolViolation):
            if key not in holdings.cameras:
                raise
            return holdings
        self._forgotten.discard(key)
        self._holdings.change(lambda known: _merged(known, found, key))
        return found

    def _look(self, known: Holdings | None) -> Holdings:
        if known is None or self._clock.monotonic() - self._full_at >= _FULL_EVERY_S:
            return self._full()
        return self._source().changed(known)

    def _full(self) -> Holdings:
        found = self._source().full()
        self._full_at = self._clock.monotonic()
        self._forgotten.clear()
        return found

    def _refresh(self, *, unless_younger_s: float = 0.0) -> None:
        self._holdings.refresh(self._full, unless_younger_s=unless_younger_s)

    def _source(self) -> RestInventory | SoapInventory:
        return self._rest if self._session.routes.config() == "rest" else self._soap

    def _ask_product(self) -> ProductInfo:
        return self._session.with_corporate_token(lambda commands, token: commands.product_info(token))

    def _ask_options(self) -> Mapping[str, str]:
        return self._soap.configuration().options


def canonical_id(device: str) -> str:
    """A device id in lower case with dashes. Raises ``NotFoundInVms`` for what cannot be one."""
    try:
        return str(UUID(device))
    except ValueError as error:
        raise NotFoundInVms(
            f"{device!r} is no XProtect device id",
            remedy="Write the camera's GUID: 'vigie check' lists them; Management Client shows it on Ctrl+click.",
        ) from error


def _whole(known: Holdings, key: str) -> KnownCamera | None:
    """The camera, if it is known with all that it hangs on: lists that are read while somebody works may not fit."""
    camera = known.cameras.get(key)
    try:
        return known.known_camera(camera) if camera else None
    except ProtocolViolation:
        return None


def _without(known: Holdings, key: str) -> Holdings:
    return replace(known, cameras={device: part for device, part in known.cameras.items() if device != key})


def _merged(known: Holdings, found: Holdings, key: str) -> Holdings:
    """``known`` with the camera of ``found`` and what it hangs on."""
    camera = found.cameras[key]
    hardware = found.hardware.get(camera.parent)
    recorder = found.recorders.get(hardware.parent) if hardware else None
    return replace(
        known,
        cameras={**known.cameras, key: camera},
        hardware={**known.hardware, **({camera.parent: hardware} if hardware else {})},
        recorders={**known.recorders, **({hardware.parent: recorder} if hardware and recorder else {})},
    )
