"""The server read by real players."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from pathlib import Path

import av
import pytest

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import nal_units
from connectors.protocols.live import LiveFeed
from connectors.protocols.serving import background
from tests.connectors.protocols.rtsp.harness import clip, run, serving

COUNT = 12
FAST = {"analyzeduration": "0", "probesize": "32"}


def _read(url: str, **options: str) -> list[tuple[bytes, float | None]]:
    """Last NAL unit (the picture) and UTC time, as FFmpeg computes it from RTCP, of packets."""
    read: list[tuple[bytes, float | None]] = []
    with av.open(url, options={**FAST, **options}, timeout=(5, 5)) as container:
        for packet in container.demux(video=0):
            times = [bytes(side) for side in packet.iter_sidedata() if side.data_type == "prft"]
            read.append(
                (list(nal_units(bytes(packet)))[-1], struct.unpack("<q", times[0][:8])[0] / 1e6 if times else None)
            )
            if len(read) == COUNT:
                break
    return read


async def _log(feed: LiveFeed, log: dict[bytes, list[float]]) -> None:
    """Writes the capture times of each picture down."""
    async with feed.listen() as listener:
        for packet in feed.gop():
            log.setdefault(list(nal_units(packet.data))[-1], []).append(packet.captured_at)
        async for packet in listener:
            log.setdefault(list(nal_units(packet.data))[-1], []).append(packet.captured_at)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pyav_reads_every_picture_with_its_capture_time(transport: str) -> None:
    async def body() -> None:
        log: dict[bytes, list[float]] = {}
        async with serving() as running, background(_log(running.feed, log)):
            read = await asyncio.to_thread(_read, running.url_with_password, rtsp_transport=transport)
            timed = [(picture, moment) for picture, moment in read if moment is not None]
            assert len(timed) >= len(read) - 1
            for picture, moment in timed:
                assert min(abs(moment - captured_at) for captured_at in log[picture]) < 0.03

    run(body)


def test_pyav_reads_over_tls_against_the_site_authority(tmp_path: Path) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        async with serving(ssl_context=authority.server_context(["127.0.0.1"])) as running:
            assert running.url.startswith("rtsps://")
            options = {"tls_verify": "1", "ca_file": str(authority.ca)}
            assert len(await asyncio.to_thread(_read, running.url_with_password, **options)) == COUNT

    run(body)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("p%40ss", "wrong"), av.error.HTTPUnauthorizedError),
        (("vigie:p%40ss%3Aw%2Frd@", ""), av.error.HTTPUnauthorizedError),
        (("/cam", "/other"), av.error.HTTPNotFoundError),
    ],
)
def test_pyav_tells_why_it_was_refused(change: tuple[str, str], error: type[Exception]) -> None:
    async def body() -> None:
        async with serving() as running:
            with pytest.raises(error):
                await asyncio.to_thread(_read, running.url_with_password.replace(*change))

    run(body)


def test_two_clients_read_at_the_same_time() -> None:
    async def body() -> None:
        async with serving() as running:
            both = await asyncio.gather(
                *(asyncio.to_thread(_read, running.url_with_password, rtsp_transport=way) for way in ("tcp", "udp"))
            )
            assert [len(read) for read in both] == [COUNT, COUNT]
            assert running.server.statistics()["sessions"] == 2

    run(body)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg command")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_reads_ten_pictures(transport: str) -> None:
    async def body() -> None:
        async with serving() as running:
            command = ["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-analyzeduration", "0"]
            command += ["-i", running.url_with_password, "-frames:v", "10", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)
            assert done.returncode == 0
            assert len(done.stdout) == 10 * clip().width * clip().height

    run(body)
