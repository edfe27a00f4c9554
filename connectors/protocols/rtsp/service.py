"""What the connections of one server share, and how a track is found and opened for a client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from connectors.protocols.rtsp.feeds import VideoFeed, VideoFormat
from connectors.protocols.rtsp.mount import Group, Mount, Mounts, Recording
from connectors.protocols.rtsp.multicast import Groups
from connectors.protocols.rtsp.recorded import RecordedTrack
from connectors.protocols.rtsp.sdp import ENCODINGS, METADATA_TRACK, VIDEO_TRACK
from connectors.protocols.rtsp.session import SentTrack, Session, Track
from connectors.protocols.rtsp.source import VIDEO_WAIT_S, Sources, TrackSource
from connectors.protocols.rtsp.statistics import Statistics
from connectors.protocols.rtsp.transport import InterleavedTransport, RtpTransport, Way
from core.contracts import Clock
from core.errors import VmsUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One server's."""

    mounts: Mounts
    users: Mapping[str, str]
    realm: str
    clock: Clock
    session_timeout_s: float
    send_timeout_s: float
    udp: bool
    sessions: dict[str, Session]
    statistics: Statistics
    sources: Sources
    groups: Groups


def split_track(path: str) -> tuple[str, str]:
    """Path of the mount and name of the track, empty for the whole presentation."""
    mount, _, last = path.rpartition("/")
    return (mount, last) if last in {VIDEO_TRACK, METADATA_TRACK} else (path, "")


def has_track(mount: Mount, track: str) -> bool:
    """Whether the mount offers a track of that name."""
    return (mount.video or mount.recording if track == VIDEO_TRACK else mount.metadata) is not None


def ways_of(mount: Mount, track: str, ways: frozenset[Way]) -> frozenset[Way]:
    """Those of the connection's ``ways`` by which the track is sent."""
    if mount.recording:
        return frozenset({Way.INTERLEAVED})
    return ways if group_of(mount, track) else ways - {Way.MULTICAST}


def group_of(mount: Mount, track: str) -> Group | None:
    """The track's multicast group."""
    if mount.multicast is None:
        return None
    return mount.multicast.video if track == VIDEO_TRACK else mount.multicast.metadata


async def format_of(mount: Mount) -> VideoFormat | None:
    """Format of the mount's video; one that only shows itself to listeners is listened to, for ``VIDEO_WAIT_S``.

    None where there is no video, none that RTP can carry, or none to be seen now.
    """
    if mount.recording:
        return mount.recording.format
    feed = mount.video
    if feed is None:
        return None
    shown = feed.format or await _format_after_listening(feed)
    return shown if shown and shown.codec in ENCODINGS else None


async def held_source(service: Service, mount: Mount, track: str) -> Callable[[], TrackSource]:
    """Holds the track's source when called. Raises ``VmsUnavailable`` for a video that is not to be seen now."""
    if track == METADATA_TRACK and mount.metadata:
        return partial(service.sources.of_metadata, mount.metadata)
    shown = await format_of(mount)
    if shown is None or mount.video is None:
        raise VmsUnavailable("the video is not to be seen now")
    return partial(service.sources.of_video, mount.video, shown.codec)


def sent_track(
    service: Service, mount: Mount, source: TrackSource, transport: RtpTransport, lost: Callable[[], None]
) -> Track:
    """A track that goes to one client alone."""
    return SentTrack(service.sources, source, transport, mount.flow, service.statistics, lost)


def recorded_track(
    service: Service, mount: Mount, recording: Recording, transport: InterleavedTransport, lost: Callable[[], None]
) -> Track:
    """The mount's recording for one client."""
    return RecordedTrack(recording, service.clock, transport, mount.flow, service.statistics, lost)


async def _format_after_listening(feed: VideoFeed) -> VideoFormat | None:
    with suppress(TimeoutError):
        async with asyncio.timeout(VIDEO_WAIT_S), feed.listen() as listener:
            async for _ in listener:
                if shown := feed.format:
                    return shown
    return feed.format
