"""Which way each kind of call takes in this release of XProtect: the gateway's REST API, or the older SOAP services.

The version decides, as Milestone's changelog says what came when. A VMS that tells no version is probed; where a probe
stays doubtful the SOAP services are taken, which exist in every release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import requests

from connectors.milestone.access.discovery import Addresses, Version
from connectors.milestone.access.rest import error_texts, succeeded, without_effect
from core.errors import VmsRefused

if TYPE_CHECKING:
    from connectors.milestone.access.session import XProtectSession

Route: TypeAlias = Literal["rest", "soap"]

EVENTS_SINCE: Version = (23, 2)
"""2023 R2: Events REST and Alarms REST (beta until 2024 R2)."""
WEBSOCKET_SINCE: Version = (23, 3)
"""2023 R3: Events & State WebSocket."""
BOOKMARKS_SINCE: Version = (24, 2)
"""2024 R2: bookmarks and evidence locks over REST."""

_NOBODY = "00000000-0000-0000-0000-000000000000"
_EXISTS = frozenset({requests.codes.ok, requests.codes.forbidden})
"""403 is of a resource that exists, but not for this account."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whether there is something, and how that is known."""

    is_there: bool
    reason: str


@dataclass(slots=True)
class _Known:
    """What was found out about one discovery."""

    addresses: Addresses
    version: Version | None = None
    probed: dict[str, _Answer] = field(default_factory=dict)


class Routes:
    """Decides for one session; asks anew after each discovery. Thread-safe: the worst race asks twice."""

    def __init__(self, session: XProtectSession) -> None:
        self._session = session
        self._known: _Known | None = None

    def version(self) -> Version:
        """The VMS's version such as ``(25, 2, 0, 1)``; empty where nothing tells it. Raises ``VmsError``."""
        known = self._current()
        if known.version is None:
            known.version = known.addresses.version or self._version_elsewhere()
        return known.version

    def config(self) -> Route:
        """Cameras, hardware, recorders, events: Config REST (2022 R1) or SOAP ``GetConfiguration``."""
        return _route(self._config())

    def alarms(self) -> Route:
        """Alarms REST (2023 R2), or the event server's SOAP alarm service."""
        return _route(self._alarms())

    def bookmarks(self) -> Route:
        """Bookmarks and evidence locks: REST (2024 R2), or SOAP."""
        return _route(self._bookmarks())

    def has_events_rest(self) -> bool:
        """Events REST (2023 R2)."""
        return self._events().is_there

    def has_events_websocket(self) -> bool:
        """Events & State WebSocket (2023 R3)."""
        return self._websocket().is_there

    def described(self) -> Mapping[str, str]:
        """Part → the route taken, with the reason. Raises ``VmsError``."""
        version = ".".join(map(str, self.version())) or "not told"
        routes = {
            "configuration": self._config(),
            "alarms": self._alarms(),
            "bookmarks": self._bookmarks(),
        }
        extras = {"events": self._events(), "operators' acts": self._websocket()}
        return {
            "version": version,
            "soap login": self._session.soap_login(),
            **{part: f"{_route(answer)}: {answer.reason}" for part, answer in routes.items()},
            **{part: f"{'yes' if answer.is_there else 'no'}: {answer.reason}" for part, answer in extras.items()},
        }

    def _config(self) -> _Answer:
        if self._current().addresses.has_gateway:
            return _Answer(is_there=True, reason="the API Gateway answers")
        return _Answer(is_there=False, reason="there is no API Gateway (2022 R1 and later)")

    def _alarms(self) -> _Answer:
        return self._since(EVENTS_SINCE, "Alarms REST", lambda: self._lists("/alarms"))

    def _events(self) -> _Answer:
        return self._since(EVENTS_SINCE, "Events REST", lambda: self._lists("/events"))

    def _bookmarks(self) -> _Answer:
        return self._since(BOOKMARKS_SINCE, "Bookmarks REST", self._knows_bookmarks)

    def _websocket(self) -> _Answer:
        return self._since(WEBSOCKET_SINCE, "Events & State WebSocket", self._upgrades)

    def _since(self, release: Version, part: str, probe: Callable[[], bool]) -> _Answer:
        config = self._config()
        if not config.is_there:
            return config
        version = self.version()
        if version:
            told, since = _release_name(version), _release_name(release)
            return _Answer(is_there=version >= release, reason=f"{part} is since {since}, this is {told}")
        probed = self._current().probed
        if part not in probed:
            found = probe()
            probed[part] = _Answer(
                is_there=found,
                reason=f"no version is told; probing {part} {'found it' if found else 'did not find it'}",
            )
        return probed[part]

    def _lists(self, path: str) -> bool:
        return self._probe(path, params={"page": 0, "size": 1}).status_code in _EXISTS

    def _knows_bookmarks(self) -> bool:
        """Bookmarks cannot be listed: one that cannot be there is asked for, and only JSON can say that it is not."""
        answer = self._probe(f"/bookmarks/{_NOBODY}")
        return answer.status_code in _EXISTS or (
            answer.status_code == requests.codes.not_found and bool(error_texts(answer))
        )

    def _upgrades(self) -> bool:
        """What the WebSocket's address says to a plain request is unverified; that it is there is said by no 404."""
        what = "probe of the Events & State WebSocket"
        with without_effect():
            answer = _understood(self._session.gateway("GET", "/ws/events/v1", what=what), what)
        return bool(answer.status_code != requests.codes.not_found)

    def _probe(self, path: str, **options: object) -> requests.Response:
        what = f"probe of {path}"
        with without_effect():
            return _understood(self._session.rest("GET", path, what=what, **options), what)

    def _version_elsewhere(self) -> Version:
        """Of the identity provider, else of SOAP, whose login may not be possible."""
        identity = self._session.identity_provider()
        if identity is not None and identity.version:
            return identity.version
        try:
            return self._session.with_corporate_token(lambda commands, token: commands.product_info(token).version)
        except VmsRefused:
            return ()

    def _current(self) -> _Known:
        """What is known of the present discovery."""
        addresses, known = self._session.addresses(), self._known
        if known is None or known.addresses is not addresses:
            known = self._known = _Known(addresses)
        return known


def _understood(response: requests.Response, what: str) -> requests.Response:
    """A server that fails says nothing about what it has: raises ``VmsUnavailable``."""
    server_errors = requests.codes.internal_server_error
    return response if response.status_code < server_errors else succeeded(response, what)


def _route(answer: _Answer) -> Route:
    return "rest" if answer.is_there else "soap"


def _release_name(version: Version) -> str:
    """``(24, 2)`` → ``2024 R2``."""
    year, revision, *_ = (*version, 1)
    return f"20{year} R{revision}"
