"""What an XProtect system holds, asked of the gateway's Config REST API (2022 R1 and later).

Lists come in pages, with disabled objects. Only what changed since the last look is asked for where that is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from connectors.milestone.access.rest import listed, single, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.holdings import Holdings, MetadataDevice, Part
from core.clock import iso_utc, parse_iso
from core.errors import NotFoundInVms, RequestInvalid, VmsUnavailable
from core.types import UtcSeconds

_PAGE_SIZE = 500
_MAX_PAGES = 200
_LIST_TIMEOUT_S = 180.0
"""Full lists of large sites take longer than 30 s."""
_COLLECTIONS = ("recordingServers", "hardware", "cameras")
"""Asked for at the same time; Milestone's own samples keep below ten requests at once."""
_MARGIN_S = 1.0
"""Changes of the last moment that was seen are asked for again."""


class RestInventory:
    """Asks, and remembers nothing."""

    def __init__(self, session: XProtectSession) -> None:
        self._session = session

    def full(self) -> Holdings:
        """Everything that this account may see."""
        return self._holdings("")

    def changed(self, known: Holdings) -> Holdings:
        """``known`` with what changed since; what was deleted stays in it."""
        if known.as_of is None:
            return self.full()
        since = quote(f"gt:'{iso_utc(known.as_of - _MARGIN_S)}'", safe="")
        try:
            found = self._holdings(f"&lastModified={since}")
        except RequestInvalid:  # a release whose filter is spelled otherwise
            return self.full()
        return Holdings(
            recorders={**known.recorders, **found.recorders},
            hardware={**known.hardware, **found.hardware},
            cameras={**known.cameras, **found.cameras},
            as_of=max(known.as_of, found.as_of or known.as_of),
        )

    def looked_at(self, device: str, known: Holdings) -> Holdings:
        """``known`` with one camera, its hardware and its recorder asked for anew. Raises ``NotFoundInVms``."""
        camera = _part(self._one("cameras", device))
        hardware = self._parent_of(camera, "hardware")
        recorder = self._parent_of(hardware, "recordingServers")
        return replace(
            known,
            cameras={**known.cameras, device: replace(camera, part_id=device)},
            hardware={**known.hardware, **({camera.parent: hardware} if hardware else {})},
            recorders={**known.recorders, **({hardware.parent: recorder} if hardware and recorder else {})},
        )

    def metadata_devices(self) -> list[MetadataDevice]:
        """Every metadata device, enabled or not."""
        return [
            MetadataDevice(device=part.part_id, name=part.name, is_enabled=part.is_enabled, hardware_id=part.parent)
            for part in map(_part, self.listed("metadata"))
        ]

    def user_defined_events(self) -> dict[str, str]:
        """Id → name."""
        return self._names("userDefinedEvents")

    def analytics_events(self) -> dict[str, str]:
        """Id → name."""
        return self._names("analyticsEvents")

    def listed(self, collection: str, query: str = "") -> Iterator[dict[str, Any]]:
        """Pages until one brings nothing new, as a server may give smaller pages than asked, or no pages at all."""
        seen: set[str] = set()
        for page in range(_MAX_PAGES):
            fresh = [item for item in self._page(collection, page, query) if _id(item) not in seen]
            if not fresh:
                return
            seen.update(map(_id, fresh))
            yield from fresh

    def _holdings(self, query: str) -> Holdings:
        with ThreadPoolExecutor(len(_COLLECTIONS), thread_name_prefix="xprotect-lists") as pool:
            lists = list(pool.map(lambda collection: list(self.listed(collection, query)), _COLLECTIONS))
        recorders, hardware, cameras = ({_id(item): _part(item) for item in items} for items in lists)
        return Holdings(recorders=recorders, hardware=hardware, cameras=cameras, as_of=_latest(lists))

    def _names(self, collection: str) -> dict[str, str]:
        return {_id(item): _name(item) for item in self.listed(collection)}

    def _one(self, collection: str, object_id: str) -> dict[str, Any]:
        what = f"{collection}/{object_id} of XProtect"
        with without_effect():
            response = self._session.rest("GET", f"/{collection}/{object_id}", what=what, params="disabled")
            return single(succeeded(response, what), what)

    def _parent_of(self, part: Part | None, collection: str) -> Part | None:
        """None where none is named or shown: an account that may not see it learns nothing about the camera."""
        if part is None or not part.parent:
            return None
        try:
            return _part(self._one(collection, part.parent))
        except NotFoundInVms:
            return None

    def _page(self, collection: str, page: int, query: str) -> list[dict[str, Any]]:
        """Asked twice before it costs the whole list: on large sites one of many connections may break."""
        try:
            return self._ask_page(collection, page, query)
        except VmsUnavailable:
            return self._ask_page(collection, page, query)

    def _ask_page(self, collection: str, page: int, query: str) -> list[dict[str, Any]]:
        what = f"list of {collection} of XProtect"
        asked = f"disabled&page={page}&size={_PAGE_SIZE}{query}"
        with without_effect():
            response = self._session.rest("GET", f"/{collection}", what=what, params=asked, timeout=_LIST_TIMEOUT_S)
            return listed(succeeded(response, what), what)


def _part(item: dict[str, Any]) -> Part:
    """A failover recorder shows up as ``activeWebServerUri`` (inferred from its name, unverified)."""
    return Part(
        part_id=_id(item),
        name=_name(item),
        is_enabled=_is_true(item.get("enabled", True)),
        parent=_parent(item),
        url=str(item.get("activeWebServerUri") or item.get("webServerUri") or ""),
    )


def _id(item: dict[str, Any]) -> str:
    return str(item.get("id") or "").lower()


def _name(item: dict[str, Any]) -> str:
    return str(item.get("name") or item.get("displayName") or _id(item))


def _is_true(value: object) -> bool:
    """Booleans were strings before 2022 R2."""
    return str(value).lower() == "true"


def _parent(item: dict[str, Any]) -> str:
    relations = item.get("relations")
    parent = relations.get("parent") if isinstance(relations, dict) else None
    return str(parent.get("id") or "").lower() if isinstance(parent, dict) else ""


def _latest(lists: list[list[dict[str, Any]]]) -> UtcSeconds | None:
    """The last change that the VMS tells, by its own clock."""
    times = [_time(item.get("lastModified")) for items in lists for item in items]
    return max(filter(None, times), default=None)


def _time(text: object) -> UtcSeconds | None:
    try:
        return parse_iso(str(text or ""))
    except ValueError:
        return None
