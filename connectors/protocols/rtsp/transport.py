"""How RTP reaches a client: inside the RTSP connection, or by UDP to its address (RFC 2326 §12.39)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.protocols.rtsp.message import InterleavedFrame, parse_parameters
from core.errors import VmsUnavailable

SEND_TIMEOUT_S = 10.0
"""A client that takes nothing for so long is disconnected."""

_PORT_ATTEMPTS = 20
_PACED_BYTES = 32_768
_PACE_S = 0.001
"""UDP has no flow control: after each so many bytes the receiver gets a moment to empty its buffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOffer:
    """One alternative of a ``Transport`` header that this server can do. ``pair``: channels, or the client's ports."""

    is_interleaved: bool
    pair: tuple[int, int] | None


def parse_transport(header: str, *, allow_udp: bool) -> TransportOffer | None:
    """The first alternative that can be served, or None (461)."""
    for alternative in header.split(","):
        profile, _, rest = alternative.strip().partition(";")
        parameters = parse_parameters(rest)
        if "multicast" in parameters or parameters.get("mode", "play").lower() != "play":
            continue
        if profile.upper() == "RTP/AVP/TCP":
            pair = _pair(parameters.get("interleaved", ""), limit=255)
            if pair or "interleaved" not in parameters:
                return TransportOffer(is_interleaved=True, pair=pair)
        if profile.upper() in {"RTP/AVP", "RTP/AVP/UDP"} and allow_udp:
            pair = _pair(parameters.get("client_port", ""), limit=65535)
            if pair and min(pair) > 0:
                return TransportOffer(is_interleaved=False, pair=pair)
    return None


class RtpTransport(ABC):
    """Sends one track's RTP and RTCP."""

    @property
    @abstractmethod
    def header(self) -> str:
        """Value of the ``Transport`` header that tells the client."""

    @abstractmethod
    async def send(self, packets: Sequence[bytes]) -> None:
        """Sends the RTP packets of one picture.

        Raises ``VmsUnavailable`` when the client does not take them in time, ``OSError`` when it left.
        """

    @abstractmethod
    def send_rtcp(self, packet: bytes) -> None:
        """Sends one RTCP packet."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of ports."""


class InterleavedTransport(RtpTransport):
    """Packets inside the RTSP connection."""

    def __init__(self, writer: asyncio.StreamWriter, channels: tuple[int, int], send_timeout_s: float) -> None:
        self.channels = channels
        self._writer = writer
        self._send_timeout_s = send_timeout_s

    @property
    def header(self) -> str:
        return f"RTP/AVP/TCP;unicast;interleaved={self.channels[0]}-{self.channels[1]}"

    async def send(self, packets: Sequence[bytes]) -> None:
        frames = (InterleavedFrame(channel=self.channels[0], data=packet).to_bytes() for packet in packets)
        self._writer.write(b"".join(frames))
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._writer.drain()
        except TimeoutError as error:
            raise VmsUnavailable("an RTSP client does not take its packets") from error

    def send_rtcp(self, packet: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(InterleavedFrame(channel=self.channels[1], data=packet).to_bytes())

    def close(self) -> None:
        """Nothing of its own to let go of."""


class UdpTransport(RtpTransport):
    """Packets by UDP, from a pair of ports, only ever to the host that asked."""

    def __init__(
        self,
        rtp: asyncio.DatagramTransport,
        backlog: _Backlog,
        rtcp: asyncio.DatagramTransport,
        client: str,
        ports: tuple[int, int],
    ) -> None:
        self._rtp = rtp
        self._backlog = backlog
        self._rtcp = rtcp
        self._client = client
        self._ports = ports

    @classmethod
    async def open(cls, local: str, client: str, ports: tuple[int, int], heard: Callable[[], None]) -> UdpTransport:
        """Binds an even port and the next one; ``heard`` is called for each RTCP packet of the client."""
        loop = asyncio.get_running_loop()
        for _ in range(_PORT_ATTEMPTS):
            rtp, backlog = await loop.create_datagram_endpoint(_Backlog, local_addr=(local, 0))
            port = rtp.get_extra_info("sockname")[1]
            with contextlib.suppress(OSError, OverflowError):
                if port % 2 == 0:
                    rtcp, _ = await loop.create_datagram_endpoint(
                        lambda: _RtcpListener(client, heard), local_addr=(local, port + 1)
                    )
                    return cls(rtp, backlog, rtcp, client, ports)
            rtp.close()
        raise VmsUnavailable("no pair of UDP ports is free for RTP")

    @property
    def header(self) -> str:
        own = self._rtp.get_extra_info("sockname")[1]
        return f"RTP/AVP;unicast;client_port={self._ports[0]}-{self._ports[1]};server_port={own}-{own + 1}"

    async def send(self, packets: Sequence[bytes]) -> None:
        sent = 0
        for packet in packets:
            if self._backlog.is_full:
                return
            self._rtp.sendto(packet, (self._client, self._ports[0]))
            sent += len(packet)
            if sent > _PACED_BYTES:
                sent = 0
                await asyncio.sleep(_PACE_S)

    def send_rtcp(self, packet: bytes) -> None:
        if not self._rtcp.is_closing():
            self._rtcp.sendto(packet, (self._client, self._ports[1]))

    def close(self) -> None:
        self._rtp.close()
        self._rtcp.close()


class _Backlog(asyncio.DatagramProtocol):
    """Knows whether packets pile up on this machine: then they are dropped, as UDP does anyway."""

    def __init__(self) -> None:
        self.is_full = False

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False


class _RtcpListener(asyncio.DatagramProtocol):
    """Any RTCP packet of the client shows that it is still there."""

    def __init__(self, client: str, heard: Callable[[], None]) -> None:
        self._client = client
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        if addr[0] == self._client:
            self._heard()


def _pair(text: str, limit: int) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if not found:
        return None
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if first < second <= limit else None
