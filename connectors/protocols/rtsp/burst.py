"""The RTP packets of one picture or document, made once for every client."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.protocols.rtsp.message import InterleavedFrame


class Burst:
    """``report``: a sender report to send after the packets, where one is due. ``is_key``: a client can start here."""

    __slots__ = ("_interleaved", "is_key", "octets", "packets", "report")

    def __init__(self, packets: Sequence[bytes], octets: int, *, is_key: bool, report: bytes | None = None) -> None:
        self.packets = packets
        self.octets = octets
        self.is_key = is_key
        self.report = report
        self._interleaved: dict[int, bytes] = {}

    def interleaved(self, channel: int) -> bytes:
        """The packets as they go inside an RTSP connection; most clients choose the same channels."""
        data = self._interleaved.get(channel)
        if data is None:
            frames = (InterleavedFrame(channel=channel, data=packet).to_bytes() for packet in self.packets)
            data = self._interleaved[channel] = b"".join(frames)
        return data
