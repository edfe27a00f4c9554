"""The child processes of ``vigie bench onvif``: the worker, the sixteen clients, and the viewer who looks closely."""

from __future__ import annotations

import asyncio
import bisect
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import av
import numpy as np
from lxml import etree

from connectors.onvif.bench_reader import BenchReader, ReaderReport, ReaderTarget
from connectors.onvif.bench_scene import PICTURES, STEP_PX, WIDTH, read_left, read_number, square
from connectors.onvif.video.tee import TeeSource
from connectors.protocols.clips import Clip, load_clip
from connectors.protocols.onvif_metadata import TT
from core.clock import SystemClock, parse_iso
from core.contracts import VideoSource
from core.logs import configure_logging
from core.types import Box, FrameBoxes, Packet, Track

READY: Final = "ready"
PEOPLE: Final = 4
"""Boxes in every frame, beside the square's."""

_POLL_S: Final = 0.2
_STOP_S: Final = 5.0
_SETTLING_S: Final = 0.5
"""After the last client's TLS handshake, which held the others up."""

_TIMEOUTS_S: Final = (10.0, 5.0)
_US: Final = 1e6


class SceneSource(VideoSource):
    """The clip round and round in real time; each packet is stamped with the moment at which it leaves."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._closed = threading.Event()

    def packets(self) -> Iterator[Packet]:
        started = time.monotonic()
        while True:
            for item in self._clip.packets:
                if self._closed.wait(max(0.0, started + item.offset_s - time.monotonic())):
                    return
                yield Packet(
                    codec=self._clip.codec,
                    data=item.data,
                    captured_at=time.time(),
                    is_key=item.is_key,
                    received_at=time.monotonic(),
                )
            started += self._clip.duration_s

    def close(self) -> None:
        self._closed.set()


def run_worker(connection: Connection, cameras: Sequence[str], video: Path, front: Mapping[str, str]) -> None:
    """Plays every camera through its tee and says the boxes of each frame, until told to stop."""
    configure_logging("error")
    clip = load_clip(video)
    sending = threading.Lock()
    sources = [TeeSource(SceneSource(clip), front, camera, SystemClock()) for camera in cameras]

    def watch(source: TeeSource, camera: str) -> None:
        try:
            for number, packet in enumerate(source.packets()):
                with sending:
                    connection.send(_boxes(camera, packet.captured_at, number % PICTURES))
        except OSError:
            return  # the bench has ended

    threads = [threading.Thread(target=watch, args=pair, daemon=True) for pair in zip(sources, cameras, strict=True)]
    with sending:
        connection.send(READY)
    for thread in threads:
        thread.start()
    _wait_for_end(connection)
    for source in sources:
        source.close()
    for thread in threads:
        thread.join(_STOP_S)


def run_clients(connection: Connection, targets: Sequence[ReaderTarget], seconds: float) -> None:
    """Reads every stream for so long; says when all play, then sends the reports."""
    configure_logging("error")
    connection.send(asyncio.run(_read(connection, targets, seconds)))


def run_viewer(connection: Connection, target: ReaderTarget, seconds: float) -> None:
    """Decodes one stream's video and metadata with FFmpeg for so long, and sends what differs."""
    configure_logging("error")
    seen = Seen()
    url = target.url.replace("://", f"://{quote(target.username, safe='')}:{quote(target.password, safe='')}@", 1)
    options = {"tls_verify": "1", "ca_file": str(target.ca), "allowed_media_types": "video+data"}
    with av.open(url, options=options, timeout=_TIMEOUTS_S) as container:
        ends_at = time.monotonic() + seconds
        for packet in container.demux():
            if packet.stream.type == "video":
                seen.picture(packet)
            elif packet.size:
                seen.fragment(bytes(packet))
            if time.monotonic() > ends_at:
                break
    connection.send(seen.errors())


@dataclass(slots=True)
class Seen:
    """Pictures and boxes by their UTC. FFmpeg tells a picture's from the sender reports (packet side data ``prft``)."""

    _times: dict[int, float] = field(default_factory=dict)
    _pictures: list[tuple[float, int, float]] = field(default_factory=list)
    _boxes: list[tuple[float, float]] = field(default_factory=list)
    _fragments: bytearray = field(default_factory=bytearray)

    def picture(self, packet: av.Packet[Any]) -> None:
        """Notes the number and the square's place in each picture that comes out of the decoder."""
        if packet.pts is not None and packet.has_sidedata("prft"):
            self._times[packet.pts] = struct.unpack_from("=q", bytes(packet.get_sidedata("prft")))[0] / _US
        for frame in packet.decode():
            if frame.pts in self._times:
                gray = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
                self._pictures.append((self._times.pop(frame.pts), read_number(gray), read_left(gray)))

    def fragment(self, data: bytes) -> None:
        """Notes the place of the square's box in each whole document."""
        self._fragments += data
        if not self._fragments.rstrip().endswith(b"MetadataStream>"):
            return
        document = etree.fromstring(bytes(self._fragments))
        self._fragments.clear()
        for frame in document.iterfind(f".//{{{TT}}}Frame"):
            box = frame.find(f"{{{TT}}}Object[@ObjectId='1']//{{{TT}}}BoundingBox")
            if box is not None:
                self._boxes.append((parse_iso(str(frame.get("UtcTime"))), (float(str(box.get("left"))) + 1) / 2))

    def errors(self) -> list[float]:
        """For each box: how many pictures it is away from the square in the picture of the same UTC."""
        pictures = sorted(self._pictures)
        moments = [moment for moment, _, _ in pictures]
        found = []
        for at, left in self._boxes:
            if moments and moments[0] <= at <= moments[-1]:
                after = bisect.bisect_left(moments, at)
                _, number, seen_left = min(pictures[max(0, after - 1) : after + 1], key=lambda item: abs(item[0] - at))
                by_code = (round(left * WIDTH / STEP_PX) - number + PICTURES // 2) % PICTURES - PICTURES // 2
                found.append(max(abs(by_code), abs(left - seen_left) * WIDTH / STEP_PX))
        return found


async def _read(connection: Connection, targets: Sequence[ReaderTarget], seconds: float) -> list[ReaderReport]:
    readers = [BenchReader(target) for target in targets]
    tasks = []
    for reader in readers:
        await reader.play()
        tasks.append(asyncio.create_task(reader.read()))
    await asyncio.sleep(_SETTLING_S)
    for reader in readers:
        reader.begin()
    connection.send(READY)
    await asyncio.wait(tasks, timeout=seconds)
    for task, reader in zip(tasks, readers, strict=True):
        task.cancel()
        reader.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [reader.report for reader in readers]


def _wait_for_end(connection: Connection) -> None:
    try:
        while not connection.poll(_POLL_S):
            continue
    except OSError:
        return


def _boxes(camera: str, captured_at: float, number: int) -> FrameBoxes:
    """The square, and people who stand."""
    people = [Box(left=0.15 * person, top=0.3, right=0.15 * person + 0.1, bottom=0.8) for person in range(PEOPLE)]
    tracks = tuple(
        Track(track_id=track_id, label="person", score=0.9, box=box, first_seen=captured_at)
        for track_id, box in enumerate([square(number), *people], 1)
    )
    return FrameBoxes(camera_id=camera, captured_at=captured_at, tracks=tracks)
