"""Live and recorded video out of the simulated recorder, in every codec, with the real login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import requests

from analytics.decode.decoder import Decoder
from config.model import CameraSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.video.live import ImageServerSource
from connectors.milestone.video.recorder import RecorderDialer
from connectors.milestone.video.recording import RecordingSource
from core.clock import SystemClock
from core.contracts import VideoSource
from core.errors import VmsUnavailable
from tests.connectors.milestone.simulator.running import Running
from tests.connectors.milestone.sites import running_site, services_for, settings_for

pytestmark = pytest.mark.slow

ENCODERS = {
    "h264": ("libx264", "mp4", "yuv420p", {"preset": "ultrafast", "x264-params": "keyint=10:bframes=0"}),
    "hevc": ("libx265", "mp4", "yuv420p", {"preset": "ultrafast", "x265-params": "log-level=none:keyint=10:bframes=0"}),
    "mjpeg": ("mjpeg", "avi", "yuvj420p", {}),
}


def write_clip(folder: Path, codec: str) -> Path:
    encoder, container_format, pixels, options = ENCODERS[codec]
    path = folder / f"{codec}.{container_format}"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=20)
        stream.width, stream.height, stream.pix_fmt, stream.options = 160, 96, pixels, options
        for number in range(20):
            rows = np.full((96, 160, 3), 40, np.uint8)
            rows[40:60, 5 * number : 5 * number + 20] = 230
            frame = av.VideoFrame.from_ndarray(rows, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 20)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Site:
    """A login into a running simulator, and sources of its one camera."""

    def __init__(self, running: Running) -> None:
        settings, self.services = settings_for(running), services_for()
        self.running = running
        self.session = XProtectSession(settings, self.services)
        inventory = Inventory(self.session, self.services.clock)
        camera = CameraSettings(id="gate", vms="xprotect", device=running.camera)
        dialer = RecorderDialer(settings, inventory, settings.ca_file(self.services.site_dir))
        self._connect = partial(dialer.dial, camera)
        self.now = SystemClock().utc()

    def live(self) -> VideoSource:
        return ImageServerSource("gate", self._connect, self.session.corporate, self.services.clock)

    def recorded(self, begin_s: float, end_s: float) -> VideoSource:
        """Between two moments, in seconds from now."""
        return RecordingSource(
            "gate",
            self._connect,
            self.session.corporate,
            self.services.clock,
            begin=self.now + begin_s,
            end=self.now + end_s,
        )

    def order(self, fault: str) -> None:
        url = f"{self.running.announced.admin}/faults/video"
        requests.put(url, json={"outcomes": [fault]}, timeout=10.0).raise_for_status()


@contextmanager
def site(clip: Path, *options: str) -> Iterator[Site]:
    with running_site(clip, *options) as running:
        made = Site(running)
        try:
            yield made
        finally:
            made.session.close()


@pytest.fixture(scope="module", params=sorted(ENCODERS))
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def recording(codec: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Thirty seconds of recording, ten of them missing."""
    clip = write_clip(tmp_path_factory.mktemp("clips"), codec)
    with site(clip, "--recorded-seconds", "30", "--recording-gap", "20-10") as made:
        yield made


def decoded(source: VideoSource, codec: str, most: int = 10_000) -> list[float]:
    """Capture times of the pictures that can be seen."""
    decoder, shown = Decoder(), []
    for number, packet in enumerate(source.packets(), start=1):
        assert packet.codec == codec
        shown += [frame.captured_at for frame in decoder.decode(packet)]
        if number == most:
            source.close()
    shown += [frame.captured_at for frame in decoder.flush()]
    assert decoder.corrupt == 0
    return shown


def test_live_video_passes_through_in_the_cameras_codec(recording: Site, codec: str) -> None:
    assert len(decoded(recording.live(), codec, most=8)) == 8


def test_a_recorded_interval_comes_whole_without_its_gap(recording: Site, codec: str) -> None:
    shown = decoded(recording.recorded(-25.0, -5.0), codec)
    steps = [second - first for first, second in pairwise(shown)]
    assert len(shown) == pytest.approx(200, abs=12)
    assert max(steps) == pytest.approx(10.0, abs=1.1)
    assert sorted(steps)[-2] < 0.1
    assert min(steps) > 0


def test_an_interval_within_the_gap_gives_nothing(recording: Site, codec: str) -> None:
    assert decoded(recording.recorded(-18.0, -12.0), codec) == []


def test_an_interval_up_to_now_ends_with_the_newest_recording(recording: Site, codec: str) -> None:
    shown = decoded(recording.recorded(-2.0, 3600.0), codec)
    assert shown[0] <= recording.now - 1.9
    assert shown[-1] >= recording.now - 1.2


def test_a_recorder_that_records_nothing_gives_nothing(tmp_path: Path) -> None:
    with site(write_clip(tmp_path, "h264")) as made:
        assert decoded(made.recorded(-10.0, 0.0), "h264") == []


def test_a_lost_camera_ends_live_video_with_its_cause(tmp_path: Path) -> None:
    with site(write_clip(tmp_path, "h264")) as made:
        stream = made.live().packets()
        next(stream)
        made.order("lost-camera")
        with pytest.raises(VmsUnavailable, match="lost the camera"):
            list(stream)


@pytest.mark.slow
def test_live_video_outlives_its_token(tmp_path: Path) -> None:
    with site(write_clip(tmp_path, "h264"), "--soap-seconds", "2") as made:
        stream = made.live().packets()
        until = made.services.clock.monotonic() + 3.5
        while made.services.clock.monotonic() < until:
            next(stream)
