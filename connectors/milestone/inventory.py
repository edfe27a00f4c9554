"""Cameras and recording servers as the Config REST API lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from connectors.milestone.rest import listed, single, succeeded, without_effect
from connectors.milestone.session import XProtectSession
from core.contracts import Clock
from core.errors import NotFoundInVms, ProtocolViolation
from core.types import VmsCamera

_PAGE_SIZE = 500
_MAX_PAGES = 200
_LIST_TIMEOUT_S = 180.0
"""Full lists of large sites take longer than 30 s."""
_KEEP_S = 300.0
"""How long an answer about one camera is believed."""
_IMAGE_SERVER_PORT = 7563


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A recording server, and where its ImageServer listens. ``url`` is the address as announced."""

    recorder_id: str
    name: str
    url: str
    host: str
    port: int
    has_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCamera:
    """A camera, and the recording server that has it."""

    device: str
    name: str
    is_enabled: bool
    recorder: Recorder


@dataclass(frozen=True, slots=True)
class _Remembered:
    camera: KnownCamera
    until: float


class Inventory:
    """Asks the gateway, and remembers single cameras for some minutes. Thread-safe: the worst race asks twice."""

    def __init__(self, session: XProtectSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}

    def cameras(self) -> list[VmsCamera]:
        """Every camera that this account may see, enabled or not. A camera of disabled hardware is not enabled."""
        hardware = {_id(item): _is_enabled(item) for item in self._all("hardware")}
        return [
            VmsCamera(
                device=_id(item),
                name=_name(item),
                is_enabled=_is_enabled(item) and hardware.get(_parent_or_empty(item), True),
            )
            for item in self._all("cameras")
        ]

    def camera(self, device: str) -> KnownCamera:
        """One camera and its recorder. Raises ``NotFoundInVms`` for an unknown id."""
        key = canonical_id(device)
        found = self._remembered.get(key)
        if found is None or self._clock.monotonic() >= found.until:
            found = _Remembered(self._ask(key), self._clock.monotonic() + _KEEP_S)
            self._remembered[key] = found
        return found.camera

    def analytics_events(self) -> list[str]:
        """Names of the analytics events that were made in Management Client."""
        return [_name(item) for item in self._all("analyticsEvents")]

    def remembered(self, device: str) -> KnownCamera | None:
        """What is known of a camera without asking, however old."""
        found = self._remembered.get(canonical_id(device))
        return found.camera if found else None

    def forget(self, device: str) -> None:
        """Makes the next ``camera`` ask again: after a failover its recorder is another."""
        self._remembered.pop(canonical_id(device), None)

    def _ask(self, device: str) -> KnownCamera:
        camera = self._one("cameras", device)
        hardware = self._one("hardware", _parent(camera))
        recorder = self._one("recordingServers", _parent(hardware))
        return KnownCamera(
            device=device,
            name=_name(camera),
            is_enabled=_is_enabled(camera) and _is_enabled(hardware),
            recorder=_recorder(recorder),
        )

    def _one(self, collection: str, object_id: str) -> dict[str, Any]:
        what = f"{collection}/{object_id} of XProtect"
        with without_effect():
            response = self._session.rest("GET", f"/{collection}/{object_id}", what=what, params="disabled")
            return single(succeeded(response, what), what)

    def _all(self, collection: str) -> Iterator[dict[str, Any]]:
        """Pages until one brings nothing new, as a server may give smaller pages than asked, or no pages at all."""
        seen: set[str] = set()
        for page in range(_MAX_PAGES):
            fresh = [item for item in self._page(collection, page) if _id(item) not in seen]
            if not fresh:
                return
            seen.update(map(_id, fresh))
            yield from fresh

    def _page(self, collection: str, page: int) -> list[dict[str, Any]]:
        what = f"list of {collection} of XProtect"
        query = f"disabled&page={page}&size={_PAGE_SIZE}"
        with without_effect():
            response = self._session.rest("GET", f"/{collection}", what=what, params=query, timeout=_LIST_TIMEOUT_S)
            return listed(succeeded(response, what), what)


def canonical_id(device: str) -> str:
    """A device id in lower case with dashes. Raises ``NotFoundInVms`` for what cannot be one."""
    try:
        return str(UUID(device))
    except ValueError as error:
        raise NotFoundInVms(
            f"{device!r} is no XProtect device id",
            remedy="Write the camera's GUID: 'vigie check' lists them; Management Client shows it on Ctrl+click.",
        ) from error


def _recorder(item: dict[str, Any]) -> Recorder:
    """A failover recorder shows up as ``activeWebServerUri`` (inferred from its name, unverified)."""
    url = str(item.get("activeWebServerUri") or item.get("webServerUri") or "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ProtocolViolation(f"recording server {_name(item)} announces no usable address: {url!r}")
    return Recorder(
        recorder_id=_id(item),
        name=_name(item),
        url=url,
        host=parts.hostname,
        port=parts.port or _IMAGE_SERVER_PORT,
        has_tls=parts.scheme == "https",
    )


def _id(item: dict[str, Any]) -> str:
    return str(item.get("id") or "").lower()


def _name(item: dict[str, Any]) -> str:
    return str(item.get("name") or item.get("displayName") or _id(item))


def _is_enabled(item: dict[str, Any]) -> bool:
    """Booleans were strings before 2022 R2."""
    return str(item.get("enabled", True)).lower() == "true"


def _parent(item: dict[str, Any]) -> str:
    found = _parent_or_empty(item)
    if not found:
        raise ProtocolViolation(f"{_name(item)}: the answer names no parent")
    return found


def _parent_or_empty(item: dict[str, Any]) -> str:
    relations = item.get("relations")
    parent = relations.get("parent") if isinstance(relations, dict) else None
    return str(parent.get("id") or "").lower() if isinstance(parent, dict) else ""
