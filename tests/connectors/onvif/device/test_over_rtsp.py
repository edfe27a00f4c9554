"""The whole way: a worker's tee, the relay, the channel, RTSP over real sockets, and FFmpeg as the viewer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import av
import pytest

from connectors.onvif.bench_children import SceneSource
from connectors.onvif.device.channels import ChannelStreams
from connectors.onvif.device.relay import Relay
from connectors.onvif.video.tee import TeeSource
from connectors.protocols.clips import Clip, load_clip, nal_units
from connectors.protocols.rtsp.mount import Mount
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from connectors.protocols.scene import write_scene
from core.clock import SystemClock
from core.types import Packet
from tests.connectors.onvif.device.streams import START, WAIT_S, boxes, camera
from tests.connectors.onvif.schemas import validate_metadata

pytestmark = pytest.mark.slow

FPS = 25.0
OPTIONS = {"rtsp_transport": "tcp", "allowed_media_types": "data", "analyzeduration": "0", "probesize": "32"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("device") / "scene.mp4"
    write_scene(path, seconds=1.0, fps=FPS, size=(320, 180))
    return load_clip(path)


class RunningDevice:
    """One channel behind an RTSP server, on a loop in a thread."""

    def __init__(self) -> None:
        self.streams = ChannelStreams([camera()], SystemClock(), with_video=True, notification=lambda *_: ())
        self.front: dict[str, str] = {}
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(WAIT_S)
        self._loop.close()

    async def _serve(self) -> None:
        (channel,) = self.streams.channels
        mount = Mount(video=channel.video, metadata=channel.metadata, name=channel.name)
        async with (
            self.streams.running(),
            Relay(self.streams.videos).listening() as front,
            RtspServer("127.0.0.1", 0, lambda path: mount if path == "/quai-1" else None, {}) as server,
        ):
            self.front.update(front)
            self.url = f"{server.url}/quai-1"
            self._ready.set()
            await self._leave.wait()


class Worker:
    """Reads a camera through its tee, and keeps what it read."""

    def __init__(self, clip: Clip, device: RunningDevice) -> None:
        self.read: list[Packet] = []
        self._seen_some = threading.Event()
        self._source = TeeSource(SceneSource(clip), device.front, "quai-1", SystemClock())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._seen_some.wait(WAIT_S)

    def stop(self) -> None:
        self._source.close()
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        for packet in self._source.packets():
            self.read.append(packet)
            if len(self.read) == 10:
                self._seen_some.set()


@pytest.fixture
def device() -> Iterator[RunningDevice]:
    running = RunningDevice()
    running.start()
    yield running
    running.stop()


def test_a_viewer_gets_the_cameras_own_pictures_with_their_capture_times(device: RunningDevice, clip: Clip) -> None:
    worker = Worker(clip, device)
    viewer = RtspSource(RtspTarget(url=device.url), SystemClock())
    seen = []
    for packet in viewer.packets():
        seen.append(packet)
        if len(seen) == 20:
            viewer.close()
    worker.stop()
    stamps: dict[tuple[bytes, ...], list[float]] = {}
    for packet in worker.read:
        stamps.setdefault(tuple(nal_units(packet.data)), []).append(packet.captured_at)
    assert seen[0].is_key
    for packet in seen:
        candidates = stamps[tuple(nal_units(packet.data))]
        assert min(abs(packet.captured_at - stamp) for stamp in candidates) < 0.003


@pytest.mark.slow
@pytest.mark.shared_data
def test_metadata_goes_on_when_no_worker_is_there(device: RunningDevice) -> None:
    documents = []
    fragments = b""
    with av.open(device.url, options=OPTIONS, timeout=WAIT_S) as container:
        device.streams.post(boxes(SystemClock().utc() - START, 1))
        for packet in container.demux():
            fragments += bytes(packet)
            if fragments.endswith(b"MetadataStream>"):
                documents.append(fragments)
                fragments = b""
            if len(documents) == 4:
                break
    for document in documents:
        validate_metadata(document)
    assert any(b"<tt:Object " in document for document in documents)
    assert b"<tt:Object " not in documents[-1]
