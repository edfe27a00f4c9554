"""The simulated site's bridge and VPS drivers."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from connectors.protocols.certificates import SiteAuthority
from core.errors import VigieError
from tests.connectors.milestone.simulator.running import Running, run
from tests.connectors.milestone.sites import write_clip

pytestmark = pytest.mark.slow

WAIT_S = 10.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def hevc_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "hevc.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx265", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {"preset": "ultrafast", "x265-params": "log-level=none:bframes=0:keyint=5"}
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 40, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def opened(site: Running, path: str) -> int:
    """The HTTP status that the bridge answers to a path, by FFmpeg; 200 when video comes."""
    url = f"rtsp://vigie:vigie-demo@{site.announced.extra['bridge']}{path}"
    try:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=WAIT_S) as container:
            next(container.demux(video=0))
    except av.error.HTTPClientError as error:
        return {"Server returned 404 Not Found": 404}.get(str(error.strerror), 400)
    return 200


def test_the_bridge_offers_the_sites_cameras_under_live(clip: Path) -> None:
    with run(clip, "--disabled-camera", "Cellar") as site:
        assert opened(site, f"/live/{site.camera}") == 200
        assert opened(site, f"/{site.camera}") == 404
        assert opened(site, f"/recorded/{site.camera}") == 404


def test_the_bridge_offers_no_disabled_camera(clip: Path) -> None:
    with run(clip, "--disabled-camera", "Spare") as site:
        listed = site.rest("GET", "/cameras?disabled").json()["array"]
        assert {item["name"]: opened(site, f"/live/{item['id']}") for item in listed} == {clip.stem: 200, "Spare": 404}


def test_the_bridge_offers_no_h265(hevc_clip: Path) -> None:
    with run(hevc_clip) as site:
        assert opened(site, f"/live/{site.camera}") == 404


def test_the_site_pushes_a_camera_to_a_processing_service_that_its_ca_vouches_for(clip: Path, tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    got_picture, paths = threading.Event(), []

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        for received in connection:
            if received[:2] == b"\x00\x02":
                got_picture.set()

    with serve(handle, "127.0.0.1", 0, ssl=authority.server_context(["127.0.0.1"])) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.socket.getsockname()[1]}/vps/gate"
        with run(clip, "--vps", f"{clip.stem}={url}", "--vps-ca", str(authority.ca)):
            assert got_picture.wait(WAIT_S)
        server.shutdown()
    assert paths == ["/vps/gate"]


def test_a_vps_for_a_camera_that_is_not_there_is_wrong_use(clip: Path) -> None:
    with pytest.raises(VigieError) as caught, run(clip, "--vps", "attic=ws://127.0.0.1:9/"):
        pass
    assert "attic" in str(caught.value.__cause__)
