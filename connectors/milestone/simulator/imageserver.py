"""One ImageServer connection: connect, live video, token renewal (notes §3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from connectors.milestone.simulator.imageserver_messages import (
    END,
    MalformedRequest,
    MethodCall,
    connected,
    live_image,
    nothing_recorded,
    parse_call,
    parse_connect_parameters,
    refused,
    response,
    status_package,
)
from connectors.milestone.simulator.site import Camera, Site
from connectors.milestone.simulator.tokens import Tokens
from connectors.protocols.live import LiveFeed, LivePacket
from connectors.protocols.simulation import FaultBoard
from core.contracts import Clock

VIDEO_OUTCOMES = frozenset({"drop", "freeze", "lost-camera"})
"""``drop`` closes a live connection; ``freeze`` (silence on an open one) and ``lost-camera`` last until the plan changes.

Each live connection looks five times a second, and a look takes one ``drop`` or ``ok`` of the plan.
"""

_SILENT = frozenset({"freeze", "lost-camera"})
_PLAYBACK = frozenset({"goto", "next", "previous", "nextsequence", "previoussequence", "begin", "end"})
_CONNECT_TIMEOUT_S = 30.0
_WRITE_TIMEOUT_S = 10.0
_STATUS_EVERY_S = 2.0
_LOOK_EVERY_S = 0.2
_COMPRESSION_RATES = range(1, 105)


class _Refused(Exception):
    """``connected`` is ``no``; the text is the ``errorreason``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSite:
    """What connections to the recorder need to know."""

    site: Site
    tokens: Tokens
    faults: FaultBoard
    clock: Clock


@dataclass(slots=True, kw_only=True)
class _Opened:
    """What ``connect`` agreed on."""

    camera: Camera
    feed: LiveFeed
    token: str


