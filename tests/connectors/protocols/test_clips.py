from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from connectors.protocols.clips import Clip, ClipShape, load_clip, nal_type, nal_units
from core.errors import CodecError
from tests.shared import shared

pytestmark = pytest.mark.slow

FPS = 10


def _written(
    path: Path, codec: str, seconds: float, options: dict[str, str] | None = None, size: tuple[int, int] = (64, 48)
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(FPS), options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(round(seconds * FPS)):
            picture = np.full((size[1], size[0], 3), 20 + index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _x264(path: Path, seconds: float = 2.0, gop: int = FPS, b_frames: int = 0) -> Path:
    keys = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0"
    return _written(path, "libx264", seconds, {"x264-params": keys, "preset": "ultrafast"})


def _decoded(clip: Clip) -> int:
    decoder = av.CodecContext.create(clip.codec, "r")
    packets = [*(av.Packet(packet.data) for packet in clip.packets), None]
    return sum(len(decoder.decode(packet)) for packet in packets)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_sendable_clip_is_taken_as_it_is(tmp_path: Path, suffix: str) -> None:
    clip = load_clip(_x264(tmp_path / f"clip{suffix}"))
    assert (clip.codec, clip.width, clip.height, clip.fps) == ("h264", 64, 48, FPS)
    assert clip.duration_s == pytest.approx(2.0, abs=0.01)
    assert [packet.is_key for packet in clip.packets] == [index % FPS == 0 for index in range(20)]
    assert [packet.offset_s for packet in clip.packets] == pytest.approx(
        [index / FPS for index in range(20)], abs=0.002
    )
    assert _decoded(clip) == 20


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_every_key_frame_carries_its_parameter_sets(tmp_path: Path, suffix: str) -> None:
    clip = load_clip(_x264(tmp_path / f"clip{suffix}"))
    for packet in clip.packets:
        types = [nal_type(unit, "h264") for unit in nal_units(packet.data)]
        assert packet.data.startswith((b"\0\0\1", b"\0\0\0\1"))
        assert ({7, 8, 5} <= set(types)) == packet.is_key


def test_hevc_is_taken_as_it_is(tmp_path: Path) -> None:
    options = {"x265-params": f"keyint={FPS}:min-keyint={FPS}:bframes=0:log-level=none", "preset": "ultrafast"}
    clip = load_clip(_written(tmp_path / "clip.mp4", "libx265", 2.0, options))
    keys = [packet for packet in clip.packets if packet.is_key]
    assert clip.codec == "hevc"
    assert len(keys) == 2
    assert all({32, 33, 34} <= {nal_type(unit, "hevc") for unit in nal_units(key.data)} for key in keys)
    assert _decoded(clip) == 20


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: _x264(path, seconds=4.0, gop=40), id="long GOP"),
        pytest.param(lambda path: _x264(path, seconds=4.0, b_frames=2), id="B-frames"),
        pytest.param(lambda path: _written(path, "mpeg4", 4.0), id="MPEG-4 part 2"),
        pytest.param(lambda path: _written(path, "mjpeg", 4.0, {"strict": "-1"}, (66, 50)), id="MJPEG"),
    ],
)
def test_what_cannot_be_sent_is_transcoded_once(tmp_path: Path, write: object) -> None:
    assert callable(write)
    clip = load_clip(write(tmp_path / "clip.mkv"))
    assert clip.codec == "h264"
    assert len(clip.packets) == _decoded(clip) == 40
    assert clip.duration_s == pytest.approx(4.0, abs=0.15)
    assert [index for index, packet in enumerate(clip.packets) if packet.is_key] == [0, 10, 20, 30]
    assert all(packet.duration_s > 0 for packet in clip.packets)


@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_a_clip_is_made_of_the_shape_asked_for_and_lasts_as_long(tmp_path: Path, fps: float) -> None:
    clip = load_clip(_x264(tmp_path / "clip.mp4"), ClipShape(width=96, height=80, fps=fps))
    assert (clip.codec, clip.width, clip.height, clip.fps) == ("h264", 96, 80, fps)
    assert clip.duration_s == pytest.approx(2.0, abs=0.15)
    assert len(clip.packets) == _decoded(clip) == pytest.approx(2.0 * fps, abs=2)
    assert [packet.duration_s for packet in clip.packets] == pytest.approx([1 / fps] * len(clip.packets), abs=0.001)


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100, None])
def test_a_file_without_video_is_a_codec_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CodecError, match=r"broken\.mp4") as caught:
        load_clip(path)
    assert caught.value.remedy


@pytest.mark.shared_data
def test_a_real_recording_becomes_a_sendable_clip() -> None:
    clip = load_clip(shared("data/videos/gmdcsa_s2_adl_23.mp4"))
    assert clip.packets[0].is_key
    assert len(clip.packets) == _decoded(clip)
    assert clip.duration_s == pytest.approx(7.3, abs=0.1)
