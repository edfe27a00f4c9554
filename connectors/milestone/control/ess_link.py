"""One connection to the Events & State WebSocket (2023 R3 and later): the upgrade, commands and their answers, pings.

Facts (XProtect's own samples): ``wss://<gateway>/api/ws/events/v1`` with the bearer token at the upgrade, checked there
only; commands are JSON objects with ``command`` and a ``commandId`` that their answer echoes beside a ``status``; pushes
``{"events": […]}`` may come between a command and its answer.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import websockets.exceptions

from connectors.milestone.access.rest import without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video.recorder import tls_context, unreachable, untrusted
from connectors.protocols.websocket import WebSocket
from core.contracts import Clock
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsUnavailable,
)
from core.redaction import redact

WHAT = "Events & State of XProtect"
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Of 2,500 cameras the state is about 4 MB."""
_PING_EVERY_S = 20.0
_PONG_WITHIN_S = 20.0
"""A ping may wait behind a long answer, therefore only counts while no answer is awaited."""
_SENT_WITHIN_S = 10.0
"""A command is short: a peer that takes none of it for so long is dead."""
_MAX_QUEUE = 256
"""Messages that wait for us before the server is made to wait; what it sends is read, and its pings answered, till then."""
_MAX_WAITING = 50_000
"""Pushes that may come before the answer to a command."""
_EXCERPT = 300
_SCHEMES = {"https": "wss", "http": "ws"}

_REFUSALS: dict[int, type[VmsError]] = {
    400: RequestInvalid,
    401: AuthenticationRefused,
    403: RightMissing,
    404: NotFoundInVms,
    500: VmsUnavailable,
    502: VmsUnavailable,
    503: VmsUnavailable,
    504: VmsUnavailable,
}
_REMEDIES: dict[type[VmsError], str] = {
    AuthenticationRefused: "Management Client → Security → Basic Users: see that this account exists and is not locked.",
    RightMissing: "Management Client → Security → Roles: give the role of this account the right to read events.",
    NotFoundInVms: "The Events & State WebSocket needs XProtect 2023 R3 or later, and its API Gateway.",
    VmsUnavailable: "Check that the API Gateway and the Event Server run.",
}


@dataclass(frozen=True, slots=True)
class Push:
    """Events as they happen."""

    events: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command."""

    command_id: int
    body: dict[str, Any]

    @property
    def status(self) -> int:
        """As in HTTP."""
        return int(self.body["status"])


Incoming: TypeAlias = Push | Answer


@dataclass(frozen=True, slots=True)
class _Awaited:
    command: str
    until: float


class EssLink:
    """Speaks over one open connection, in one thread."""

    def __init__(self, connection: WebSocket, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._last_id = 0
        self._awaited: dict[int, _Awaited] = {}
        self._waiting: deque[Incoming] = deque()
        self._heard_at = clock.monotonic()
        self._pong: threading.Event | None = None

    def send(self, command: str, wait_s: float, **fields: Any) -> int:
        """Sends a command, whose answer is to come from ``receive`` within ``wait_s``; returns its id."""
        self._last_id += 1
        order = {"command": command, "commandId": self._last_id, **fields}
        self._awaited[self._last_id] = _Awaited(command, self._clock.monotonic() + wait_s)
        with _translated():
            self._connection.send(json.dumps(order), _SENT_WITHIN_S)
        return self._last_id

    def ask(self, command: str, wait_s: float, **fields: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer; what else comes meanwhile stays for ``receive``."""
        command_id = self.send(command, wait_s, **fields)
        while True:
            message = self._next(min(wait_s, _PING_EVERY_S))
            if isinstance(message, Answer) and message.command_id == command_id:
                return message.body
            if message is not None:
                self._keep(message)

    def receive(self, wait_s: float) -> Incoming | None:
        """What comes next; None when nothing came for ``wait_s``. Raises ``VmsError`` when the link is dead."""
        return self._waiting.popleft() if self._waiting else self._next(wait_s)

    def _keep(self, message: Incoming) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            raise VmsUnavailable(f"{WHAT}: {_MAX_WAITING} pushes came, but no answer")
        self._waiting.append(message)

    def _next(self, wait_s: float) -> Incoming | None:
        self._require_life()
        with _translated():
            try:
                text = self._connection.receive(wait_s)
            except TimeoutError:
                return None
        self._heard_at = self._clock.monotonic()
        self._pong = None
        message = _parsed(text)
        if isinstance(message, Answer):
            self._settle(message)
        return message

    def _settle(self, answer: Answer) -> None:
        awaited = self._awaited.pop(answer.command_id, None)
        if awaited is None:
            raise ProtocolViolation(f"{WHAT}: an answer came to command {answer.command_id}, which was never sent")
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own bounds
            raise _refusal(answer.status, f"{awaited.command}: {_error_text(answer.body)}")

    def _require_life(self) -> None:
        now = self._clock.monotonic()
        late = next((item for item in self._awaited.values() if now > item.until), None)
        if late is not None:
            raise VmsUnavailable(f"{WHAT}: no answer to {late.command}")
        if self._awaited or now - self._heard_at < _PING_EVERY_S:
            return
        if self._pong is None:
            with _translated():
                self._pong = self._connection.ping(_SENT_WITHIN_S)
        elif self._pong.is_set():
            self._pong, self._heard_at = None, now
        elif now - self._heard_at > _PING_EVERY_S + _PONG_WITHIN_S:
            raise VmsUnavailable(f"{WHAT}: no answer to a ping within {_PONG_WITHIN_S:.0f} s")


