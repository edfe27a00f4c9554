"""How RTP reaches a client: what it asks for, and RTP inside the RTSP connection (RFC 2326 §10.12, §12.39)."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.message import InterleavedFrame, parse_parameters
from connectors.protocols.rtsp.outlet import Outlet

_TCP_PROFILE = "RTP/AVP/TCP"
_UDP_PROFILES = frozenset({"RTP/AVP", "RTP/AVP/UDP"})


class Way(StrEnum):
    """How packets travel."""

    INTERLEAVED = "interleaved"
    UNICAST = "unicast"
    MULTICAST = "multicast"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOffer:
    """One alternative of a ``Transport`` header that this server can do.

    ``pair``: channels, or the client's ports; None for multicast, whose group the server chooses.
    """

    way: Way
    pair: tuple[int, int] | None


def parse_transport(header: str, *, allowed: frozenset[Way]) -> TransportOffer | None:
    """The first alternative that can be served, or None (461)."""
    for alternative in header.split(","):
        profile, _, rest = alternative.strip().partition(";")
        parameters = parse_parameters(rest)
        if parameters.get("mode", "play").lower() != "play":
            continue
        offer = _offer(profile.strip().upper(), parameters)
        if offer and offer.way in allowed:
            return offer
    return None


class RtpTransport(ABC):
    """Sends one track's RTP and RTCP to one receiver; never waits."""

    @property
    @abstractmethod
    def header(self) -> str:
        """Value of the ``Transport`` header that tells the client."""

    @abstractmethod
    def open_with(self, bursts: Sequence[Burst]) -> bool:
        """Sends what a new client gets first; False, and nothing sent, when too much waits. Raises as ``send``."""

    @abstractmethod
    def send(self, burst: Burst) -> bool:
        """Sends one picture or document; False, and nothing sent, when too much waits.

        Raises ``VmsUnavailable`` when the client takes nothing any more, ``OSError`` when it left.
        """

    @abstractmethod
    def send_rtcp(self, packet: bytes) -> None:
        """Sends one RTCP packet."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of ports."""


class InterleavedTransport(RtpTransport):
    """Packets inside the RTSP connection."""

    def __init__(self, outlet: Outlet, channels: tuple[int, int]) -> None:
        self.channels = channels
        self._outlet = outlet

    @property
    def header(self) -> str:
        return f"{_TCP_PROFILE};unicast;interleaved={self.channels[0]}-{self.channels[1]}"

    def open_with(self, bursts: Sequence[Burst]) -> bool:
        return self._outlet.open_with(b"".join(burst.interleaved(self.channels[0]) for burst in bursts))

    def send(self, burst: Burst) -> bool:
        return self._outlet.offer(burst.interleaved(self.channels[0]))

    def send_rtcp(self, packet: bytes) -> None:
        self._outlet.write(InterleavedFrame(channel=self.channels[1], data=packet).to_bytes())

    def close(self) -> None:
        """Nothing of its own to let go of."""

    async def drained(self) -> None:
        """Waits until little waits. Raises ``TimeoutError`` when the client takes nothing, ``OSError`` when it left."""
        await self._outlet.drained()


def _offer(profile: str, parameters: dict[str, str]) -> TransportOffer | None:
    if profile in _UDP_PROFILES and "multicast" in parameters:
        return TransportOffer(way=Way.MULTICAST, pair=None)
    if profile in _UDP_PROFILES:
        pair = _pair(parameters.get("client_port", ""), limit=65535)
        return TransportOffer(way=Way.UNICAST, pair=pair) if pair and min(pair) > 0 else None
    if profile == _TCP_PROFILE and "multicast" not in parameters:
        pair = _pair(parameters.get("interleaved", ""), limit=255)
        if pair or "interleaved" not in parameters:
            return TransportOffer(way=Way.INTERLEAVED, pair=pair)
    return None


def _pair(text: str, limit: int) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if not found:
        return None
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return (first, second) if first < second <= limit else None
