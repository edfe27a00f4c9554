from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from analytics.decode.decoder import Decoder
from config.model import CameraSettings
from connectors.milestone.video.bridge import open_bridge_video
from connectors.protocols.rtsp_source import RtspSource
from core.clock import SystemClock
from core.contracts import VideoSource
from core.errors import AuthenticationRefused, NotFoundInVms, VmsUnavailable
from core.types import Packet
from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running, run
from tests.connectors.milestone.sites import write_clip
from tests.connectors.milestone.support import DEVICE, services, settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    clip: Path = write_clip(tmp_path_factory.mktemp("bridge"))
    with run(clip, "--bridge-user", f"{USERNAME}={PASSWORD}", "--bridge-user", "guard=c@mera/1") as running:
        yield running


def camera(device: str) -> CameraSettings:
    return CameraSettings(id="quai-1", name="Quai 1", vms="xprotect", device=device)


def open_video(site: Running, device: str = "", password: str = PASSWORD, **changes: Any) -> VideoSource:
    entry = settings(**{"video": "rtsp", "bridge": site.announced.extra["bridge"], "username": USERNAME, **changes})
    return open_bridge_video(entry, services(clock=SystemClock()), camera(device or site.camera), password)


def take(source: VideoSource, count: int) -> list[Packet]:
    with closing(source):
        stream = source.packets()
        return [next(stream) for _ in range(count)]


@pytest.mark.parametrize(("username", "password"), [(USERNAME, PASSWORD), ("guard", "c@mera/1")])
def test_a_cameras_live_video_comes_with_the_recorders_time(site: Running, username: str, password: str) -> None:
    packets = take(open_video(site, username=username, password=password), 10)
    decoder = Decoder()
    assert {packet.codec for packet in packets} == {"h264"}
    assert sum(len(decoder.decode(packet)) for packet in packets) + len(decoder.flush()) == 10
    assert abs(packets[-1].captured_at - SystemClock().utc()) < 5.0


def test_a_device_id_may_be_written_in_any_case(site: Running) -> None:
    assert take(open_video(site, site.camera.upper()), 1)


def test_a_user_that_the_bridge_does_not_list_is_refused(site: Running) -> None:
    with pytest.raises(AuthenticationRefused) as caught:
        take(open_video(site, password="wrong"), 1)
    assert "wrong" not in str(caught.value)


def test_a_camera_that_the_bridge_does_not_know_is_told(site: Running) -> None:
    with pytest.raises(NotFoundInVms):
        take(open_video(site, DEVICE), 1)


def test_a_device_that_is_no_guid_is_told_before_anybody_is_dialled(site: Running) -> None:
    with pytest.raises(NotFoundInVms, match="quai"):
        open_video(site, "quai")


def test_an_oauth_client_cannot_be_a_user_of_the_bridge(site: Running) -> None:
    with pytest.raises(AuthenticationRefused, match="OAuth"):
        open_video(site, login="client")


def test_a_bridge_that_is_not_there_is_unavailable(site: Running) -> None:
    with pytest.raises(VmsUnavailable):
        take(open_video(site, bridge="127.0.0.1:9"), 1)


@pytest.mark.parametrize(
    ("bridge", "address"),
    [
        (None, "rtsp://vms.site.test:554/live/"),
        ("bridge.site.test", "rtsp://bridge.site.test:554/live/"),
        ("[fd00::7]:5540", "rtsp://[fd00::7]:5540/live/"),
    ],
)
def test_the_address_is_that_of_the_settings_and_names_the_camera(bridge: str | None, address: str) -> None:
    source = open_bridge_video(settings(video="rtsp", bridge=bridge), services(), camera(DEVICE), "secret")
    assert isinstance(source, RtspSource)
    assert source._target.url == f"{address}{DEVICE}"
    assert source._target.transport == "tcp"
