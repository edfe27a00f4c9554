"""One TCP connection to a recording server's ImageServer, for one camera."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from config.model import CameraSettings
from connectors.milestone.imageserver import (
    Message,
    MessageReader,
    XmlMessage,
    connect_request,
    live_request,
    refusal,
    update_request,
)
from connectors.milestone.inventory import Inventory
from connectors.milestone.session import require_ca
from connectors.milestone.settings import MilestoneSettings
from core.errors import CertificateRejected, ProtocolViolation, VmsUnavailable

SILENCE_S = 10.0
"""A recorder sends a status package at least every 5 s: after so long without a byte the link is dead."""
_READ_BYTES = 64 * 1024
_REACH = "Check that the server runs and that the firewall lets this machine reach the port."


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Verifies against the site's CA, or the system's store without one."""
    require_ca(ca)
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except ssl.SSLError as error:
        name = ca.name if ca else "the system's CA store"
        raise CertificateRejected(f"{name} holds no usable CA certificate", remedy="Export the CA as PEM.") from error


def dial(host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    """A connected socket, with TLS verified if asked. Raises ``VmsUnavailable`` or ``CertificateRejected``."""
    where = f"{host}:{port}"
    try:
        plain = socket.create_connection((host, port), timeout_s)
    except OSError as error:
        raise VmsUnavailable(f"{where}: cannot connect ({_why(error)})", remedy=_REACH) from error
    if tls is None:
        return plain
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise CertificateRejected(
            f"{where}: the TLS certificate does not verify ({error.verify_message})",
            remedy="Give the site's CA with 'ca:'; the certificate must carry the name by which the host is reached.",
        ) from error
    except OSError as error:
        plain.close()
        raise VmsUnavailable(
            f"{where}: no TLS ({_why(error)})", remedy="Check that encryption is enabled on that port."
        ) from error


class RecorderDialer:
    """Connects to the recording server that has a camera now."""

    def __init__(self, settings: MilestoneSettings, inventory: Inventory, ca: Path | None) -> None:
        self._settings = settings
        self._inventory = inventory
        self._ca = ca

    def dial(self, camera: CameraSettings) -> RecorderConnection:
        """A connection that the camera is still to be opened on. After a failure the recorder is looked up anew."""
        known = self._inventory.camera(camera.device)
        recorder = known.recorder
        self._settings.require_declared(recorder.url, f"recording server {recorder.name}")
        tls = tls_context(self._ca) if recorder.has_tls else None
        try:
            link = dial(recorder.host, recorder.port, tls, self._settings.timeout_s)
        except VmsUnavailable:
            self._inventory.forget(camera.device)
            raise
        return RecorderConnection(link, known.device, camera.name or camera.id)


class RecorderConnection:
    """Speaks ImageServer over a socket that ``dial`` made. ``abort`` may come from another thread."""

    def __init__(self, link: socket.socket, device: str, camera: str, *, silence_s: float = SILENCE_S) -> None:
        self._link = link
        self._device = device
        self._camera = camera
        self._silence_s = silence_s
        self._reader = MessageReader()
        self._waiting: deque[Message] = deque()
        self._last_request = 0
        link.settimeout(silence_s)

    def connect(self, token: str) -> None:
        """Opens the camera. Raises ``VmsRefused`` or a subclass when the recorder says no."""
        self._send(connect_request(self._next_id(), self._device, token))
        answer = next(self.messages())
        if not isinstance(answer, XmlMessage) or answer.root.tag != "methodresponse":
            raise ProtocolViolation(f"{self._camera}: the recorder did not answer the connect request")
        if (refused := refusal(answer.root, self._camera)) is not None:
            raise refused

    def start_live(self) -> None:
        """Asks for live pictures; they arrive as messages."""
        self._send(live_request(self._next_id()))

    def update_token(self, token: str) -> None:
        """Gives a fresh token before the old one ends; the answer arrives among the messages."""
        self._send(update_request(self._next_id(), self._device, token))

    def messages(self) -> Iterator[Message]:
        """What the recorder sends, for ever. Raises ``VmsUnavailable`` when the link is dead."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._waiting.extend(self._reader.feed(self._receive()))

    def close(self) -> None:
        """Lets go of the socket; only in the thread that reads."""
        self._link.close()

    def abort(self) -> None:
        """Ends a blocking read in another thread."""
        # The socket's own shutdown: an SSLSocket's would take the TLS state from under the reading thread.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._link, socket.SHUT_RDWR)

    def _next_id(self) -> int:
        self._last_request += 1
        return self._last_request

    def _send(self, request: bytes) -> None:
        try:
            self._link.sendall(request)
        except OSError as error:
            raise VmsUnavailable(f"{self._camera}: the link to the recorder broke ({_why(error)})") from error

    def _receive(self) -> bytes:
        try:
            data = self._link.recv(_READ_BYTES)
        except TimeoutError as error:
            raise VmsUnavailable(f"{self._camera}: nothing from the recorder for {self._silence_s:g} s") from error
        except OSError as error:
            raise VmsUnavailable(f"{self._camera}: the link to the recorder broke ({_why(error)})") from error
        if not data:
            raise VmsUnavailable(f"{self._camera}: the recorder closed the link")
        return data


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
