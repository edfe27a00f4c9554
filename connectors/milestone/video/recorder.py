"""One TCP connection to a recording server's ImageServer, for one camera."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from config.model import CameraSettings
from connectors.milestone.access.session import require_ca
from connectors.milestone.inventory.inventory import Inventory, KnownCamera
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video.imageserver import (
    Message,
    MessageReader,
    XmlMessage,
    connect_request,
    goto_request,
    live_request,
    next_request,
    refusal,
    update_request,
)
from core.errors import (
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    StreamEnded,
    StreamStalled,
    TimedOut,
    VmsUnavailable,
)

SILENCE_S = 6.0
"""A recorder sends a status package at least every 5 s: after so long without a byte the link is dead. It cannot be known
earlier of the link itself; that pictures which flowed come no more is seen before, by the analysis."""
ANSWER_S = 4.0
"""Longest wait for a connection, and for the answer to the request that opens a camera."""
PLAYBACK_SILENCE_S = 30.0
"""A recorder may take longer to answer for old recordings, as it fetches them from an archive."""
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
        raise unreachable(where, error) from error
    if tls is None:
        return plain
    try:
        return tls.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise untrusted(where, error) from error
    except TimeoutError as error:
        plain.close()
        raise TimedOut(f"{where}: connected, but no TLS handshake came", remedy=_REACH) from error
    except OSError as error:
        plain.close()
        raise VmsUnavailable(
            f"{where}: no TLS ({_why(error)})", remedy="Check that encryption is enabled on that port."
        ) from error


def unreachable(where: str, error: OSError) -> VmsUnavailable:
    """That ``where``, a host with its port, cannot be connected to."""
    return VmsUnavailable(f"{where}: cannot connect ({_why(error)})", remedy=_REACH)


def untrusted(where: str, error: ssl.SSLCertVerificationError) -> CertificateRejected:
    """That the certificate of ``where``, a host with its port, is not good."""
    return CertificateRejected(
        f"{where}: the TLS certificate does not verify ({error.verify_message})",
        remedy="Give the site's CA with 'ca:'; the certificate must carry the name by which the host is reached.",
    )


class RecorderDialer:
    """Connects to the recording server that has a camera now, which after a failover is another one."""

    def __init__(self, settings: MilestoneSettings, inventory: Inventory, ca: Path | None) -> None:
        self._settings = settings
        self._inventory = inventory
        self._ca = ca
        self._last_known: dict[str, KnownCamera] = {}

    def dial(self, camera: CameraSettings, *, silence_s: float = SILENCE_S) -> RecorderConnection:
        """A connection that the camera is still to be opened on.

        Where the recorder does not answer, XProtect is asked anew for it, and another one is dialled at once. A
        connection that fails later makes the next ``dial`` ask, too.
        """
        known = self._known(camera)
        try:
            link = self._dial(known)
        except VmsUnavailable:
            self._inventory.forget(camera.device)
            moved = self._known(camera)
            if moved.recorder.url == known.recorder.url:
                raise
            known, link = moved, self._dial(moved)
        return RecorderConnection(
            link,
            known.device,
            camera.name or camera.id,
            silence_s=silence_s,
            on_failure=lambda: self._inventory.forget(camera.device),
        )

    def _known(self, camera: CameraSettings) -> KnownCamera:
        """Where the camera is; while the management server is down, where it was when last asked."""
        try:
            known = self._inventory.camera(camera.device)
        except VmsUnavailable:
            if camera.device not in self._last_known:
                raise
            return self._last_known[camera.device]
        self._last_known[camera.device] = known
        return known

    def _dial(self, known: KnownCamera) -> socket.socket:
        recorder = known.recorder
        self._settings.require_declared(recorder.url, f"recording server {recorder.name}")
        tls = tls_context(self._ca) if recorder.has_tls else None
        return dial(recorder.host, recorder.port, tls, min(self._settings.timeout_s, ANSWER_S))


class RecorderConnection:
    """Speaks ImageServer over a socket that ``dial`` made. ``abort`` may come from another thread.

    ``on_failure`` is called when the link breaks, or the recorder does not know the camera.
    """

    def __init__(
        self,
        link: socket.socket,
        device: str,
        camera: str,
        *,
        silence_s: float = SILENCE_S,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._device = device
        self._camera = camera
        self._silence_s = silence_s
        self._on_failure = on_failure
        self._reader = MessageReader()
        self._waiting: deque[Message] = deque()
        self._last_request = 0
        self._is_open = False
        link.settimeout(min(silence_s, ANSWER_S))

    def connect(self, token: str) -> None:
        """Opens the camera. Raises ``VmsRefused`` or a subclass when the recorder says no."""
        self._send(connect_request(self._next_id(), self._device, token))
        answer = next(self.messages())
        if not isinstance(answer, XmlMessage) or answer.root.tag != "methodresponse":
            raise ProtocolViolation(f"{self._camera}: the recorder did not answer the connect request")
        if (refused := refusal(answer.root, self._camera)) is not None:
            if isinstance(refused, NotFoundInVms):
                self._on_failure()
            raise refused
        self._is_open = True
        self._link.settimeout(self._silence_s)

    def start_live(self) -> None:
        """Asks for live pictures; they arrive as messages."""
        self._send(live_request(self._next_id()))

    def go_to(self, at_ms: int) -> None:
        """Asks for the group of pictures recorded at that moment (ms UTC); one image answers."""
        self._send(goto_request(self._next_id(), at_ms))

    def go_on(self) -> None:
        """Asks for the next recorded group of pictures; one image answers."""
        self._send(next_request(self._next_id()))

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
            raise self._broken(f"the link to the recorder broke ({_why(error)})") from error

    def _receive(self) -> bytes:
        try:
            data = self._link.recv(_READ_BYTES)
        except TimeoutError as error:
            kind = StreamStalled if self._is_open else TimedOut
            raise self._broken(f"nothing from the recorder for {self._link.gettimeout():g} s", kind) from error
        except OSError as error:
            raise self._broken(f"the link to the recorder broke ({_why(error)})") from error
        if not data:
            raise self._broken("the recorder closed the link")
        return data

    def _broken(self, what: str, kind: type[VmsUnavailable] | None = None) -> VmsUnavailable:
        self._on_failure()
        kind = kind or (StreamEnded if self._is_open else VmsUnavailable)
        return kind(f"{self._camera}: {what}", remedy=_REACH)


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
