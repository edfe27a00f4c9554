"""One RTSP connection as a client: requests and their answers, and the packets in between (RFC 2326 §10.12)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connectors.protocols.playback.digest import Credentials
from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response
from connectors.protocols.rtsp_source import RtspTarget
from core.contracts import Clock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.redaction import redact

_DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322}
_READ_BYTES: Final = 65_536
_WAITING_FRAMES: Final = 4096
_OK, _UNAUTHORIZED, _SERVER_ERROR = 200, 401, 500
_REFUSALS: Final[dict[int, type[VmsError]]] = {
    400: RequestInvalid,
    403: AuthenticationRefused,
    404: NotFoundInVms,
    453: VmsUnavailable,
    454: VmsUnavailable,
    503: VmsUnavailable,
}
_REMEDIES: Final[dict[int, str]] = {
    403: "Give the account the right to this camera.",
    404: "Check the camera's id and the stream's name.",
    453: "Check that the licence has an RTSP stream left.",
    503: "Check that the licence has an RTSP stream left.",
}
_REACH: Final = "Check the address, the port, the firewall, and that RTSP is enabled in the VMS."


class RtspConnection:
    """For one thread; ``abort`` may come from another and ends its wait."""

    def __init__(self, target: RtspTarget, clock: Clock) -> None:
        self.place = f"video {redact(target.url)}"
        self._target = target
        self._clock = clock
        self._credentials = Credentials(target.username, target.password, allow_basic=target.is_tls)
        self._reader = MessageReader()
        self._frames: deque[InterleavedFrame] = deque()
        self._responses: deque[Response] = deque()
        self._cseq = 0
        self._lock = threading.Lock()
        self._is_aborted = False
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connects, verified over TLS. Raises ``VmsUnavailable`` or ``CertificateRejected``."""
        parts = urlsplit(self._target.url)
        address = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        context = self._context() if self._target.is_tls else None
        try:
            connected = socket.create_connection(address, self._target.open_timeout_s)
            if context:
                connected = context.wrap_socket(connected, server_hostname=address[0])
        except ssl.SSLCertVerificationError as error:
            remedy = "Give the site's CA with 'ca:', and connect by the name that the certificate carries."
            raise CertificateRejected(
                f"{self.place}: the TLS certificate does not verify ({error.verify_message})", remedy=remedy
            ) from error
        except (OSError, UnicodeError) as error:
            raise VmsUnavailable(f"{self.place}: no connection ({error})", remedy=_REACH) from error
        with self._lock:
            self._socket = connected

    def abort(self) -> None:
        """Ends a wait in another thread, and all further ones. May be called twice."""
        with self._lock:
            self._is_aborted = True
            # The socket's own shutdown: an SSLSocket's would take the TLS state from under the reading thread.
            if self._socket is not None:
                with contextlib.suppress(OSError):  # it is gone already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the socket; only in the thread that uses it."""
        with self._lock:
            self._is_aborted = True
            if self._socket is not None:
                self._socket.close()

    def ask(self, method: str, url: str, **headers: str) -> Response:
        """The successful answer. Raises the ``VmsError`` that another one means; ``status`` 457 is returned as well."""
        response = self._exchange(method, url, headers)
        if response.status == _UNAUTHORIZED:
            given = [value for name, value in response.headers if name.lower() == "www-authenticate"]
            if not self._credentials.challenged(given):
                raise AuthenticationRefused(
                    f"{self.place}: it asks for a log-in that we cannot give",
                    remedy="Check the account; without TLS only Digest is answered, so that the password stays secret.",
                )
            response = self._exchange(method, url, headers)
        if response.status in {_OK, 457}:
            return response
        raise self._refusal(method, response)

    def tell(self, method: str, url: str, **headers: str) -> None:
        """Sends a request whose answer is not waited for (keep-alive, farewell). Raises ``VmsUnavailable``."""
        self._send(method, url, headers)

    def frames(self) -> Iterator[InterleavedFrame]:
        """Packets as they come, without end. Raises ``VmsUnavailable`` when none comes or the server hangs up."""
        while True:
            while self._frames:
                yield self._frames.popleft()
            self._responses.clear()
            self._receive()

    def _exchange(self, method: str, url: str, headers: dict[str, str]) -> Response:
        self._send(method, url, headers)
        until = self._clock.monotonic() + 2 * self._target.open_timeout_s
        while True:
            while self._responses:
                response = self._responses.popleft()
                if response.header("cseq") in {"", str(self._cseq)}:
                    return response
            if self._clock.monotonic() > until:
                raise VmsUnavailable(f"{self.place}: {method} is not answered", remedy=_REACH)
            self._receive()

    def _send(self, method: str, url: str, headers: dict[str, str]) -> None:
        self._cseq += 1
        given = {"CSeq": str(self._cseq), "User-Agent": "Vigie", **headers}
        if authorization := self._credentials.header(method, url):
            given["Authorization"] = authorization
        try:
            self._connected().sendall(Request(method=method, url=url, headers=given).to_bytes())
        except OSError as error:
            raise VmsUnavailable(f"{self.place}: the connection broke ({error})") from error

    def _receive(self) -> None:
        connected = self._connected()
        try:
            connected.settimeout(2 * self._target.read_timeout_s)
            data = connected.recv(_READ_BYTES)
        except TimeoutError as error:
            raise VmsUnavailable(f"{self.place}: no data within the time-out", remedy=_REACH) from error
        except OSError as error:
            raise VmsUnavailable(f"{self.place}: the connection broke ({error})") from error
        if not data:
            raise VmsUnavailable(f"{self.place}: the server ended the connection")
        self._sort(data)
        if len(self._frames) > _WAITING_FRAMES:
            raise VmsUnavailable(f"{self.place}: packets come where an answer is waited for")

    def _sort(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                if isinstance(message, InterleavedFrame):
                    self._frames.append(message)
                elif isinstance(message, Response):
                    self._responses.append(message)
        except ProtocolViolation as error:
            raise ProtocolViolation(f"{self.place}: {error}") from error

    def _connected(self) -> socket.socket:
        if self._socket is None or self._is_aborted:
            raise VmsUnavailable(f"{self.place}: the connection is closed")
        return self._socket

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self._target.ca or DEFAULT_CA_BUNDLE_PATH))
        except OSError as error:
            raise CertificateRejected(
                f"{self.place}: the CA file cannot be used ({error})",
                remedy="Set 'ca:' to the PEM file of the site's certificate authority.",
            ) from error

    def _refusal(self, method: str, response: Response) -> VmsError:
        text = f"{self.place}: {method} is answered by {response.status} {response.reason}"
        if response.status == _UNAUTHORIZED:
            return AuthenticationRefused(text, remedy="Check the account, and that it may use RTSP.")
        default = VmsUnavailable if response.status >= _SERVER_ERROR else VmsRefused
        remedy = _REMEDIES.get(response.status, "See the VMS's own log.")
        return _REFUSALS.get(response.status, default)(text, remedy=remedy)
