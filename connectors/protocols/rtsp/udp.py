"""RTP by UDP: from a pair of ports to one client, or to a group."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence

from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.mount import Group
from connectors.protocols.rtsp.transport import RtpTransport
from core.errors import VmsUnavailable

_PORT_ATTEMPTS = 20
_PACED_BYTES = 32_768
_PACE_S = 0.001
"""UDP has no flow control: after each so many bytes the receiver gets a moment to empty its buffer."""
_WAITING_PACKETS = 16_384
"""Some 20 MB: a group of pictures for who joins."""


class UdpTransport(RtpTransport):
    """Packets by UDP, only ever to the host that asked, or to the group that the server chose."""

    def __init__(
        self,
        rtp: tuple[asyncio.DatagramTransport, _Backlog],
        rtcp: asyncio.DatagramTransport,
        to: Sequence[Group],
        header: str,
    ) -> None:
        self._rtcp = rtcp
        self._rtcp_to = to[1]
        self._header = header
        self._queue = _PacedQueue(*rtp, to[0])

    @classmethod
    async def to_client(
        cls, local: str, client: str, ports: tuple[int, int], heard: Callable[[], None]
    ) -> UdpTransport:
        """Binds an even port and the next one; ``heard`` is called for each RTCP packet of the client.

        Raises ``VmsUnavailable`` when no two ports are free.
        """
        loop = asyncio.get_running_loop()
        for _ in range(_PORT_ATTEMPTS):
            rtp, backlog = await loop.create_datagram_endpoint(_Backlog, local_addr=(local, 0))
            port = rtp.get_extra_info("sockname")[1]
            with contextlib.suppress(OSError, OverflowError):
                if port % 2 == 0:
                    rtcp, _ = await loop.create_datagram_endpoint(
                        lambda: _RtcpListener(client, heard), local_addr=(local, port + 1)
                    )
                    header = f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]};server_port={port}-{port + 1}"
                    return cls((rtp, backlog), rtcp, [(client, ports[0]), (client, ports[1])], header)
            rtp.close()
        raise VmsUnavailable("no pair of UDP ports is free for RTP")

    @classmethod
    async def to_group(cls, local: str, group: Group, ttl: int) -> UdpTransport:
        """Sends by the interface that has the address ``local``. Raises ``VmsUnavailable`` when that cannot multicast."""
        address, port = group
        loop = asyncio.get_running_loop()
        try:
            rtp = await loop.create_datagram_endpoint(_Backlog, sock=_multicast_socket(local, ttl))
            rtcp = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=_multicast_socket(local, ttl))
        except OSError as error:
            raise VmsUnavailable(f"cannot send to the group {address} from {local}: {error}") from error
        header = f"RTP/AVP;multicast;destination={address};port={port}-{port + 1};ttl={ttl}"
        return cls(rtp, rtcp[0], [group, (address, port + 1)], header)

    @property
    def header(self) -> str:
        return self._header

    def open_with(self, bursts: Sequence[Burst]) -> bool:
        return self._queue.add([packet for burst in bursts for packet in burst.packets])

    def send(self, burst: Burst) -> bool:
        return self._queue.add(burst.packets)

    def send_rtcp(self, packet: bytes) -> None:
        if not self._rtcp.is_closing():
            self._rtcp.sendto(packet, self._rtcp_to)

    def close(self) -> None:
        self._queue.close()
        self._rtcp.close()


class _PacedQueue:
    """Packets on their way out by UDP, at a pace that receivers can follow."""

    def __init__(self, endpoint: asyncio.DatagramTransport, backlog: _Backlog, to: Group) -> None:
        self._endpoint = endpoint
        self._backlog = backlog
        self._to = to
        self._packets: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, packets: Sequence[bytes]) -> bool:
        """Sends packets now or soon; False, and none sent, when too many wait."""
        if len(self._packets) + len(packets) > _WAITING_PACKETS:
            return False
        self._packets.extend(packets)
        if self._timer is None:
            self._send()
        return True

    def close(self) -> None:
        """Forgets what waits."""
        self._packets.clear()
        if self._timer:
            self._timer.cancel()
        self._endpoint.close()

    def _send(self) -> None:
        sent = 0
        while self._packets and sent <= _PACED_BYTES and not self._backlog.is_full:
            packet = self._packets.popleft()
            self._endpoint.sendto(packet, self._to)
            sent += len(packet)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_PACE_S, self._send) if self._packets else None


class _Backlog(asyncio.DatagramProtocol):
    """Knows whether packets pile up on this machine."""

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


def _multicast_socket(local: str, ttl: int) -> socket.socket:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(local))
        sender.bind((local, 0))
    except OSError:
        sender.close()
        raise
    return sender
