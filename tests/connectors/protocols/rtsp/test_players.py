"""The server read by real players."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import pytest
from aiohttp import web

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import nal_units
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.feeds import Document
from connectors.protocols.rtsp.mount import MulticastGroups
from connectors.protocols.rtsp.one_port import one_port
from connectors.protocols.serving import background
from tests.connectors.protocols.rtsp.harness import JOINED, Serving, clip, run, serving

pytestmark = pytest.mark.slow

COUNT = 12
FAST = {"analyzeduration": "0", "probesize": "32"}


def _read(url: str, **options: str) -> list[tuple[bytes, float | None]]:
    """Last NAL unit (the picture) and UTC time, as FFmpeg computes it from RTCP, of packets."""
    read: list[tuple[bytes, float | None]] = []
    with av.open(url, options={**FAST, "allowed_media_types": "video", **options}, timeout=(5, 5)) as container:
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
@pytest.mark.parametrize("transport", ["tcp", "udp", "http"])
def test_ffmpeg_reads_ten_pictures(transport: str) -> None:
    async def body() -> None:
        async with serving() as running, one_port(web.Application(), running.server, "127.0.0.1", 0) as port:
            url = running.url_with_password.replace(str(running.server.port), str(port))
            command = ["ffmpeg", "-v", "error", "-rtsp_transport", transport, "-analyzeduration", "0"]
            command += ["-i", url, "-frames:v", "10", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)
            assert done.returncode == 0
            assert len(done.stdout) == 10 * clip().width * clip().height

    run(body)


@asynccontextmanager
async def _documents_of(running: Serving) -> AsyncIterator[dict[bytes, float]]:
    """Long documents in the rhythm of the pictures, with their capture times."""
    log: dict[bytes, float] = {JOINED.data: JOINED.captured_at}

    async def push() -> None:
        async with running.feed.listen() as feed:
            async for packet in feed:
                number = str(packet.sequence).encode()
                text = b"<MetadataStream>" + number + b"-" * 3000 + b"</MetadataStream>"
                log[text] = packet.captured_at
                running.documents.push(Document(data=text, captured_at=packet.captured_at))

    async with background(push()):
        yield log


def _read_both(url: str, **options: str) -> tuple[list[str], dict[bytes, float]]:
    """Kinds of streams; documents with their UTC time, joined by equal time as FFmpeg gives them in pieces."""
    pieces: dict[int, list[bytes]] = {}
    times: dict[int, float] = {}
    with av.open(url, options={**FAST, **options}, timeout=(5, 5)) as container:
        kinds: list[str] = [stream.type for stream in container.streams]
        for packet in container.demux():
            if packet.stream.type != "data" or packet.pts is None:
                continue
            pieces.setdefault(packet.pts, []).append(bytes(packet))
            for side in packet.iter_sidedata():
                if side.data_type == "prft":
                    times[packet.pts] = struct.unpack("<q", bytes(side)[:8])[0] / 1e6
            if len(pieces) > COUNT:
                break
    whole = {pts: b"".join(parts) for pts, parts in pieces.items() if parts[-1].endswith(b"MetadataStream>")}
    return kinds, {text: times[pts] for pts, text in whole.items() if pts in times}


def _own_options(transport: str, authority: SiteAuthority) -> tuple[str, dict[str, str]]:
    """Scheme and FFmpeg's options; with TLS the certificate is checked."""
    verified = {"tls_verify": "1", "ca_file": str(authority.ca)}
    if transport == "rtsps":
        return "rtsps", verified
    return "rtsp", {"rtsp_transport": transport, **(verified if transport == "https" else {})}


@pytest.mark.parametrize("media", ["video,data", "data"])
@pytest.mark.parametrize("transport", ["tcp", "udp", "http", "https", "rtsps"])
def test_pyav_reads_every_document_with_the_utc_of_its_picture(tmp_path: Path, transport: str, media: str) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        is_tls = transport in {"https", "rtsps"}
        context = authority.server_context(["127.0.0.1"]) if is_tls else None
        scheme, options = _own_options(transport, authority)
        async with (
            serving() as running,
            one_port(web.Application(), running.server, "127.0.0.1", 0, context) as port,
            _documents_of(running) as log,
        ):
            url = running.url_with_password.replace("rtsp:", f"{scheme}:").replace(str(running.server.port), str(port))
            kinds, read = await asyncio.to_thread(
                _read_both, url, allowed_media_types=media.replace(",", "+"), **options
            )
            assert kinds == media.split(",")
            assert len(read) >= COUNT - 2
            for text, moment in read.items():
                assert moment == pytest.approx(log[text], abs=0.001)

    run(body)


