"""What a control channel said and complained of already, so that it survives a dropped connection."""

from __future__ import annotations

import threading
from collections import OrderedDict

_MAX_TOLD = 4096


class Told:
    """Thread-safe; one per VMS, held by its connector."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: OrderedDict[str, str] = OrderedDict()
        self._complained: set[str] = set()

    def last_said(self, subject: str) -> str | None:
        """What was said of it last; None where nothing was, or it is long ago."""
        with self._lock:
            return self._told.get(subject)

    def said(self, subject: str, said: str = "") -> None:
        """This was said of it now. The oldest subjects are let go; a subject without a name is not remembered."""
        if not subject:
            return
        with self._lock:
            self._told[subject] = said
            self._told.move_to_end(subject)
            while len(self._told) > _MAX_TOLD:
                self._told.popitem(last=False)

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