@dataclass(slots=True)
class ImageServerSession:
    """Serves one connection until either side ends it."""

    recorder: RecorderSite
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _opened: _Opened | None = None
    _live: asyncio.Task[None] | None = None
    _watch: asyncio.Task[None] | None = None
    _needs_key: bool = field(default=True)

    async def run(self, first_bytes: bytes) -> None:
        """Answers requests; ``first_bytes`` were read already."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                call = parse_call(first_bytes + await self._read())
            self._opened = await self._connect(call)
            self._watch = asyncio.create_task(self._or_hang_up(self._keep_watch(self._opened)))
            while True:  # no time-out: a live viewer may stay silent, and the watch ends the wait with the token
                await self._answer(parse_call(await self._read()), self._opened)
        except (MalformedRequest, _Refused, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # nothing is said to a peer that broke the protocol: the recorder hangs up
        finally:
            for task in filter(None, (self._live, self._watch)):
                task.cancel()

    async def _read(self) -> bytes:
        return (await self.reader.readuntil(END)).removesuffix(END)

    async def _write(self, message: bytes) -> None:
        self.writer.write(message)
        async with asyncio.timeout(_WRITE_TIMEOUT_S):
            await self.writer.drain()

    async def _connect(self, call: MethodCall) -> _Opened:
        try:
            _require_connect(call)
            camera, token = self._authorised(call.parameters.get("connectparam", ""))
            opened = self._requested(call.parameters, camera, token)
        except _Refused as refusal:
            await self._write(refused(call, str(refusal)))
            raise
        await self._write(connected(call))
        return opened

    def _authorised(self, connect_parameters: str) -> tuple[Camera, str]:
        """The camera and the token of a ``connectparam``."""
        given = parse_connect_parameters(connect_parameters)
        camera = self.recorder.site.camera(given.get("id", ""))
        if camera is None:
            raise _Refused("Unknown device")
        if "streamid" in given and given["streamid"].lower() != camera.stream_id:
            raise _Refused("Unknown stream")
        token = given.get("connectiontoken", "")
        if not self.recorder.tokens.is_soap(token):
            raise _Refused("Security token is missing, invalid or expired")
        return camera, token

    @staticmethod
    def _requested(parameters: Mapping[str, str], camera: Camera, token: str) -> _Opened:
        if parameters.get("cameraid", "").lower() != camera.camera_id:
            raise _Refused("cameraid and the id in connectparam differ")
        if parameters.get("alwaysstdjpeg", "no") != "no":
            raise _Refused("Transcoding to JPEG is not simulated: ask with alwaysstdjpeg no")
        if camera.feed is None:
            raise _Refused("The device is disabled")
        return _Opened(camera=camera, feed=camera.feed, token=token)

    async def _answer(self, call: MethodCall, opened: _Opened) -> None:
        match call.name:
            case "live":
                self._start_live(call, opened.feed)
            case "stop":
                self._stop_live()
                await self._write(response(call))
            case "connectupdate":
                await self._renew(call, opened)
            case name if name in _PLAYBACK:
                await self._write(nothing_recorded(call.request_id))
            case _:
                raise MalformedRequest(f"unknown method {call.name}")

    async def _renew(self, call: MethodCall, opened: _Opened) -> None:
        try:
            opened.token = self._renewed_token(call.parameters.get("connectparam", ""), opened.camera)
        except _Refused as refusal:
            await self._write(refused(call, str(refusal)))
            raise
        await self._write(connected(call))

    def _renewed_token(self, connect_parameters: str, camera: Camera) -> str:
        other, token = self._authorised(connect_parameters)
        if other is not camera:
            raise _Refused("connectupdate is for another device")
        return token

    def _start_live(self, call: MethodCall, feed: LiveFeed) -> None:
        rate = call.parameters.get("compressionrate", "100")
        if not (rate.isascii() and rate.isdigit()) or int(rate) not in _COMPRESSION_RATES:
            raise MalformedRequest(f"compressionrate {rate!r} is out of range")
        self._stop_live()
        self._needs_key = True
        self._live = asyncio.create_task(self._or_hang_up(self._send_pictures(call.request_id, feed)))

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.cancel()
            self._live = None

    async def _send_pictures(self, request_id: int, feed: LiveFeed) -> None:
        """The buffered GOP in a burst, then each picture as it comes."""
        previous_at = 0.0
        async with feed.listen() as listener:
            for packet in feed.gop():
                await self._send_picture(request_id, packet, previous_at, feed)
                previous_at = packet.captured_at
            async for packet in listener:
                await self._send_picture(request_id, packet, previous_at, feed)
                previous_at = packet.captured_at

    async def _send_picture(self, request_id: int, packet: LivePacket, previous_at: float, feed: LiveFeed) -> None:
        if self.recorder.faults.current("video") in _SILENT or (self._needs_key and not packet.is_key):
            self._needs_key = True
            return
        self._needs_key = False
        await self._write(live_image(request_id, packet, previous_at or packet.captured_at, feed.clip.codec))

    async def _keep_watch(self, opened: _Opened) -> None:
        """Ends the connection with its token, orders faults, and gives signs of life while live."""
        status_due, was_lost = 0.0, False
        while self.recorder.tokens.is_soap(opened.token):
            outcome = self.recorder.faults.current("video")
            if self._live and outcome not in _SILENT:
                self.recorder.faults.next("video")
            if self._live and outcome == "drop":
                return
            now, is_lost = self.recorder.clock.monotonic(), outcome == "lost-camera"
            if self._live and outcome != "freeze" and (now >= status_due or is_lost != was_lost):
                await self._write(status_package(self.recorder.clock.utc(), is_camera_lost=is_lost))
                status_due, was_lost = now + _STATUS_EVERY_S, is_lost
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _or_hang_up(self, work: Coroutine[Any, Any, None]) -> None:
        """Carries out ``work``; when it ends or fails, so does the connection (which ends ``run``)."""
        with suppress(OSError):  # the peer is gone, or takes nothing any more: time-outs are OSError too
            await work
        self.writer.transport.abort()


def _require_connect(call: MethodCall) -> None:
    if call.name != "connect":
        raise _Refused("connect must be the first request")
    for name in ("username", "password"):
        if not call.parameters.get(name):
            raise _Refused(f"The element {name} is missing: any text will do")
