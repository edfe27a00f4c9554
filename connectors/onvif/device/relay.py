"""How a worker hands a camera's video to the device (in the supervisor) while somebody watches: loopback TCP.

The worker says one line, the run's secret and its camera. From then on the device answers single bytes: the turn for
which it wants pictures, 0 for none (``RelayedVideo.turn``). The worker sends records, each kind u8 and length u32
(big-endian) before its payload: what the video is like whenever that changes, and pictures while they are wanted. Only
this machine can reach the port, and only this run's workers know the secret.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final, cast

import structlog

from connectors.onvif.device.relayed_video import RelayedPacket, RelayedVideo, WorkerLink
from connectors.protocols.clips import ClipCodec
from connectors.protocols.rtsp.feeds import VideoFormat
from connectors.protocols.serving import background, listening_to_streams
from core.errors import ProtocolViolation
from core.logs import OnceGate, describe

LOOPBACK: Final = "127.0.0.1"
RECORD: Final = struct.Struct(">BI")
MAX_RECORD_BYTES: Final = 16 * 1024 * 1024
RELAYED_CODECS: Final = frozenset({"h264", "hevc"})
"""What the RTSP server can send."""

_PICTURE: Final = struct.Struct(">B?d")
_HELLO_S: Final = 5.0
_STUCK_S: Final = 30.0
"""A worker that takes nothing for so long is dead."""

_log = structlog.get_logger(component="onvif")


class RecordKind(IntEnum):
    """What a record tells."""

    FORMAT = 1
    PICTURE = 2


def hello(secret: str, camera_id: str) -> bytes:
    """What a worker says first."""
    return f"{secret} {camera_id}\n".encode()


def format_record(video: VideoFormat) -> bytes:
    """Tells what the video is like."""
    sets = [base64.b64encode(unit).decode() for unit in video.parameter_sets]
    fields = {"codec": video.codec, "width": video.width, "height": video.height, "fps": video.fps, "sets": sets}
    return _record(RecordKind.FORMAT, json.dumps(fields).encode())


def picture_record(packet: RelayedPacket) -> bytes:
    """Carries one picture."""
    return _record(RecordKind.PICTURE, _PICTURE.pack(packet.turn, packet.is_key, packet.captured_at) + packet.data)


class Relay:
    """Listens for the workers and feeds each channel's ``RelayedVideo``. ``videos`` are by camera id."""

    def __init__(self, videos: Mapping[str, RelayedVideo]) -> None:
        self._videos = videos
        self._secret = secrets.token_hex(16)
        self._gate = OnceGate(_log)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Mapping[str, str]]:
        """Serves until left; yields what ``TeeSource`` needs in the workers (``ConnectorServices.front``).

        Without videos there is nothing to listen for, and nothing is told. Raises ``UsageError`` where it cannot listen.
        """
        if not self._videos:
            yield {}
            return
        async with listening_to_streams(self.serve, LOOPBACK, 0) as port:
            yield {"relay": f"{LOOPBACK}:{port}", "secret": self._secret}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker's connection, until either side ends it."""
        try:
            async with asyncio.timeout(_HELLO_S):
                line = await reader.readline()
            video = self._video_of(line)
            if video is not None:
                await _relay(video, reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return  # the worker is gone, or what came was no line: it dials again, if it lives
        except ProtocolViolation as error:
            self._gate.lost("record", "a worker's video cannot be read", cause=describe(error))

    def _video_of(self, line: bytes) -> RelayedVideo | None:
        secret, _, camera_id = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
        is_ours = hmac.compare_digest(secret.encode(), self._secret.encode())
        video = self._videos.get(camera_id) if is_ours else None
        if video is None:
            cause = "no such camera" if is_ours else "it belongs to another run of Vigie"
            self._gate.lost("hello", "a stranger dialled the relay of the ONVIF device", cause=cause)
        return video


async def _relay(video: RelayedVideo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    worker = video.attach()
    try:
        async with background(_tell(video, worker, writer)):
            while True:
                _take(video, worker, *await _read(reader))
    finally:
        video.detach(worker)


async def _tell(video: RelayedVideo, worker: WorkerLink, writer: asyncio.StreamWriter) -> None:
    """Says what is wanted, whenever that changes."""
    try:
        while True:
            await worker.changed.wait()
            worker.changed.clear()
            writer.write(bytes((video.turn,)))
            async with asyncio.timeout(_STUCK_S):
                await writer.drain()
    except OSError:  # time-outs are OSError too
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, length = RECORD.unpack(await reader.readexactly(RECORD.size))
    if length > MAX_RECORD_BYTES:
        raise ProtocolViolation(f"record {kind} of {length} bytes")
    return kind, await reader.readexactly(length)


def _take(video: RelayedVideo, worker: WorkerLink, kind: int, payload: bytes) -> None:
    try:
        if kind == RecordKind.FORMAT:
            video.described(worker, _format(payload))
        elif kind == RecordKind.PICTURE:
            turn, is_key, captured_at = _PICTURE.unpack_from(payload)
            data = payload[_PICTURE.size :]
            video.received(worker, RelayedPacket(data=data, captured_at=captured_at, is_key=is_key, turn=turn))
        else:
            raise ProtocolViolation(f"record {kind} is unknown")
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise ProtocolViolation(f"record {kind} of {len(payload)} bytes is malformed: {error}") from error


def _format(payload: bytes) -> VideoFormat:
    fields = json.loads(payload)
    if fields["codec"] not in RELAYED_CODECS:
        raise ValueError(f"codec {fields['codec']!r}")
    return VideoFormat(
        codec=cast("ClipCodec", fields["codec"]),
        width=int(fields["width"]),
        height=int(fields["height"]),
        fps=None if fields["fps"] is None else float(fields["fps"]),
        parameter_sets=tuple(base64.b64decode(unit) for unit in fields["sets"]),
    )


def _record(kind: RecordKind, payload: bytes) -> bytes:
    return RECORD.pack(kind, len(payload)) + payload
