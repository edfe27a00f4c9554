"""One ImageServer connection: connect, live video, playback, token renewal (notes §3.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.recorder.imageserver_messages import (
    END,
    MalformedRequest,
    MethodCall,
    alarms,
    connected,
    live_image,
    live_jpeg,
    parse_call,
    parse_connect_parameters,
    refused,
    response,
    status_package,
)
from connectors.milestone.simulator.recorder.playback import PLAYBACK, Playback
from connectors.milestone.simulator.recorder.recordings import Recordings
from connectors.milestone.simulator.recorder.transcoding import Transcoder, encoded
from connectors.milestone.simulator.site import Camera, Site, milliseconds
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LiveFeed, LivePacket
from connectors.protocols.simulation import FaultBoard
from connectors.protocols.variants import Picture
from core.contracts import Clock
from core.types import UtcSeconds

VIDEO_OUTCOMES = frozenset(
    {"drop", "freeze", "stall", "lost-camera", "refuse", "unknown-camera", *(set(Picture) - {Picture.OK})}
)
"""``drop`` closes a live connection; all others last until the plan changes.

``freeze``: silence on an open connection; ``stall``: and new requests are not answered; ``lost-camera``: the recorder does
not reach the camera; ``refuse``, ``unknown-camera``: it is not opened, as with a token that ended, or a camera that is gone.

