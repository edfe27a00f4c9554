"""What survives a dropped event stream: what was told and complained of already, and names that were looked up."""

from __future__ import annotations

from collections import OrderedDict

from connectors.protocols.told import Told
from core.types import UtcSeconds

_MAX_NAMES = 1000


class ControlMemory(Told):
    """Thread-safe; one per VMS, held by its connector."""

    def __init__(self) -> None:
        super().__init__()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._began: dict[str, UtcSeconds] = {}

    def began(self, channel: str, since: UtcSeconds) -> UtcSeconds:
        """What was given for the first source of a channel: up to then an earlier process told."""
        with self._lock:
            return self._began.setdefault(channel, since)

    def name_of(self, guid: str) -> str | None:
        """The name of an entity that was looked up before."""
        with self._lock:
            return self._names.get(guid)

    def named(self, guid: str, name: str) -> None:
        """The entity has this name."""
        with self._lock:
            self._names[guid] = name
            while len(self._names) > _MAX_NAMES:
                self._names.popitem(last=False)
