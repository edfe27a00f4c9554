from __future__ import annotations

from pathlib import Path
from uuid import UUID

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.drawing import ALARM, OBSERVED
from analytics.rendering import BANNER_S, Rendering, banner, clock
from analytics.scene import Verdict
from core.errors import UsageError
from core.types import Alert, AlertObject, Box, FrameBoxes, Priority, RuleState, Track
from tests.analytics.coded import numbered
from tests.analytics.frames import frame_of, scene_frame

BOX = Box(left=0.3, top=0.4, right=0.6, bottom=0.9)
TRACK = Track(track_id=3, label="person", score=0.9, box=BOX, first_seen=0.0)


def alert_at(moment: float, state: RuleState = RuleState.ARMED) -> Alert:
    return Alert(
        alert_id=UUID(int=1),
        camera_id="file",
        rule_id="yard",
        rule_type="zone_presence",
        rule_name="Cour",
        priority=Priority.MEDIUM,
        state=state,
        captured_at=moment,
        started_at=moment,
        objects=(AlertObject(track_id=3, label="person", score=0.9, box=BOX),),
    )


def verdict(moment: float, *alerts: Alert, tracks: tuple[Track, ...] = (TRACK,)) -> Verdict:
    return Verdict(list(alerts), FrameBoxes(camera_id="file", captured_at=moment, tracks=tracks))


def read(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24").astype(np.uint8)) for frame in container.decode(video=0)]


def reddish(picture: NDArray[np.uint8]) -> int:
    red, green, blue = (picture[..., plane].astype(int) for plane in range(3))
    return int(((red > green + 60) & (red > blue + 60)).sum())


def test_every_picture_is_in_it_with_its_own_time(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.2, 0.25]
    with Rendering(tmp_path / "out.mp4", []) as rendering:
        for moment in times:
            rendering.add(scene_frame(moment), verdict(moment) if moment == 0.0 else None)
    assert [moment for moment, _ in read(tmp_path / "out.mp4")] == pytest.approx(times, abs=0.002)
    assert list(tmp_path.iterdir()) == [tmp_path / "out.mp4"]


def test_a_picture_that_was_not_analysed_shows_what_the_last_analysed_one_brought(tmp_path: Path) -> None:
    with Rendering(tmp_path / "out.mp4", []) as rendering:
        rendering.add(scene_frame(0.0), verdict(0.0))
        rendering.add(scene_frame(0.04), None)
        rendering.add(scene_frame(0.08), verdict(0.08, tracks=()))
    edge = [int(picture[150:200, 94:98].max()) for _, picture in read(tmp_path / "out.mp4")]
    assert edge[0] > 150
    assert edge[1] > 150
    assert edge[2] < 100


def test_an_alert_is_shown_for_a_few_seconds_with_its_object_in_red(tmp_path: Path) -> None:
    with Rendering(tmp_path / "out.mp4", []) as rendering:
        for second in range(int(BANNER_S) + 4):
            told = [alert_at(2.0)] if second == 2 else []
            rendering.add(scene_frame(float(second)), verdict(float(second), *told))
    red = [reddish(picture) > 500 for _, picture in read(tmp_path / "out.mp4")]
    assert red == [False, False, *[True] * int(BANNER_S), False, False]


def test_odd_sizes_lose_one_row_and_a_size_that_changes_is_scaled(tmp_path: Path) -> None:
    with Rendering(tmp_path / "out.mp4", []) as rendering:
        rendering.add(frame_of(np.zeros((241, 321, 3), np.uint8), 0.0), None)
        rendering.add(frame_of(numbered(0, size=(640, 480)), 0.1), None)
    assert [picture.shape for _, picture in read(tmp_path / "out.mp4")] == [(240, 320, 3)] * 2


def test_the_same_pictures_give_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        with Rendering(tmp_path / name, []) as rendering:
            for number in range(5):
                rendering.add(scene_frame(number / 10, (0.5, 0.7)), verdict(number / 10))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_what_breaks_off_leaves_neither_half_a_file_nor_a_lost_one(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"an earlier one")
    with pytest.raises(KeyError):
        _break_off(target)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an earlier one"]


def _break_off(target: Path) -> None:
    with Rendering(target, []) as rendering:
        rendering.add(scene_frame(0.0), None)
        raise KeyError


def test_a_folder_that_is_absent_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="cannot be written"),
        Rendering(tmp_path / "absent" / "out.mp4", []) as rendering,
    ):
        rendering.add(scene_frame(0.0), None)


def test_a_banner_says_when_what_and_who() -> None:
    assert banner(alert_at(725.34)) == ("12:05.3   Cour   zone_presence   person 3", ALARM)
    assert banner(alert_at(1.0, RuleState.OBSERVE)) == ("0:01.0   Cour   zone_presence   person 3   observe", OBSERVED)


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0:00.0"), (59.96, "1:00.0"), (3725.5, "62:05.5")])
def test_times_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text
