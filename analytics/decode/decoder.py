"""Turns one camera's packets into pictures, whatever the stream does."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

import av
from av.video.codeccontext import VideoCodecContext

from analytics.decode.disposable import DisposableTest
from analytics.decode.frame import DecodedFrame, pixel_aspect_of
from analytics.decode.hardware import open_software
from core.types import Packet, UtcSeconds

_MOST_DELAYED = 64
"""Packets whose capture time is remembered: more than any codec holds back for re-ordering (H.265 allows 16)."""
_KEYS_IN_A_ROW = 8
"""So many key frames without anything between them make a stream all-intra."""
_TICKS = Fraction(1, 1000)

OpenCodec: TypeAlias = Callable[[str, bytes], VideoCodecContext]


class Decoder:
    """One camera's decoder. Not thread-safe.

    Starts at a key frame; after damage it goes on at the next one. Capture times follow their pictures through the
    decoder's re-ordering. A change of codec or parameter sets (``extradata``) opens a new decoder.
    """

    def __init__(self, open_codec: OpenCodec = open_software) -> None:
        """``open_codec``: makes the decoder of a codec and its ``extradata``, when a stream begins or changes."""
        self._open_codec = open_codec
        self.corrupt = 0
        """Packets and pictures that were damaged."""
        self._context: VideoCodecContext | None = None
        self._stream: tuple[str, bytes] | None = None
        self._capture_times: dict[int, UtcSeconds] = {}
        self._packet_number = 0
        self._awaits_key = True
        self._keys_in_a_row = 0
        self._keys = 0
        self._is_disposable = DisposableTest()

    def decode(self, packet: Packet, *, is_wanted: bool = True) -> list[DecodedFrame]:
        """The pictures that come out when this packet goes in, in presentation order.

        ``is_wanted``: whether anybody will look at the picture of this packet's capture time. If not, and no other
        picture needs it, it is not decoded.

        Raises:
            CodecError: there is no decoder of the packet's codec.
        """
        pictures = self._opened_for(packet)
        self._keys_in_a_row = self._keys_in_a_row + 1 if packet.is_key else 0
        if self._awaits_key and not packet.is_key:
            return pictures
        if not is_wanted and self._can_skip(packet):
            return pictures
        self._awaits_key = False
        return pictures + self._feed(packet)

    def flush(self) -> list[DecodedFrame]:
        """The pictures still held back for re-ordering; the next packet starts anew, at a key frame."""
        pictures = self._send(None)
        self.restart()
        return pictures

    def restart(self) -> None:
        """Forgets what came before (packets are missing): goes on at the next key frame."""
        if self._context is not None:
            self._context.flush_buffers()
        self._awaits_key = True
        self._capture_times.clear()

    def _opened_for(self, packet: Packet) -> list[DecodedFrame]:
        """Opens a decoder when the stream is another one; what the old one still held."""
        stream = (packet.codec, packet.extradata)
        if stream == self._stream:
            return []
        pictures = self.flush()
        self._context, self._stream = self._open_codec(*stream), stream
        self._keys_in_a_row, self._is_disposable = 0, DisposableTest()
        return pictures

    def _can_skip(self, packet: Packet) -> bool:
        if self._is_intra_only():
            return True
        if self._keys_in_a_row >= _KEYS_IN_A_ROW:
            # Should the stream start to predict after all, pictures that lean on this one must wait for a key frame.
            self._awaits_key = True
            return True
        return self._is_disposable(packet)

    def _is_intra_only(self) -> bool:
        return self._context is not None and self._context.codec.intra_only

    def _feed(self, packet: Packet) -> list[DecodedFrame]:
        if not packet.data:
            self._damaged()
            return []
        coded = av.Packet(packet.data)
        coded.time_base = _TICKS
        coded.pts = coded.dts = self._packet_number
        self._capture_times[self._packet_number] = packet.captured_at
        self._capture_times.pop(self._packet_number - _MOST_DELAYED, None)
        self._packet_number += 1
        self._keys += packet.is_key
        return self._send(coded)

    def _send(self, coded: av.Packet[Any] | None) -> list[DecodedFrame]:
        """Gives a packet to the codec; None asks for what it holds back."""
        if self._context is None:
            return []
        try:
            pictures = self._context.decode(coded)
        except av.error.FFmpegError:
            self._damaged()
            return []
        return [frame for picture in pictures if (frame := self._timed(picture)) is not None]

    def _timed(self, picture: av.VideoFrame) -> DecodedFrame | None:
        captured_at = None if picture.pts is None else self._capture_times.get(picture.pts)
        if picture.is_corrupt or captured_at is None:
            self.corrupt += 1
            return None
        return DecodedFrame(
            picture=picture, captured_at=captured_at, pixel_aspect=self._pixel_aspect(), keys=self._keys
        )

    def _pixel_aspect(self) -> float:
        return pixel_aspect_of(self._context.sample_aspect_ratio if self._context else None)

    def _damaged(self) -> None:
        self.corrupt += 1
        self.restart()