class EssDialer:
    """Connects to the gateway's Events & State WebSocket."""

    def __init__(self, settings: MilestoneSettings, session: XProtectSession, ca: Path | None, clock: Clock) -> None:
        self._settings = settings
        self._session = session
        self._ca = ca
        self._clock = clock

    @contextmanager
    def dialled(self, hold: Callable[[WebSocket], None]) -> Iterator[EssLink]:
        """An open link, closed on leaving. A token that is refused is renewed once.

        ``hold`` gets each connection before it is opened, to abort it from another thread.
        """
        with without_effect():
            token = self._session.bearer.get()
            url = f"{self._session.addresses().gateway}/ws/events/v1"
        self._settings.require_declared(url, "the API gateway")
        try:
            connection = self._upgraded(url, token, hold)
        except AuthenticationRefused:
            with without_effect():
                renewed = self._session.bearer.renew(token)
            if renewed == token:
                raise
            connection = self._upgraded(url, renewed, hold)
        try:
            yield EssLink(connection, self._clock)
        finally:
            connection.close()

    def _upgraded(self, url: str, token: str, hold: Callable[[WebSocket], None]) -> WebSocket:
        parts = urlsplit(url)
        netloc = parts.netloc.rpartition("@")[2]
        connection = WebSocket()
        hold(connection)
        with _translated(), _reached(netloc):
            connection.open(
                f"{_SCHEMES[parts.scheme]}://{netloc}{parts.path}",
                tls=tls_context(self._ca) if parts.scheme == "https" else None,
                headers={"Authorization": f"Bearer {token}"},
                timeout_s=self._settings.timeout_s,
                max_bytes=_MAX_MESSAGE_BYTES,
                max_queue=_MAX_QUEUE,
            )
        return connection


@contextmanager
def _reached(where: str) -> Iterator[None]:
    """Turns what ends a connection before it is one into ``VmsError``."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise untrusted(where, error) from error
    except OSError as error:  # time-outs are OSError too
        raise unreachable(where, error) from error


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what ``websockets`` raises into ``VmsError``."""
    try:
        yield
    except websockets.exceptions.InvalidStatus as error:
        raise _refusal(error.response.status_code, "upgrade refused") from error
    except websockets.exceptions.ConnectionClosed as error:
        raise VmsUnavailable(
            f"{WHAT}: the connection ended ({redact(str(error))[:_EXCERPT]})",
            remedy="The gateway recycles about once a day; if it happens often, look at its logs.",
        ) from error
    except (websockets.exceptions.WebSocketException, ValueError) as error:
        raise ProtocolViolation(
            f"{WHAT}: no WebSocket ({redact(str(error))[:_EXCERPT]})",
            remedy="Check that the address is the API Gateway's and that no proxy stands between.",
        ) from error
    except OSError as error:  # time-outs are OSError too
        raise VmsUnavailable(f"{WHAT}: the connection broke ({str(error) or type(error).__name__})") from error


def _refusal(status: int, said: str) -> VmsError:
    kind = _REFUSALS.get(status, ProtocolViolation)
    return kind(f"{WHAT}: {said} (status {status})", remedy=_REMEDIES.get(kind, ""))


def _parsed(text: str | bytes) -> Incoming:
    try:
        body = json.loads(text)
        if "events" in body:
            return Push(tuple(event for event in body["events"] if isinstance(event, dict)))
        return Answer(int(body["commandId"]), {**body, "status": int(body["status"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ProtocolViolation(f"{WHAT}: a message is neither events nor an answer") from error


def _error_text(body: dict[str, Any]) -> str:
    error = body.get("error")
    said = error.get("errorText") if isinstance(error, dict) else error
    return redact(str(said or "no reason given"))[:_EXCERPT]
