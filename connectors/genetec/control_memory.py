"""What survives a dropped event stream: what was told and complained of already, and what cameras lack."""

from __future__ import annotations

import threading
from collections import OrderedDict

from core.types import UtcSeconds

_MAX_TOLD = 4096
_MAX_NAMES = 1000


class ControlMemory:
    """Thread-safe; one per VMS, held by its connector."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[str, str] = OrderedDict()
        self._complained: set[str] = set()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._began: dict[str, UtcSeconds] = {}

    def began(self, channel: str, since: UtcSeconds) -> UtcSeconds:
        """What was given for the first source of a channel: up to then an earlier process told."""
        with self._lock:
            return self._began.setdefault(channel, since)

    def is_news(self, subject: str, said: str = "") -> bool:
        """Whether this was not said of the subject last, remembering that it is now. The oldest subjects are let go."""
        with self._lock:
            if self._told.get(subject) == said:
                return False
            self._remember(subject, said)
            return True

    def last_said(self, subject: str) -> str | None:
        """What was said of it last; None where nothing was, or it is long ago."""
        with self._lock:
            return self._told.get(subject)

    def said(self, subject: str, said: str) -> None:
        """This is said of it now."""
        with self._lock:
            self._remember(subject, said)

    def complains_first_time(self, subject: str) -> bool:
        """Whether this was not complained of yet, remembering that it is now."""
        with self._lock:
            is_new = subject not in self._complained
            self._complained.add(subject)
            return is_new

    def settled(self, subject: str) -> None:
        """What was complained of is mended: the next time counts again."""
        with self._lock:
            self._complained.discard(subject)

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

    def _remember(self, subject: str, said: str) -> None:
        self._told[subject] = said
        self._told.move_to_end(subject)
        while len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
