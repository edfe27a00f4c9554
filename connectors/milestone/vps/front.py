"""Where the recorders' Video Processing Service driver dials us: video in, boxes back on the same connection.

Runs in the supervisor, which owns the boxes; the video goes on to the workers over ``vps_relay``. The protocol knows no
authentication: let the firewall admit the recording servers only. URL of a camera: ``https://<host>:<port>/vps/<id>``,
where id is the camera's id in the site file, or its GUID in XProtect. Sources: ``vps_protocol``.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from config.model import CameraSettings
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.vps.camera import DriverPeer, VpsCamera
from connectors.milestone.vps.overlay import XProtectMetadata
from connectors.milestone.vps.protocol import MAX_MESSAGE_BYTES
from connectors.milestone.vps.relay import Relay
from connectors.milestone.vps.statistics import VpsStatistics
from connectors.protocols.loop_thread import LoopThread
from connectors.protocols.server_tls import server_context
from connectors.protocols.serving import background, listening, listening_to_streams
from core.contracts import ConnectorServices
from core.errors import VmsUnavailable
from core.logs import OnceGate
from core.types import FrameBoxes

PATH: Final = "/vps/"

_FAREWELL_S: Final = 1.0
_STUCK_S: Final = 30.0
"""A driver that takes nothing for so long is dead: its connection is closed, and it dials again."""

_LOOPBACK: Final = "127.0.0.1"
_ANY_HOST: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised, not bound
_LONGEST_NAME: Final = 80

_log = structlog.get_logger(component="vps")


class VpsFront:
    """The server of one XProtect system, in a thread of its own. Nothing that happens to a worker closes a driver."""

    def __init__(self, settings: MilestoneSettings, services: ConnectorServices) -> None:
        self._settings = settings
        self._services = services
        self._writer = XProtectMetadata()
        self._gate = OnceGate(_log)
        self._cameras: Mapping[str, VpsCamera] = {}
        self._by_path: Mapping[str, VpsCamera] = {}
        self._secret = secrets.token_hex(16)
        self._server: LoopThread[tuple[int, int]] = LoopThread("vps-front", "the VPS front")

    def start(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:
        """Listens; returns what ``VpsSource`` needs in the workers: ``relay``, ``secret`` and ``url``.

        Raises ``VmsUnavailable`` where it cannot listen, ``VmsRefused`` where the certificate cannot be used.
        """
        tls = self._tls()
        clock = self._services.clock
        self._cameras = {
            camera.id: VpsCamera(camera, driver_remedy(driver_url(self._settings, camera.id)), clock)
            for camera in cameras
        }
        self._by_path = {
            **{_guid(camera.device): self._cameras[camera.id] for camera in reversed(cameras)},
            **self._cameras,
        }
        port, relay = self._server.start(partial(self._serve, tls))
        return {"relay": f"{_LOOPBACK}:{relay}", "secret": self._secret, "url": _url(self._settings, port, "")}

    def show(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        """Sends the boxes of one frame to the driver of its camera; from any thread, never waits.

        Raises ``VmsUnavailable`` when no driver is connected for the camera.
        """
        known = self._cameras.get(camera.id)
        if known is None:
            raise VmsUnavailable(f"{camera.name or camera.id}: the VPS front was not started for this camera")
        known.show(round(boxes.captured_at * 1000), self._writer.document(boxes))

    def statistics(self) -> Mapping[str, VpsStatistics]:
        """Live counters by camera id; to be read only."""
        return {name: camera.statistics for name, camera in self._cameras.items()}

    def close(self) -> None:
        """Closes every connection and ends the thread. May be called twice."""
        self._server.close()

    def _tls(self) -> ssl.SSLContext | None:
        vps, site_dir = self._settings.vps, self._services.site_dir
        if vps.certificate is None or vps.key is None:
            return None
        return server_context(site_dir / vps.certificate, site_dir / vps.key, "vps:")

    async def _serve(
        self, tls: ssl.SSLContext | None, ready: Callable[[tuple[int, int]], None], stop: asyncio.Event
    ) -> None:
        app = web.Application()
        app.router.add_get(f"{PATH}{{name:[^/]+}}", self._serve_driver)
        host, port = self._settings.vps.address
        relay = Relay(self._cameras, self._secret)
        async with AsyncExitStack() as ending:
            real_port = await ending.enter_async_context(listening(app, host, port, ssl_context=tls))
            relay_port = await ending.enter_async_context(listening_to_streams(relay.serve, _LOOPBACK, 0))
            ending.callback(self._close_cameras)
            ready((real_port, relay_port))
            await stop.wait()

    def _close_cameras(self) -> None:
        for camera in self._cameras.values():
            camera.close()

    async def _serve_driver(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        camera = self._by_path.get(name) or self._by_path.get(_guid(name))
        if camera is None:
            self._gate.lost("path", "a VPS driver asks for a camera that is not in the site file", asked=_short(name))
            raise web.HTTPNotFound
        connection = web.WebSocketResponse(timeout=_FAREWELL_S, compress=False, max_msg_size=MAX_MESSAGE_BYTES)
        await connection.prepare(request)
        peer = camera.attach_driver()
        try:
            async with background(_return_metadata(camera, peer, connection, request.transport)):
                await _receive(camera, connection)
        finally:
            camera.detach_driver(peer)
        return connection


def driver_url(settings: MilestoneSettings, camera_id: str) -> str:
    """What an administrator writes after ``VPSNODES,``. This machine's own name where we listen on all addresses.

    The driver turns ``https`` into ``wss``; the certificate must carry the host's name.
    """
    return _url(settings, settings.vps.address[1], camera_id)


def driver_remedy(url: str) -> str:
    """What to do where the driver of a camera does not dial us."""
    return (
        "In XProtect Management Client: add hardware with the VPS driver (number 20002) whose source camera is this one"
        f" and whose DriverParameters are VPSNODES,{url}; its recording server must reach that port."
    )


def _url(settings: MilestoneSettings, port: int, camera_id: str) -> str:
    host = settings.vps.address[0]
    name = socket.gethostname() if host in _ANY_HOST else f"[{host}]" if ":" in host else host
    scheme = "https" if settings.vps.certificate and settings.vps.key else "http"
    return f"{scheme}://{name}:{port}{PATH}{camera_id}"


async def _receive(camera: VpsCamera, connection: web.WebSocketResponse) -> None:
    async for message in connection:
        if message.type is WSMsgType.BINARY:
            camera.received(message.data)
        elif message.type is WSMsgType.TEXT:
            camera.malformed("a VPS driver sent text where messages are binary")


async def _return_metadata(
    camera: VpsCamera, peer: DriverPeer, connection: web.WebSocketResponse, transport: asyncio.Transport | None
) -> None:
    try:
        while (note := await peer.next_note()) is not None:
            async with asyncio.timeout(_STUCK_S):
                await connection.send_bytes(note.message)
            camera.sent(note)
        async with asyncio.timeout(_STUCK_S):
            await connection.close(code=WSCloseCode.GOING_AWAY)
    except TimeoutError:  # a farewell would wait behind what the driver does not take
        if transport is not None:
            transport.abort()
    except ConnectionError:
        return  # the driver is gone: whoever reads from it sees that too


def _guid(text: str) -> str:
    return text.strip("{}").lower()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