@pytest.mark.parametrize("transport", ["https", "rtsps"])
def test_pyav_refuses_a_certificate_of_another_authority(tmp_path: Path, transport: str) -> None:
    async def body() -> None:
        authority, other = SiteAuthority.create(tmp_path / "own"), SiteAuthority.create(tmp_path / "other")
        context = authority.server_context(["127.0.0.1"])
        scheme, options = _own_options(transport, other)
        async with serving() as running, one_port(web.Application(), running.server, "127.0.0.1", 0, context) as port:
            url = f"{scheme}://vigie:p%40ss%3Aw%2Frd@127.0.0.1:{port}/cam"
            with pytest.raises(av.error.FFmpegError):
                await asyncio.to_thread(_read_both, url, **options)

    run(body)


async def _launched(command: list[str], tries: int = 3) -> subprocess.CompletedProcess[bytes]:
    """Video that goes nowhere is an error to GStreamer while its metadata branch is not linked yet: a race of its own."""
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)
    if b"not-linked" in done.stderr and tries > 1:
        return await _launched(command, tries - 1)
    return done


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs GStreamer's gst-launch-1.0")
@pytest.mark.parametrize("scheme", ["rtspt", "rtspu", "rtsph"])
def test_gstreamer_reads_the_metadata_track(tmp_path: Path, scheme: str) -> None:
    async def body() -> None:
        kept = tmp_path / "documents"
        async with (
            serving() as running,
            one_port(web.Application(), running.server, "127.0.0.1", 0) as port,
            _documents_of(running) as log,
        ):
            url = f"{scheme}://vigie:p%40ss%3Aw%2Frd@127.0.0.1:{port}/cam"
            command = ["gst-launch-1.0", "-q", "rtspsrc", f"location={url}", "latency=0", "name=source", "source."]
            command += ["!", "application/x-rtp,media=application,encoding-name=VND.ONVIF.METADATA"]
            command += ["!", "identity", "eos-after=40", "!", "filesink", f"location={kept}", "sync=false"]
            done = await _launched(command)
            assert done.returncode == 0, done.stderr
        read = kept.read_bytes()
        assert sum(text.partition(b"-")[0] in read for text in log) >= 8

    run(body)


def _multicast_in_a_namespace() -> None:
    """Runs in a network namespace of its own, whose only interface is the loop."""

    async def body() -> None:
        groups = MulticastGroups(video=("239.1.2.2", 5004), metadata=("239.1.2.3", 5004), ttl=3)
        async with serving() as running, _documents_of(running) as log:
            running.mount = replace(running.mount, multicast=groups)
            reads = await asyncio.gather(
                *(
                    asyncio.to_thread(_read_both, running.url_with_password, rtsp_transport="udp_multicast")
                    for _ in range(2)
                )
            )
            for kinds, read in reads:
                assert kinds == ["video", "data"]
                assert len(read) >= COUNT - 3
                assert all(abs(moment - log[text]) < 0.001 for text, moment in read.items())
            statistics = running.server.statistics()
            assert statistics["sessions"] == 2
            assert statistics["documents_sent"] <= len(log) + 2

    run(body)


_PREPARE = "ip link set lo up multicast on && ip route add 239.0.0.0/8 dev lo && exec "


def _namespaces_are_allowed() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    tried = subprocess.run(["unshare", "-rn", "sh", "-c", f"{_PREPARE} true"], capture_output=True, check=False)
    return tried.returncode == 0


def test_two_clients_read_what_is_sent_once_to_a_group() -> None:
    if not _namespaces_are_allowed():
        pytest.skip("needs the right to make a network namespace (unshare -rn, ip)")
    call = f"from {__name__} import _multicast_in_a_namespace as test; test()"
    python = f"{shlex.quote(sys.executable)} -c {shlex.quote(call)}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", _PREPARE + python],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    assert done.returncode == 0, done.stderr
