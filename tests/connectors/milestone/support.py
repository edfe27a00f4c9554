"""What the tests of the XProtect client share: settings, services, an alert, and a recorder that follows a script."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from config.model import CameraSettings
from connectors.milestone.connector import MilestoneConnector
from connectors.milestone.settings import MilestoneSettings
from core.fakes import FakeServices
from core.types import Alert, AlertObject, Box, Delivery, DeliveryState, Priority, RuleState

URL = "https://vms.site.test"
API = f"{URL}/API"
REST = f"{API}/rest/v1"
DEVICE = "11111111-1111-4111-8111-111111111111"
HARDWARE = "33333333-3333-4333-8333-333333333333"
RECORDER = "22222222-2222-4222-8222-222222222222"
PASSWORD = "correct horse"
CAPTURED_AT = 1_763_632_923.456  # 2025-11-20T10:02:03.456Z
WAIT_S = 10.0


def services(**changes: Any) -> FakeServices:
    """Services whose every secret is the password."""
    return FakeServices(**{"secrets": lambda _: PASSWORD, **changes})


def settings(**changes: Any) -> MilestoneSettings:
    """A valid entry of the site file, changed."""
    entry = {
        "id": "xprotect",
        "type": "milestone",
        "url": URL,
        "username": "vigie",
        "password": {"secret": "xprotect-password"},
        "timeout_s": 5.0,
    }
    return MilestoneSettings.model_validate({**entry, **changes})


def connector(**changes: Any) -> MilestoneConnector:
    return MilestoneConnector(settings(**changes), services())


def camera(**changes: Any) -> CameraSettings:
    entry = {"id": "quai-1", "name": "Quai 1", "vms": "xprotect", "device": DEVICE}
    return CameraSettings.model_validate({**entry, **changes})


def alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {
        "alert_id": UUID("aaaaaaaa-0000-4000-8000-000000000001"),
        "camera_id": "quai-1",
        "rule_id": "voie",
        "rule_type": "zone_presence",
        "rule_name": "Voie interdite",
        "priority": Priority.HIGH,
        "state": RuleState.ARMED,
        "captured_at": CAPTURED_AT,
        "started_at": CAPTURED_AT - 2.0,
        "objects": (
            AlertObject(track_id=41, label="person", score=0.93, box=Box(left=0.22, top=0.31, right=0.36, bottom=0.78)),
        ),
        "zone": ((0.1, 0.2), (0.9, 0.2), (0.5, 0.9)),
        "details": {"dwell_s": 2.0},
        "snapshot_jpeg": b"\xff\xd8jpeg\xff\xd9",
    }
    return Alert(**{**values, **changes})


def delivery(action: str, **changes: Any) -> Delivery:
    alert_id = alert().alert_id
    values: dict[str, Any] = {
        "key": Delivery.derive_key(alert_id, "xprotect", action),
        "alert_id": alert_id,
        "camera_id": "quai-1",
        "vms_id": "xprotect",
        "action": action,
        "state": DeliveryState.SENDING,
        "attempts": 1,
    }
    return Delivery(**{**values, **changes})


def video_packet(payload: bytes, *, at_ms: int, codec: int = 0x000A, is_key: bool = True, sequence: int = 1) -> bytes:
    """A GenericByteData video packet, put together field by field from the published layout."""
    return (
        (0x0010).to_bytes(2, "big")
        + (32 + len(payload)).to_bytes(4, "big")
        + codec.to_bytes(2, "big")
        + sequence.to_bytes(2, "big")
        + int(is_key).to_bytes(2, "big")
        + at_ms.to_bytes(8, "big")
        + at_ms.to_bytes(8, "big")
        + b"\0\0\0\0"
        + payload
    )


def image(body: bytes, *, content_type: str = "application/x-genericbytedata-octet-stream", at_ms: int = 0) -> bytes:
    """An image block of the ImageServer protocol."""
    head = (
        f"ImageResponse\r\nRequestId: 2\r\nPrev: {at_ms - 40}\r\nCurrent: {at_ms}\r\nNext: {at_ms + 40}\r\n"
        f"Content-length: {len(body)}\r\nContent-type: {content_type}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def xml_block(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}\r\n\r\n'.encode()


def connected(request_id: int = 1) -> bytes:
    return xml_block(
        f"<methodresponse><requestid>{request_id}</requestid><methodname>connect</methodname>"
        "<connected>yes</connected></methodresponse>"
    )


def refused(reason: str) -> bytes:
    return xml_block(
        "<methodresponse><requestid>1</requestid><methodname>connect</methodname>"
        f"<connected>no</connected><errorreason>{reason}</errorreason></methodresponse>"
    )


def status(camera_lost: int = 0) -> bytes:
    return xml_block(
        "<livepackage><status><statustime>1763632923456</statustime>"
        f'<statusitem id="1" value="1"/><statusitem id="5" value="{camera_lost}"/></status></livepackage>'
    )


class Link:
    """The recorder's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._seen = b""

    def request(self) -> str:
        """The next request, up to its empty line; empty when the client has gone."""
        while b"\r\n\r\n" not in self._seen:
            data = self._sock.recv(4096)
            if not data:
                return ""
            self._seen += data
        whole, _, self._seen = self._seen.partition(b"\r\n\r\n")
        return whole.decode()

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def wait_for_end(self) -> None:
        while self.request():
            pass


Script = Callable[[Link], None]


class ScriptedServer:
    """A TCP server whose n-th connection runs the n-th script; the last script serves all that follow."""

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(WAIT_S)
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            self._run(sock, script)

    def _run(self, sock: socket.socket, script: Script) -> None:
        sock.settimeout(WAIT_S)
        try:
            with self._tls.wrap_socket(sock, server_side=True) if self._tls else sock as link:
                script(Link(link))
        except OSError:
            sock.close()


@contextmanager
def scripted_server(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(scripts, tls)
    try:
        yield server
    finally:
        server.close()


def http_answer(status_line: str, body: str) -> Script:
    """A script that reads one HTTP request whole, keeps it in ``requests`` and answers."""
    received: list[bytes] = []

    def script(link: Link) -> None:
        head = link.request().encode()
        length = int(re.findall(rb"(?i)content-length:\s*(\d+)", head)[0])
        while len(link._seen) < length:
            link._seen += link._sock.recv(65536)
        received.append(head + b"\r\n\r\n" + link._seen[:length])
        link.send(f"HTTP/1.1 {status_line}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

    script.received = received  # type: ignore[attr-defined]
    return script


def unpack_video_header(packet: bytes) -> tuple[Any, ...]:
    return struct.unpack(">HIHHHQQI", packet[:32])