Each live connection looks five times a second, and a look takes one ``drop`` or ``ok`` of the plan.
"""

_MUTE = frozenset({"freeze", "stall"})
_SILENT = _MUTE | {"lost-camera"}
_LASTING = VIDEO_OUTCOMES - {"drop"}
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
    recordings: Recordings


@dataclass(slots=True, kw_only=True)
class _Opened:
    """What ``connect`` agreed on."""

    camera: Camera
    feed: LiveFeed
    token: str
    playback: Playback
    transcoder: Transcoder | None
    """Where the client wants JPEG."""
    all_frames: bool
    """JPEG of every picture, not of key frames only."""


@dataclass(slots=True)
class ImageServerSession:
    """Serves one connection until either side ends it."""

    recorder: RecorderSite
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _live: asyncio.Task[None] | None = None
    _watch: asyncio.Task[None] | None = None
    _needs_key: bool = field(default=True)

    async def run(self, first_bytes: bytes) -> None:
        """Answers requests; ``first_bytes`` were read already."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                call = parse_call(first_bytes + await self._read())
            while self.recorder.faults.current("video") == "stall":  # noqa: ASYNC110 - the board tells nobody when it changes
                await asyncio.sleep(_LOOK_EVERY_S)
            opened = await self._connect(call)
            self._watch = asyncio.create_task(self._or_hang_up(self._keep_watch(opened)))
            while True:  # no time-out: a live viewer may stay silent, and the watch ends the wait with the token
                await self._answer(parse_call(await self._read()), opened)
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
        ordered = self.recorder.faults.current("video")
        if camera is None or ordered == "unknown-camera":
            raise _Refused("Unknown device")
        if "streamid" in given and given["streamid"].lower() != camera.stream_id:
            raise _Refused("Unknown stream")
        token = given.get("connectiontoken", "")
        if ordered == "refuse" or not self.recorder.tokens.is_soap(token):
            raise _Refused("Security token is missing, invalid or expired")
        return camera, token

    def _requested(self, parameters: Mapping[str, str], camera: Camera, token: str) -> _Opened:
        if parameters.get("cameraid", "").lower() != camera.camera_id:
            raise _Refused("cameraid and the id in connectparam differ")
        if camera.feed is None or not self.recorder.site.is_in_use(camera):
            raise _Refused("The device is disabled")
        codec = camera.feed.clip.codec
        as_jpeg = parameters.get("alwaysstdjpeg", "no") == "yes"
        return _Opened(
            camera=camera,
            feed=camera.feed,
            token=token,
            playback=Playback(
                recording=self.recorder.recordings.of(camera),
                codec=codec,
                by_gop=not as_jpeg and parameters.get("clientcapabilities/multipartdata") == "yes",
                as_jpeg=as_jpeg,
            ),
            transcoder=Transcoder(codec) if as_jpeg else None,
            all_frames=parameters.get("transcode/allframes") == "yes",
        )

    async def _answer(self, call: MethodCall, opened: _Opened) -> None:
        match call.name:
            case "live":
                self._start_live(call, opened)
            case "stop":
                self._stop_live()
                await self._write(response(call))
            case "connectupdate":
                await self._renew(call, opened)
            case "alarms":
                await self._write(alarms(call, _stretches(call, opened.playback)))
            case name if name in PLAYBACK:
                await self._write(await asyncio.to_thread(opened.playback.answer, call))
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

    def _start_live(self, call: MethodCall, opened: _Opened) -> None:
        rate = call.parameters.get("compressionrate", "100")
        if not (rate.isascii() and rate.isdigit()) or int(rate) not in _COMPRESSION_RATES:
            raise MalformedRequest(f"compressionrate {rate!r} is out of range")
        self._stop_live()
        self._needs_key = True
        self._live = asyncio.create_task(self._or_hang_up(self._send_pictures(call.request_id, int(rate), opened)))

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.cancel()
            self._live = None

    async def _send_pictures(self, request_id: int, rate: int, opened: _Opened) -> None:
        """The buffered GOP in a burst, then each picture as it comes; with another codec that of its own."""
        feed, previous_at = opened.feed, 0.0
        while True:
            async with feed.listen() as listener:
                codec = feed.clip.codec
                for packet in feed.gop():
                    await self._send_picture(request_id, rate, packet, previous_at, opened, codec)
                    previous_at = packet.captured_at
                async for packet in listener:
                    await self._send_picture(request_id, rate, packet, previous_at, opened, codec)
                    previous_at = packet.captured_at

    async def _send_picture(
        self, request_id: int, rate: int, packet: LivePacket, previous_at: float, opened: _Opened, codec: ClipCodec
    ) -> None:
        if self._is_silent(opened.camera) or (self._needs_key and not packet.is_key):
            self._needs_key = True
            return
        self._needs_key = False
        before = previous_at or packet.captured_at
        if opened.transcoder is None:
            await self._write(live_image(request_id, packet, before, codec))
        elif packet.is_key or opened.all_frames:
            image = await asyncio.to_thread(_transcoded, opened.transcoder, packet, rate)
            await self._write(live_jpeg(request_id, packet, before, image))

    def _is_silent(self, camera: Camera) -> bool:
        return self._is_lost(camera) or self.recorder.faults.current("video") in _SILENT

    def _is_lost(self, camera: Camera) -> bool:
        is_ordered = self.recorder.faults.current("video") == "lost-camera"
        return is_ordered or camera.camera_id in self.recorder.site.lost_cameras

    async def _keep_watch(self, opened: _Opened) -> None:
        """Ends the connection with its token, orders faults, and gives signs of life while live."""
        status_due, was_lost = 0.0, False
        while self.recorder.tokens.is_soap(opened.token):
            outcome = self.recorder.faults.current("video")
            if self._live and outcome not in _LASTING:
                self.recorder.faults.next("video")
            if self._live and outcome == "drop":
                return
            now, is_lost = self.recorder.clock.monotonic(), self._is_lost(opened.camera)
            if self._live and outcome not in _MUTE and (now >= status_due or is_lost != was_lost):
                await self._write(status_package(self.recorder.clock.utc(), is_camera_lost=is_lost))
                status_due, was_lost = now + _STATUS_EVERY_S, is_lost
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _or_hang_up(self, work: Coroutine[Any, Any, None]) -> None:
        """Carries out ``work``; when it ends or fails, so does the connection (which ends ``run``)."""
        with suppress(OSError):  # the peer is gone, or takes nothing any more: time-outs are OSError too
            await work
        self.writer.transport.abort()


def _transcoded(transcoder: Transcoder, packet: LivePacket, quality: int) -> bytes:
    if packet.is_key:
        transcoder.restart()
    return encoded(transcoder.decoded(packet.data), quality)


def _stretches(call: MethodCall, playback: Playback) -> list[tuple[UtcSeconds, UtcSeconds]]:
    """The recorded stretches within the span to either side of the centre (*unverified*), the first ``numalarms``."""
    texts = [call.parameters.get(name, "") for name in ("centertime", "timespan", "numalarms")]
    if not all(text.isascii() and text.isdigit() for text in texts):
        raise MalformedRequest("alarms needs centertime, timespan and numalarms")
    centre, span, count = map(int, texts)
    known = [(first.begin, last.end) for first, last in playback.recording.sequences()]
    inside = [
        (begin, end)
        for begin, end in known
        if milliseconds(begin) <= centre + span and milliseconds(end) >= centre - span
    ]
    return inside[:count]


def _require_connect(call: MethodCall) -> None:
    if call.name != "connect":
        raise _Refused("connect must be the first request")
    for name in ("username", "password"):
        if not call.parameters.get(name):
            raise _Refused(f"The element {name} is missing: any text will do")
