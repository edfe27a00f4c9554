"""The two child processes of ``vigie bench vps``: the recorder with its VPS drivers, and the worker."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from config.model import CameraSettings
from connectors.milestone.simulator.media.vps_driver import DriverReport, drive
from connectors.milestone.vps.source import VpsSource
from connectors.protocols.backdoor import Ledger
from connectors.protocols.clips import load_clip
from connectors.protocols.live import LiveFeed
from core.clock import SystemClock
from core.errors import VmsError
from core.logs import configure_logging
from core.types import Box, FrameBoxes, Packet, Track

PEOPLE = 5
"""Boxes in every frame."""

READY = "ready"
_POLL_S = 0.2
_STOP_S = 5.0


def run_worker(connection: Connection, cameras: Sequence[CameraSettings], front: Mapping[str, str]) -> None:
    """Takes every camera's video and says the boxes of each frame, until told to stop."""
    configure_logging("error")
    sending = threading.Lock()
    sources = [VpsSource(camera, front, SystemClock()) for camera in cameras]

    def watch(source: VpsSource, camera: CameraSettings) -> None:
        try:
            for packet in source.packets():
                with sending:
                    connection.send(_boxes(camera.id, packet))
        except (VmsError, OSError):
            return  # the drivers have left, or the bench has ended

    threads = [threading.Thread(target=watch, args=pair, daemon=True) for pair in zip(sources, cameras, strict=True)]
    for thread in threads:
        thread.start()
    with sending:
        connection.send(READY)
    _wait_for_end(connection)
    for source in sources:
        source.close()
    for thread in threads:
        thread.join(_STOP_S)


def run_drivers(
    connection: Connection, urls: Mapping[str, str], video: Path, ca: Path, fps: float, seconds: float
) -> None:
    """Pushes the video to every URL (by camera) for so long; sends the drivers' reports."""
    configure_logging("error")
    connection.send(asyncio.run(_drive(urls, video, ca, fps, seconds)))


async def _drive(urls: Mapping[str, str], video: Path, ca: Path, fps: float, seconds: float) -> list[DriverReport]:
    clock, stop = SystemClock(), asyncio.Event()
    feed, ledger = LiveFeed(load_clip(video), clock), Ledger(clock)
    driving = [
        asyncio.create_task(drive(url, camera, feed, ca=ca, ledger=ledger, stop=stop, fps=fps, clock=clock))
        for camera, url in urls.items()
    ]
    await asyncio.sleep(seconds)
    stop.set()
    return await asyncio.gather(*driving)


def _wait_for_end(connection: Connection) -> None:
    try:
        while not connection.poll(_POLL_S):
            continue
    except OSError:
        return


def _boxes(camera_id: str, packet: Packet) -> FrameBoxes:
    """People who walk to and fro."""
    at = packet.captured_at
    lefts = [0.4 + 0.35 * math.sin(at + number) for number in range(PEOPLE)]
    return FrameBoxes(
        camera_id=camera_id,
        captured_at=at,
        tracks=tuple(
            Track(
                track_id=number,
                label="person",
                score=0.9,
                box=Box(left=left, top=0.3, right=left + 0.1, bottom=0.8),
                first_seen=at,
            )
            for number, left in enumerate(lefts, 1)
        ),
    )
