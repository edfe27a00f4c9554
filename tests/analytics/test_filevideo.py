from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from analytics.filevideo import FileVideo
from core.errors import CodecError, UsageError
from tests.analytics.coded import numbered, numbers_of

pytestmark = pytest.mark.slow


def write(path: Path, codec: str, count: int = 30, *, first_pts: int = 0, pix_fmt: str = "yuv420p") -> Path:
    """A file of numbered pictures, 10 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, pix_fmt
        stream.codec_context.time_base = Fraction(1, 10)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number), format="rgb24")
            frame.pts, frame.time_base = first_pts + number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx265"),
        ("a.avi", "mpeg4"),
        ("a.ts", "libx264"),
        ("a.mov", "mjpeg"),
        ("à b#1.mp4", "libx264"),
    ],
)
def test_files_of_any_container_are_read_in_file_time(tmp_path: Path, name: str, codec: str) -> None:
    path = write(tmp_path / name, codec, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p")
    with FileVideo(path) as file:
        frames = list(file.frames())
        assert file.duration_s == pytest.approx(3.0, abs=0.15)
        assert file.corrupt == 0
    assert numbers_of(frames) == list(range(30))
    assert [frame.captured_at for frame in frames] == pytest.approx([number / 10 for number in range(30)], abs=0.001)


def test_time_zero_is_the_first_picture(tmp_path: Path) -> None:
    with FileVideo(write(tmp_path / "late.ts", "libx264", first_pts=500)) as file:
        assert next(file.frames()).captured_at == 0.0


def test_where_the_file_does_not_say_its_duration_is_the_time_of_its_last_picture(tmp_path: Path) -> None:
    with FileVideo(write(tmp_path / "raw.h264", "libx264")) as file:
        assert file.duration_s is None
        times = [frame.captured_at for frame in file.frames()]
        assert file.duration_s == max(times) > 0.0


def test_a_damaged_file_loses_pictures_and_says_so(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "whole.ts", "mpeg2video", 60).read_bytes())
    for at in range(len(data) // 3, len(data) // 2, 188):
        data[at + 20 : at + 180] = b"\x00" * 160
    (tmp_path / "broken.ts").write_bytes(data)
    with FileVideo(tmp_path / "broken.ts") as file:
        assert len(list(file.frames())) > 20


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    data = write(tmp_path / "whole.mkv", "libx264", 100).read_bytes()
    (tmp_path / "short.mkv").write_bytes(data[: len(data) * 2 // 3])
    with FileVideo(tmp_path / "short.mkv") as file:
        assert 20 < len(list(file.frames())) < 100


def test_a_file_that_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no video file .*nowhere\.mp4"):
        FileVideo(tmp_path / "nowhere.mp4")
    with pytest.raises(UsageError, match="no video file"):
        FileVideo(tmp_path)


def test_an_address_is_not_opened() -> None:
    with pytest.raises(UsageError, match="no video file"):
        FileVideo(Path("http://127.0.0.1:9/a.mp4"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello world\n" * 100,
        b"\x00" * 5000,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
    ],
    ids=["empty", "text", "zeros", "play list", "session description"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".txt", ".m3u8", ".sdp", ""])
def test_what_is_no_video_is_said_in_one_line(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(data)
    with pytest.raises(CodecError) as caught, FileVideo(path) as file:
        list(file.frames())
    assert str(path) in str(caught.value)
    assert "\n" not in caught.value.line()


def test_a_file_with_sound_only_holds_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(CodecError, match="no video"):
        FileVideo(path)


def test_a_codec_that_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "known.mp4", "libx264")
    (tmp_path / "unknown.mp4").write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(CodecError, match="cannot be decoded"):
        FileVideo(tmp_path / "unknown.mp4")
