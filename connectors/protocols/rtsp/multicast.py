"""Tracks that go to a group: sent once, however many clients listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from connectors.protocols.rtsp.mount import Flow, Group
from connectors.protocols.rtsp.session import LiveTrack, SentTrack, Track
from connectors.protocols.rtsp.source import Sources, TrackSource
from connectors.protocols.rtsp.statistics import Statistics
from connectors.protocols.rtsp.udp import UdpTransport
from core.types import UtcSeconds


class GroupSender:
    """One track on its way to one group. It plays from the first client's PLAY until no session has it set up."""

    def __init__(self) -> None:
        self.members: set[GroupTrack] = set()
        self.is_playing = False
        self.sent: SentTrack | None = None

    def lose(self) -> None:
        """Sending became impossible for everybody."""
        for member in tuple(self.members):
            member.lost()


class GroupTrack(LiveTrack):
    """A session's part in a group."""

    def __init__(
        self, sender: GroupSender, sent: SentTrack, lost: Callable[[], None], left: Callable[[], None]
    ) -> None:
        super().__init__(sent.source)
        self.lost = lost
        self._sender = sender
        self._sent = sent
        self._left = left
        sender.members.add(self)

    @property
    def header(self) -> str:
        return self._sent.header

    async def ready(self) -> UtcSeconds | None:
        return None if self._sender.is_playing else await super().ready()

    def sequence(self) -> int:
        return self.source.stream.next_sequence if self._sender.is_playing else super().sequence()

    def start(self) -> None:
        """The first starts the group; for those who come later there is a report."""
        if self._sender.is_playing:
            self._sent.transport.send_rtcp(self.source.report())
        else:
            self._sender.is_playing = True
            self._sent.start()

    def end(self) -> None:
        if self in self._sender.members:
            self._sender.members.discard(self)
            self._left()


class Groups:
    """The groups that a server sends to."""

    def __init__(self, sources: Sources, statistics: Statistics) -> None:
        self._sources = sources
        self._statistics = statistics
        self._senders: dict[Group, GroupSender] = {}
        self._opening = asyncio.Lock()

    async def join(
        self,
        group: Group,
        ttl: int,
        local: str,
        hold: Callable[[], TrackSource],
        flow: Callable[[], Flow],
        lost: Callable[[], None],
    ) -> Track:
        """A track that goes to ``group`` by the interface of address ``local``; ``hold`` gets its source where it is the first.

        Raises ``VmsUnavailable`` when that interface cannot multicast.
        """
        async with self._opening:
            sender = self._senders.get(group) or GroupSender()
            if sender.sent is None:
                transport = await UdpTransport.to_group(local, group, ttl)
                sender.sent = SentTrack(self._sources, hold(), transport, flow, self._statistics, sender.lose)
                self._senders[group] = sender
            return GroupTrack(sender, sender.sent, lost, lambda: self._leave(group, sender))

    def _leave(self, group: Group, sender: GroupSender) -> None:
        if sender.sent and not sender.members:
            sender.sent.end()
            if self._senders.get(group) is sender:
                del self._senders[group]
