"""Cameras asked for one by one, while the lists of the whole site are not known."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from connectors.milestone.inventory.by_rest import RestInventory
from connectors.milestone.inventory.holdings import Holdings, KnownCamera
from core.contracts import Clock
from core.errors import NotFoundInVms, ProtocolViolation, VmsUnavailable


class Singles:
    """Thread-safe. Each camera costs two or three small requests, again after ``keep_s``; old rather than none."""

    def __init__(self, source: RestInventory, clock: Clock, *, keep_s: float, most: int) -> None:
        self._source = source
        self._clock = clock
        self._keep_s = keep_s
        self._most = most
        self._lock = threading.Lock()
        self._held: Mapping[str, KnownCamera] = {}
        self._ask_again_at: dict[str, float] = {}

    def has_room_for(self, key: str) -> bool:
        """Whether this camera is one of the few."""
        return key in self._held or len(self._held) < self._most

    def known(self, key: str) -> KnownCamera | None:
        """What is known of it without asking, however old."""
        return self._held.get(key)

    def forget(self, key: str) -> None:
        """Makes the next ``camera`` ask again."""
        with self._lock:
            self._ask_again_at.pop(key, None)

    def camera(self, key: str) -> KnownCamera:
        """The camera. Raises ``NotFoundInVms``; other errors only where nothing is known of it."""
        held = self._held.get(key)
        if held is not None and self._clock.monotonic() < self._ask_again_at.get(key, 0.0):
            return held
        try:
            found = self._source.looked_at(key, Holdings())
            camera = found.known_camera(found.cameras[key])
        except NotFoundInVms:
            self._change(key, None)
            raise
        except (VmsUnavailable, ProtocolViolation):
            if held is None:
                raise
            return held
        self._change(key, camera)
        return camera

    def _change(self, key: str, camera: KnownCamera | None) -> None:
        with self._lock:
            others = {name: known for name, known in self._held.items() if name != key}
            self._held = others if camera is None else {**others, key: camera}
            self._ask_again_at[key] = self._clock.monotonic() + self._keep_s
