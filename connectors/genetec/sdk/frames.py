"""What the core and the process that hosts the SDK say to each other: JSON objects behind their length, on a pipe.

A frame is four bytes of length, most significant first, and that many bytes of UTF-8 JSON: an object with ``kind``.
The core sends ``start`` (all that the child needs, its secrets among it: nothing secret is on a command line or in the
environment), then ``ask``, ``ping`` and ``stop``; the child ``hello``, then ``ready`` or ``failed``, ``answer``,
``pong``, and what it hears: ``event``, ``connected``, ``lost``. Either side ends when the pipe does, so that kill -9 of one never leaves the
other waiting.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, TypeAlias

from core import errors
from core.errors import ProtocolViolation, VmsError

PROTOCOL = 1
"""Version of what is said; both sides are of one installation, so they must be equal."""

MAX_BYTES = 8 * 1024 * 1024
"""An alert's picture fits many times."""

Frame: TypeAlias = dict[str, Any]

_LENGTH = struct.Struct(">I")


def packed(frame: Mapping[str, Any]) -> bytes:
    """The bytes of a frame. Raises ``ProtocolViolation`` for one that is too long."""
    body = json.dumps(frame, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_BYTES:
        raise ProtocolViolation(f"a frame of {len(body)} bytes is longer than the bridge takes")
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Reads frames; belongs to one thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self) -> Frame | None:
        """The next frame; None at the end of the pipe, also within a frame. ``ProtocolViolation`` for anything else."""
        head = self._stream.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > MAX_BYTES:
            raise ProtocolViolation(f"the bridge announces a frame of {length} bytes")
        body = self._stream.read(length)
        return None if len(body) < length else _parsed(body)


def _parsed(body: bytes) -> Frame:
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise ProtocolViolation("the bridge says what is not JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("kind"), str):
        raise ProtocolViolation("the bridge says what is no frame")
    return frame


class FrameWriter:
    """Writes whole frames, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, kind: str, **fields: Any) -> None:
        """Raises ``OSError`` or ``ValueError`` once the other side or this one has gone."""
        data = packed({"kind": kind, **fields})
        with self._lock:
            self._stream.write(data)
            self._stream.flush()


_KINDS: Mapping[str, type[VmsError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, VmsError)
}


def error_as_json(error: VmsError) -> Frame:
    """An error as the child tells it."""
    return {"class": type(error).__name__, "message": str(error), "remedy": error.remedy}


def error_from_json(told: Mapping[str, Any]) -> VmsError:
    """The same error in the core; one of no known class is ``ProtocolViolation``."""
    kind = _KINDS.get(str(told.get("class")), ProtocolViolation)
    return kind(str(told.get("message")), remedy=str(told.get("remedy", "")))
