"""Who is logged on: credentials, the five-minute rule and the licence for concurrent users.

From public sources: user and application id share the Basic user name (``user;appId``); 401 without a header, 403 for
anything wrong; a logon is kept while requests come at most five minutes apart or a stream is open; a second user needs
a second licence part. Unverified: subscriptions end with the logon, and a refused licence is a 403.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.genetec.simulator.site import Entity
from connectors.genetec.simulator.streams import Stream
from core.clock import iso_utc
from core.contracts import Clock
from core.types import Json, UtcSeconds


@dataclass(slots=True, kw_only=True)
class Session:
    """One user's logon."""

    user: str
    seen_at: float
    subscriptions: dict[tuple[str, str], None] = field(default_factory=dict)
    """(GUID or entity type in lower case, event type), in the order of subscription."""
    monitors_alarms: bool = False
    streams: dict[str, Stream] = field(default_factory=dict)


class Sessions:
    """Every logon that is kept."""

    def __init__(
        self, clock: Clock, users: Mapping[str, str], application_id: str, *, timeout_s: float, licensed_users: int
    ) -> None:
        self._clock = clock
        self._users = users
        self._application_id = application_id
        self._timeout_s = timeout_s
        self._licensed_users = licensed_users
        self._sessions: dict[str, Session] = {}

    def log_on(self, authorization: str) -> Session | None:
        """The session of valid credentials; None when they are wrong or no licence is left."""
        user = self._user_of(authorization)
        if user is None:
            return None
        self._forget_old()
        session = self._sessions.get(user)
        if session is None:
            if len(self._sessions) >= self._licensed_users:
                return None
            session = self._sessions[user] = Session(user=user, seen_at=0.0)
        session.seen_at = self._clock.monotonic()
        return session

    def alive(self) -> list[Session]:
        """Sessions that are kept at the moment."""
        self._forget_old()
        return list(self._sessions.values())

    def stream(self, event_type: str, source: Entity | None, moment: UtcSeconds, fields: Mapping[str, Json]) -> None:
        """Sends an event to everyone who subscribed to it, by its source or by its source's type."""
        event: dict[str, Json] = {
            "EventType": event_type,
            "Timestamp": iso_utc(moment),
            "SourceGuid": source.guid if source else "",
            **fields,
        }
        wanted = {(source.guid, event_type), (source.type.lower(), event_type)} if source else set()
        for session in self.alive():
            if session.subscriptions.keys() & wanted:
                for stream in session.streams.values():
                    stream.put(event)

    def tell_alarm_monitors(self, message: dict[str, Json]) -> None:
        """Sends it to everyone who switched alarm monitoring on."""
        for session in self.alive():
            if session.monitors_alarms:
                for stream in session.streams.values():
                    stream.put(message)

    def close_streams(self) -> None:
        """Ends every open stream."""
        for session in self._sessions.values():
            for stream in session.streams.values():
                stream.close()

    def forget_all(self) -> None:
        """As when the role starts anew: logons and subscriptions are gone, and streams end."""
        self.close_streams()
        self._sessions.clear()

    def _forget_old(self) -> None:
        now = self._clock.monotonic()
        for user, session in list(self._sessions.items()):
            if session.streams:
                session.seen_at = now
            elif now - session.seen_at > self._timeout_s:
                del self._sessions[user]

    def _user_of(self, authorization: str) -> str | None:
        kind, _, encoded = authorization.partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        user, _, application_id = name.rpartition(";")
        expected = self._users.get(user)
        if expected is None or not _equal(application_id, self._application_id) or not _equal(password, expected):
            return None
        return user


def _equal(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode(), second.encode())
