from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.evaluation.alterations import ALTERATIONS, altered, mirrored_settings, rewrite
from analytics.evaluation.dataset import load_dataset
from analytics.filevideo import FileVideo
from analytics.rules.geometry import is_right_of
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.wrong_direction import WrongDirectionSettings
from connectors.protocols.scene import write_scene
from core import registry
from core.types import Picture
from tests.analytics.evaluation.made import write_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "scene.mp4"
    write_scene(path, seconds=1.0, fps=20, size=(160, 96))
    return path


def read(path: Path) -> tuple[list[Picture], list[float]]:
    with FileVideo(path) as source:
        frames = [(frame.rgb(), frame.captured_at) for frame in source.frames()]
    return [picture for picture, _ in frames], [at for _, at in frames]


def rewritten(video: Path, name: str, folder: Path) -> tuple[list[Picture], list[float]]:
    path = folder / "altered.mp4"
    rewrite(video, path, ALTERATIONS[name])
    return read(path)


def apart(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("name", [name for name, one in ALTERATIONS.items() if one.fps is None])
def test_every_picture_keeps_its_time(video: Path, name: str, tmp_path: Path) -> None:
    _, before = read(video)
    _, after = rewritten(video, name, tmp_path)
    assert after == pytest.approx(before, abs=0.002)


def test_a_mirrored_clip_is_the_mirror_image(video: Path, tmp_path: Path) -> None:
    before, _ = read(video)
    after, _ = rewritten(video, "mirrored", tmp_path)
    assert apart(after[5], before[5][:, ::-1]) < 3 < apart(after[5], before[5])


@pytest.mark.parametrize(("name", "factor"), [("brighter", 1.25), ("darker", 0.75)])
def test_brightness_changes_by_a_quarter(video: Path, name: str, factor: float, tmp_path: Path) -> None:
    before, _ = read(video)
    after, _ = rewritten(video, name, tmp_path)
    expected = np.clip(before[5].astype(float) * factor, 0, 255)
    assert after[5].mean() == pytest.approx(expected.mean(), abs=2.5)


def test_fewer_pictures_come_at_the_rate_that_is_asked(video: Path, tmp_path: Path) -> None:
    _, times = rewritten(video, "10-fps", tmp_path)
    assert len(times) == 10
    assert np.diff(times) == pytest.approx(np.full(9, 0.1), abs=0.01)


def test_4cif_is_704_by_576_and_is_shown_in_the_shape_it_had(video: Path, tmp_path: Path) -> None:
    rewrite(video, tmp_path / "altered.mp4", ALTERATIONS["4cif"])
    with FileVideo(tmp_path / "altered.mp4") as source:
        frame = next(source.frames())
    assert (frame.picture.width, frame.picture.height) == (704, 576)
    assert frame.width / frame.height == pytest.approx(160 / 96, abs=0.01)


def test_a_shaken_clip_moves_and_is_shaken_alike_each_time(video: Path, tmp_path: Path) -> None:
    before, _ = read(video)
    first, _ = rewritten(video, "shaken", tmp_path)
    again, _ = rewritten(video, "shaken", tmp_path)
    assert max(apart(one, other) for one, other in zip(first, before, strict=True)) > 1
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


POINTS = st.tuples(*[st.integers(0, 100).map(lambda share: share / 100)] * 2)


@given(start=POINTS, end=POINTS, point=POINTS)
def test_what_is_left_of_a_line_stays_left_of_it_in_the_mirror(
    start: tuple[float, float], end: tuple[float, float], point: tuple[float, float]
) -> None:
    side = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
    assume(abs(side) > 1e-6)
    rule = LineCrossingSettings(id="line", type="line_crossing", line=(start, end))
    seen = mirrored_settings(rule)
    assert isinstance(seen, LineCrossingSettings)
    assert is_right_of((1.0 - point[0], point[1]), *seen.line) == is_right_of(point, *rule.line)


def test_an_allowed_direction_is_mirrored_with_its_zone() -> None:
    rule = WrongDirectionSettings(
        id="way", type="wrong_direction", zone=((0.0, 0.0), (0.4, 0.0), (0.4, 1.0)), expected=(0.2, -1.0)
    )
    seen = mirrored_settings(rule)
    assert isinstance(seen, WrongDirectionSettings)
    assert seen.expected == (-0.2, -1.0)
    assert set(seen.zone) == {(1.0, 0.0), (0.6, 0.0), (0.6, 1.0)}


def test_an_altered_set_keeps_truth_and_definitions_and_its_absent_videos(tmp_path: Path) -> None:
    plain = load_dataset(write_dataset(tmp_path), registry.kinds())
    (tmp_path / "twin.mp4").unlink()
    folder = tmp_path / "altered"
    folder.mkdir()
    changed = altered(plain, ALTERATIONS["coarse"], folder)
    assert [rule.definition for clip in changed.clips for rule in clip.rules] == [
        rule.definition for clip in plain.clips for rule in clip.rules
    ]
    assert [clip.video.is_file() for clip in changed.clips] == [True, False]
