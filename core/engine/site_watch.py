"""Watches the site file of a running service, and hands it what somebody wrote there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import structlog

from config.model import SiteSettings
from config.problems import SettingsProblems
from core.engine.reload import RESTART_REMEDY, Change
from core.errors import VigieError
from core.health import HealthBoard
from core.types import Health, HealthLevel

COMPONENT = "settings"

_log = structlog.get_logger(component="settings")


class SiteWatch:
    """Not thread-safe: ``look`` is called by one thread, every half second or so.

    A change is taken up at the second look that finds the same content: nobody is in the middle of writing it then.
    """

    def __init__(
        self,
        path: Path,
        *,
        load: Callable[[], SiteSettings],
        apply: Callable[[SiteSettings], Change],
        health: HealthBoard,
    ) -> None:
        """The content of now is that which runs."""
        self._path = path
        self._load = load
        self._apply = apply
        self._health = health
        self._stamp = self._seen_stamp()
        self._taken = self._seen = self._digest()

    def look(self) -> None:
        """Takes up the file if it changed. Never raises ``VigieError``: settings that cannot be used change nothing."""
        stamp = self._seen_stamp()
        if stamp == self._stamp and self._seen == self._taken:
            return
        self._stamp = stamp
        before, self._seen = self._seen, self._digest()
        if self._seen == self._taken or self._seen != before:
            return
        self._take_up()

    def _take_up(self) -> None:
        content = self._seen
        try:
            site = self._load()
        except (SettingsProblems, VigieError) as error:
            if self._digest() == content:  # else it is being written: looked at again
                self._taken = content
                self._refuse(error)
            return
        if self._digest() != content:
            return
        self._taken = content
        self._say(self._apply(site))

    def _refuse(self, error: Exception) -> None:
        line = " ".join(str(error).split("\n")[0].split())
        more = str(error).count("\n")
        cause = f"{line}{f' (and {more} more)' if more else ''}; the settings of before stay in force"
        _log.error("the changed site file is refused", file=str(self._path), cause=cause)
        self._health.report(Health(component=COMPONENT, level=HealthLevel.YELLOW, cause=cause))

    def _say(self, done: Change) -> None:
        if not done.is_empty:
            _log.info("settings changed", added=done.added, removed=done.removed, changed=done.changed)
        if not done.refused:
            self._health.report(Health(component=COMPONENT, level=HealthLevel.GREEN))
            return
        cause = f"not taken up while it runs: {', '.join(done.refused)}. {RESTART_REMEDY}"
        _log.warning("some changed settings need a restart", refused=done.refused, remedy=RESTART_REMEDY)
        self._health.report(Health(component=COMPONENT, level=HealthLevel.YELLOW, cause=cause))

    def _seen_stamp(self) -> tuple[int, int] | None:
        """Cheap: the file is read only when its time or size changed."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _digest(self) -> str:
        """Of the content; empty where it cannot be read."""
        try:
            return hashlib.sha256(self._path.read_bytes()).hexdigest()
        except OSError:
            return ""
