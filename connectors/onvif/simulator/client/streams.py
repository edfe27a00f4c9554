"""A driver's media sessions: PyAV plays video and metadata tracks, each alone or both in one session."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av import error as av_error
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.roles import StreamMethod
from connectors.onvif.simulator.client.soap import Account
from connectors.onvif.simulator.client.takers import MetadataTaker, VideoTaker
from connectors.protocols.simulation import Ledger
from core.redaction import redact
from core.types import UtcSeconds

_OPEN_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 2.5
_PAUSE_S = 0.5
_LONGEST_DOCUMENT = 4 * 1024 * 1024
_END: Final = b"MetadataStream>"
_TRANSPORTS: Final = {StreamMethod.MULTICAST: "udp_multicast", StreamMethod.RTSPS: "tcp"}
_PORTS: Final = {"http": 80, "https": 443}


class Tracks(StrEnum):
    """What a session sets up, in FFmpeg's words."""

    VIDEO = "video"
    METADATA = "data"
    BOTH = "video+data"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTarget:
    """One stream as it was announced, and how it is fetched."""

    uri: str
    method: StreamMethod
    account: Account = field(repr=False)
    ca: Path | None

    def address(self) -> str:
        """For FFmpeg alone: with the account, and as ``rtsp://`` where the announced address is a tunnel's."""
        parts = urlsplit(self.uri)
        host, port = parts.netloc, _PORTS.get(parts.scheme)
        if port is not None and parts.port is None:
            host = f"{host}:{port}"
        scheme = "rtsp" if parts.scheme in _PORTS else parts.scheme
        account = f"{quote(self.account.user, safe='')}:{quote(self.account.password, safe='')}"
        return urlunsplit(parts._replace(scheme=scheme, netloc=f"{account}@{host}"))

    def options(self, tracks: Tracks) -> dict[str, str]:
        """FFmpeg's. Certificates are verified, which FFmpeg does not by default (notes B2)."""
        options = {
            "rtsp_transport": _TRANSPORTS.get(self.method, self.method.value),
            "allowed_media_types": tracks.value,
            "analyzeduration": "0",
            "probesize": "32",
        }
        if self.method in {StreamMethod.HTTPS, StreamMethod.RTSPS} or self.uri.startswith("rtsps:"):
            options |= {"tls_verify": "1", "ca_file": str(self.ca or DEFAULT_CA_BUNDLE_PATH)}
        return options


class StreamSession:
    """Plays one stream until told to stop, and again after every failure."""

    def __init__(
        self,
        channel: int,
        tracks: Tracks,
        target: Callable[[], StreamTarget | None],
        judge: Judge,
        ledger: Ledger,
        *,
        metadata: MetadataTaker,
        video: VideoTaker,
    ) -> None:
        self._channel = channel
        self._tracks = tracks
        self._target = target
        self._judge = judge
        self._ledger = ledger
        self._metadata = metadata
        self._video = video
        self._is_restarting = threading.Event()

    @property
    def has_metadata(self) -> bool:
        """Whether the metadata track is part of it."""
        return self._tracks is not Tracks.VIDEO

    @property
    def has_video(self) -> bool:
        """Whether the video track is part of it."""
        return self._tracks is not Tracks.METADATA

    def restart(self) -> None:
        """Ends the session at its next packet and begins another."""
        self._is_restarting.set()

    def run(self, stop: threading.Event) -> None:
        """In a thread of its own."""
        while not stop.is_set():
            self._is_restarting.clear()
            target = self._target()
            if target is None:
                stop.wait(_PAUSE_S)
                continue
            reason = self._play(target, stop)
            if self.has_metadata:
                self._metadata.pause()
            self._note("stream-ended", reason=reason)
            if not stop.is_set() and not self._is_restarting.is_set():
                self._judge.broken("stream", f"channel {self._channel} {self._tracks}: {reason}")
                stop.wait(_PAUSE_S)

    def _play(self, target: StreamTarget, stop: threading.Event) -> str:
        """Until it ends; returns why."""
        try:
            with av.open(
                target.address(), options=target.options(self._tracks), timeout=(_OPEN_TIMEOUT_S, _READ_TIMEOUT_S)
            ) as container:
                self._note("stream-started", uri=redact(target.uri), method=target.method.value)
                self._judge_tracks(len(container.streams.video), len(container.streams.data))
                joining = _Joining()
                for packet in container.demux():
                    if stop.is_set() or self._is_restarting.is_set():
                        return "the driver ended it"
                    if packet.size:
                        self._take(packet, joining)
        except av_error.FFmpegError as error:  # its text would show the address with the password
            return f"{type(error).__name__} {error.strerror or ''}".rstrip()
        return "the device ended it"

    def _judge_tracks(self, videos: int, metadata: int) -> None:
        wanted = (int(self.has_video), int(self.has_metadata))
        seen = f"channel {self._channel} {self._tracks}: {videos} video and {metadata} metadata tracks"
        self._judge.require("stream", (min(videos, 1), min(metadata, 1)) == wanted, seen)

    def _take(self, packet: av.Packet[av.stream.Stream], joining: _Joining) -> None:
        data, utc = bytes(packet), _reported_utc(packet)
        if packet.stream.type == "video":
            self._video.take(len(data), is_key=packet.is_keyframe, utc=utc)
            return
        for document, reported in joining.add(data, packet.pts, utc):
            self._metadata.take(document, reported)

    def _note(self, kind: str, **fields: str) -> None:
        self._ledger.add(kind, channel=self._channel, tracks=self._tracks.value, **fields)


class _Joining:
    """Fragments of a document have one presentation time; FFmpeg hides the marker of the last one (notes B6)."""

    def __init__(self) -> None:
        self._parts = bytearray()
        self._pts: int | None = None
        self._utc: UtcSeconds | None = None

    def add(self, data: bytes, pts: int | None, utc: UtcSeconds | None) -> Iterator[tuple[bytes, UtcSeconds | None]]:
        """Yields documents that ended, with their time by the sender reports; also one whose end never came."""
        if self._parts and (pts != self._pts or len(self._parts) > _LONGEST_DOCUMENT):
            yield self._whole()
        if not self._parts:
            self._utc = utc
        self._pts = pts
        self._parts += data
        if data.rstrip().endswith(_END):
            yield self._whole()

    def _whole(self) -> tuple[bytes, UtcSeconds | None]:
        document = bytes(self._parts)
        self._parts.clear()
        return document, self._utc


def _reported_utc(packet: av.Packet[av.stream.Stream]) -> UtcSeconds | None:
    """From the sender reports, as FFmpeg derives it (notes B7)."""
    if not packet.has_sidedata("prft"):
        return None
    (microseconds,) = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))
    return float(microseconds) / 1e6
