from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from tests.connectors.milestone.simulator.recorder.viewer import Viewer
from tests.connectors.milestone.simulator.running import run

pytestmark = pytest.mark.slow

CODECS = {"libx264": (0x000A, "h264"), "libx265": (0x000E, "hevc"), "mjpeg": (0x0001, "mjpeg")}


def _write(path: Path, encoder: str) -> Path:
    """Two seconds at 10 Hz with a key frame a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=10)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        stream.time_base = Fraction(1, 10)
        if encoder == "libx265":
            stream.options = {"x265-params": "keyint=10:min-keyint=10:bframes=0:scenecut=0:log-level=none"}
        elif encoder == "libx264":
            stream.options = {"x264-params": "keyint=10:min-keyint=10:bframes=0:scenecut=0"}
        for index in range(20):
            picture = np.full((96, 160, 3), index * 10, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("encoder", CODECS)
def test_a_camera_is_served_in_the_codec_of_its_file(tmp_path: Path, encoder: str) -> None:
    number, name = CODECS[encoder]
    clip = _write(tmp_path / f"gate.{'avi' if encoder == 'mjpeg' else 'mp4'}", encoder)
    with run(clip) as site, Viewer(site).start() as viewer:
        images = viewer.images(12)
    assert {image.codec for image in images} == {number}
    assert all(image.flags & 1 for image in images) is (name == "mjpeg")
    codec = av.CodecContext.create(name, "r")
    assert isinstance(codec, VideoCodecContext)
    frames = [frame for image in images for frame in codec.decode(av.Packet(image.payload))]
    frames += codec.decode(None)
    assert [(frame.width, frame.height) for frame in frames] == [(160, 96)] * 12


@pytest.mark.parametrize(("encoder", "all_frames"), [("libx264", True), ("libx264", False), ("libx265", True)])
def test_jpeg_is_transcoded_of_key_frames_or_of_all(tmp_path: Path, encoder: str, all_frames: bool) -> None:
    clip = _write(tmp_path / "gate.mp4", encoder)
    with run(clip) as site, Viewer(site) as viewer:
        changes = {"alwaysstdjpeg": "yes"}
        inner = f"<transcode><allframes>{'yes' if all_frames else 'no'}</allframes></transcode>"
        token, camera = site.soap_token(), site.camera
        elements = {"username": "x", "password": "x", "cameraid": camera, **changes}
        elements["connectparam"] = f"id={camera}&amp;connectiontoken={token}"
        viewer.call("connect", "".join(f"<{name}>{value}</{name}>" for name, value in elements.items()) + inner)
        assert viewer.document().findtext("connected") == "yes"
        viewer.call("live", "<compressionrate>70</compressionrate>", 2)
        images = viewer.images(3)
    steps = {int(later.fields["Current"]) - int(earlier.fields["Current"]) for earlier, later in pairwise(images)}
    assert all(step < 600 if all_frames else step > 600 for step in steps)
    assert {image.fields["Content-type"] for image in images} == {"image/jpeg"}
