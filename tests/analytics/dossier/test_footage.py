from __future__ import annotations

from pathlib import Path

import av
import pytest

from analytics.dossier.footage import Footage
from analytics.filevideo import FileVideo
from core.errors import CodecError, UsageError
from tests.analytics.coded import number_of
from tests.analytics.dossier.made import FPS, film

pytestmark = pytest.mark.slow


def numbers(clip: Path) -> list[int]:
    with FileVideo(clip) as video:
        return [number_of(frame.gray()) for frame in video.frames()]


@pytest.mark.parametrize(
    ("name", "encoder"),
    [("a.mkv", "libx264"), ("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mov", "mpeg4"), ("a.ts", "libx264")],
)
@pytest.mark.parametrize(
    ("begin", "end", "first", "last"), [(2.5, 3.5, 20, 35), (0.0, 0.5, 0, 5), (5.0, 99.0, 50, 59), (2.0, 2.0, 20, 20)]
)
def test_a_part_begins_with_a_key_picture_and_holds_what_is_asked_for(
    tmp_path: Path, name: str, encoder: str, begin: float, end: float, first: int, last: int
) -> None:
    video = film(tmp_path / name, encoder=encoder)
    with FileVideo(video) as whole:
        next(whole.frames())
        origin_s = whole.origin_s
    starts_at = Footage(video, origin_s).copy(begin, end, tmp_path / "part.mkv")
    got = numbers(tmp_path / "part.mkv")
    assert starts_at * FPS == pytest.approx(first, abs=0.01)
    assert [number for number in got if number <= last] == list(range(first, last + 1))
    assert got[-1] <= last + 8


def test_pictures_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    video = film(tmp_path / "a.mp4")
    Footage(video, 0.0).copy(3.0, 6.0, tmp_path / "part.mkv")
    with FileVideo(video) as whole, FileVideo(tmp_path / "part.mkv") as part:
        expected = [frame.rgb() for frame in whole.frames()][30:]
        assert all((a == b.rgb()).all() for a, b in zip(expected, part.frames(), strict=True))


@pytest.mark.parametrize(("moment", "number"), [(0.0, 0), (1.23, 13), (3.7, 37), (99.0, 59)])
def test_the_picture_of_a_moment(tmp_path: Path, moment: float, number: int) -> None:
    assert number_of(Footage(film(tmp_path / "a.mp4"), 0.0).picture(moment).gray()) == number


def test_a_stream_without_times_is_refused_with_a_remedy(tmp_path: Path) -> None:
    video = film(tmp_path / "a.h264")
    with pytest.raises((UsageError, CodecError)) as caught:
        Footage(video, 0.0).copy(1.0, 2.0, tmp_path / "part.mkv")
    assert "Matroska" in caught.value.remedy


def test_sound_is_left_out(tmp_path: Path) -> None:
    video = film(tmp_path / "a.mp4")
    Footage(video, 0.0).copy(1.0, 2.0, tmp_path / "part.mkv")
    with av.open(str(tmp_path / "part.mkv")) as part:
        assert [stream.type for stream in part.streams] == ["video"]
