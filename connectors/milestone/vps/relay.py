"""How the VPS front (in the supervisor) hands a camera's video to the worker that analyses it: loopback TCP.

The worker says one line, the run's secret and its camera; then the front sends records: kind u8, length u32
(big-endian), payload. Only this machine can reach the port, and only this run's workers know the secret.
"""

from __future__ import annotations

import asyncio
import hmac
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import structlog

from connectors.milestone.vps.camera import VpsCamera
from connectors.milestone.vps.protocol import MAX_MESSAGE_BYTES
from core.logs import OnceGate

HEARTBEAT_S = 1.0
"""So often the front says that it lives while it has no picture to relay."""

RECORD: Final = struct.Struct(">BI")
MAX_RECORD_BYTES: Final = MAX_MESSAGE_BYTES

_HELLO_S: Final = 5.0
_MAX_HELLO_BYTES: Final = 1024
_STUCK_S: Final = 30.0
"""A worker that takes nothing for so long is dead."""

_log = structlog.get_logger(component="vps")


class RecordKind(IntEnum):
    """What a record tells."""

    MEDIA = 1
    """A block of GenericByteData."""
    IDLE = 2
    """Nothing to relay; one byte: 1 when the recorder's driver is connected, else 0."""
    END = 3
    """The front ends this connection; why, as UTF-8."""


def hello(secret: str, camera_id: str) -> bytes:
    """What a worker says first."""
    return f"{secret} {camera_id}\n".encode()


def record(kind: RecordKind, payload: bytes) -> bytes:
    """One record."""
    return RECORD.pack(kind, len(payload)) + payload


class Relay:
    """Serves the workers' connections; each gets the present group of pictures, then what follows."""

    def __init__(self, cameras: Mapping[str, VpsCamera], secret: str) -> None:
        self._cameras = cameras
        self._secret = secret
        self._gate = OnceGate(_log)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker's connection, until either side ends it."""
        try:
            async with asyncio.timeout(_HELLO_S):
                line = await reader.readline()
            camera, refusal = self._camera_of(line[:_MAX_HELLO_BYTES])
            if camera is None:
                self._gate.lost("hello", "a stranger asked the VPS relay for video", cause=refusal)
                await _send(writer, record(RecordKind.END, refusal.encode()))
                return
            await _relay(camera, writer)
        except (OSError, ValueError):
            return  # the worker is gone, or what came was no line: it asks again, if it lives

    def _camera_of(self, line: bytes) -> tuple[VpsCamera | None, str]:
        secret, _, camera_id = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return None, "the relay belongs to another run of Vigie"
        camera = self._cameras.get(camera_id)
        return camera, "" if camera else f"the relay has no camera {camera_id!r}"


async def _relay(camera: VpsCamera, writer: asyncio.StreamWriter) -> None:
    queue = camera.attach_worker()
    try:
        await _send(writer, _idle(camera))
        while not queue.is_ended:
            block = await queue.take(HEARTBEAT_S)
            if block is None:
                await _send(writer, _idle(camera))
                continue
            writer.write(RECORD.pack(RecordKind.MEDIA, len(block.data)))
            await _send(writer, block.data)
            camera.statistics.frames_relayed += block.frames
        await _send(writer, record(RecordKind.END, queue.end_cause.encode()))
    finally:
        camera.detach_worker(queue)


def _idle(camera: VpsCamera) -> bytes:
    return record(RecordKind.IDLE, b"\x01" if camera.has_driver else b"\x00")


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    async with asyncio.timeout(_STUCK_S):
        await writer.drain()
