"""From an ImageServer answer to the encoded pictures in it, live or recorded."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.milestone.video.genericbytedata import VideoFrame, parse
from connectors.milestone.video.imageserver import ImageMessage
from core.errors import ProtocolViolation
from core.types import Packet

_GENERIC_BYTE_DATA = "application/x-genericbytedata-octet-stream"
_JPEG = "image/jpeg"
_JPEG_START = b"\xff\xd8"
_MS = 1000.0


def frames_of(message: ImageMessage) -> Iterator[VideoFrame]:
    """The pictures of an answer, in decode order; none when nothing is recorded.

    Raises ``ProtocolViolation`` for what is neither GenericByteData nor JPEG, ``VmsRefused`` for a codec that is not
    analysed.
    """
    kind = message.content_type
    if message.parts and kind not in {_GENERIC_BYTE_DATA, _JPEG} and not kind.startswith("multipart/"):
        raise ProtocolViolation(f"the recorder sent a picture as {kind or 'nothing known'}")
    for part in message.parts:
        if part.startswith(_JPEG_START):  # no GenericByteData begins so: its data types are others
            yield _jpeg(part, message.headers)
        else:
            yield from parse(part)


def packet_of(frame: VideoFrame, received_at: float) -> Packet:
    """A picture as the analysis takes it."""
    return Packet(
        codec=frame.codec,
        data=frame.data,
        captured_at=frame.captured_at,
        is_key=frame.is_key,
        received_at=received_at,
    )


def _jpeg(picture: bytes, headers: dict[str, str]) -> VideoFrame:
    current = headers.get("current", "")
    if not (current.isascii() and current.isdigit()):
        raise ProtocolViolation("the recorder sent a JPEG picture without its capture time")
    return VideoFrame(codec="mjpeg", captured_at=int(current) / _MS, is_key=True, sequence=0, data=picture)
