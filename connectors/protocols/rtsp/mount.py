"""What a server offers under one path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from connectors.protocols.live_packets import LivePacket
from connectors.protocols.rtsp.feeds import MetadataFeed, VideoFeed, VideoFormat
from core.types import UtcSeconds

Group: TypeAlias = tuple[str, int]
"""Multicast address and its even RTP port; RTCP takes the next one."""


class Flow(StrEnum):
    """What a mount's packets do at the moment: faults can be ordered."""

    OK = "ok"
    FREEZE = "freeze"
    """Nothing is sent, connections stay."""
    DROP = "drop"
    """Connections are closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MulticastGroups:
    """Where a mount's tracks go when a client asks for multicast; None for a track that does not.

    ``ttl``: routers that a packet may pass. No two mounts share a group.
    """

    video: Group | None = None
    metadata: Group | None = None
    ttl: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A video of the past. ``pictures`` gives those between two moments, from a key frame on; the later may be infinite."""

    format: VideoFormat
    pictures: Callable[[UtcSeconds, UtcSeconds], Iterable[LivePacket]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A live video, metadata documents, or both; ``flow`` is asked for every packet and every document.

    Or a recording alone, which is played inside the connection only, for a PLAY with ``Range: clock=``.
    """

    video: VideoFeed | None = None
    metadata: MetadataFeed | None = None
    recording: Recording | None = None
    name: str = ""
    flow: Callable[[], Flow] = lambda: Flow.OK
    multicast: MulticastGroups | None = None


Mounts: TypeAlias = Callable[[str], Mount | None]
"""Path (decoded, no slash at the end) to what is there. The same feed may be in several mounts, or in a new one each time."""
