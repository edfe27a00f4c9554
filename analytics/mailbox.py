"""What stands between the threads of one camera: bounded, and under load the newest wins."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import Generic, TypeVar

from core.types import Packet

MOST_PACKETS = 128
"""Some five seconds of video: more than a recorder sends at once when a stream starts."""
_WAKE_S = 1.0
"""Longest single wait; a waiter that was not told of the end looks for itself."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class QueuedPacket:
    """A packet and how it goes with the one before."""

    packet: Packet
    stream: int
    """Counts the streams: packets of one stream belong together, tracks do not survive a change."""
    follows_gap: bool
    """Packets before this one are missing, so that decoding must start at a key frame."""


class PacketQueue:
    """Packets on their way to the decoder. One thread puts, one takes.

    When it is full, the oldest go, up to a key frame: half a group of pictures cannot be decoded.
    """

    def __init__(self, most: int = MOST_PACKETS) -> None:
        self._most = most
        self._items: deque[QueuedPacket] = deque()
        self._changed = Condition()
        self._stream = 0
        self._gap = False
        self._is_closed = False
        self.dropped = 0
        """Packets that were never decoded because the queue was full."""

    def __len__(self) -> int:
        return len(self._items)

    def put(self, packet: Packet) -> None:
        """Never blocks; after ``close`` the packet is ignored."""
        with self._changed:
            if self._is_closed:
                return
            if len(self._items) >= self._most:
                self._make_room()
            self._items.append(QueuedPacket(packet, self._stream, self._gap))
            self._gap = False
            self._changed.notify()

    def begin_stream(self) -> None:
        """The next packet starts a new stream."""
        with self._changed:
            self._stream += 1
            self._gap = True

    @property
    def stream(self) -> int:
        """The stream that the next packet to come belongs to."""
        return self._stream

    def wait(self, timeout_s: float) -> bool:
        """Whether ``take`` has something to say, a packet or the end, within so long."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._items) or self._is_closed, timeout_s)

    def take(self) -> QueuedPacket | None:
        """Waits for the next packet; None once the queue is closed."""
        with self._changed:
            while not self._items and not self._is_closed:
                self._changed.wait(_WAKE_S)
            return None if self._is_closed else self._items.popleft()

    def close(self) -> None:
        """Ends ``take``. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Drops everything before the newest key frame, or everything."""
        keys = (index for index in range(len(self._items) - 1, 0, -1) if self._items[index].packet.is_key)
        kept = list(self._items)[next(keys, len(self._items)) :]
        self.dropped += len(self._items) - len(kept)
        self._gap = self._gap or not kept
        if kept:
            kept[0] = QueuedPacket(kept[0].packet, kept[0].stream, follows_gap=True)
        self._items = deque(kept)


class Mailbox(Generic[Item]):
    """Holds one item: a newer one replaces it."""

    def __init__(self) -> None:
        self._item: Item | None = None
        self._changed = Condition()
        self._is_closed = False
        self.skipped = 0
        """Items that were replaced before anybody took them."""

    def put(self, item: Item) -> None:
        """Never blocks."""
        with self._changed:
            self.skipped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self) -> Item | None:
        """Waits for an item; None once the mailbox is closed."""
        with self._changed:
            while self._item is None and not self._is_closed:
                self._changed.wait(_WAKE_S)
            item, self._item = self._item, None
            return None if self._is_closed else item

    def close(self) -> None:
        """Ends ``take``. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
