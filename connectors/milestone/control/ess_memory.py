"""What survives a dropped connection to Events & State, so that the next one misses nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

from connectors.protocols.told import Told
from core.types import UtcSeconds

_DEFAULT_INACTIVE_S = 30.0
"""How long a server keeps a session without connection; releases before 2024 R1 do not say."""


class Resumable(NamedTuple):
    """A session to go on with, and the last event heard in it; both empty for a new one."""

    session_id: str = ""
    event_id: str = ""


class EssMemory(Told):
    """Session, last event and what was told already. Thread-safe; one per VMS, held by its connector."""

    def __init__(self) -> None:
        super().__init__()
        self._session_id = ""
        self._event_id = ""
        self._subscribed: Any = None
        self._unlisted_since: UtcSeconds | None = None
        self._inactive_s = _DEFAULT_INACTIVE_S
        self._alive_at = 0.0

    def resumable(self, now: float, subscribed: Any) -> Resumable:
        """The session to resume, if it is young enough at ``now`` (monotonic) and has just those subscriptions."""
        with self._lock:
            is_young = now - self._alive_at <= self._inactive_s
            if not self._session_id or not is_young or subscribed != self._subscribed:
                return Resumable()
            return Resumable(self._session_id, self._event_id)

    def started(self, session_id: str, inactive_s: float | None, now: float) -> None:
        """A session began, still without subscriptions."""
        with self._lock:
            if session_id != self._session_id:
                self._event_id, self._subscribed = "", None
            self._session_id = session_id
            self._inactive_s = inactive_s or _DEFAULT_INACTIVE_S
            self._alive_at = now

    def subscribed(self, subscriptions: Any) -> None:
        """The session has all of these: from now on it may be resumed."""
        with self._lock:
            self._subscribed = subscriptions

    def alive(self, now: float) -> None:
        """The connection stood at ``now`` (monotonic)."""
        with self._lock:
            self._alive_at = now

    def heard(self, event_id: str) -> None:
        """This event is dealt with."""
        with self._lock:
            self._event_id = event_id or self._event_id

    @property
    def unlisted_since(self) -> UtcSeconds | None:
        """From when on events that no session tells are still to be asked for; None where there are none."""
        return self._unlisted_since

    def missed(self, since: UtcSeconds) -> None:
        """What happened from then on is not told by the session."""
        with self._lock:
            self._unlisted_since = min(since, since if self._unlisted_since is None else self._unlisted_since)

    def listed(self) -> None:
        """All that was missed was asked for."""
        with self._lock:
            self._unlisted_since = None

    def forget(self) -> None:
        """The session is not to be resumed."""
        with self._lock:
            self._session_id, self._event_id, self._subscribed = "", "", None
