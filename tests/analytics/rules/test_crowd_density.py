from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from analytics.decode.frame import DecodedFrame
from analytics.detect.closer import look_closer
from analytics.detect.factory import create_detector
from analytics.filevideo import FileVideo
from analytics.rate import FrameRate
from analytics.rules.crowd_density import CrowdDensity, CrowdDensitySettings
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.track.tracker import Tracker
from config.model import AnalysisSettings
from core.contracts import Detector
from core.types import Box, Detection, Occurrence, Tick, Track
from tests.analytics.rules.walks import at
from tests.shared import shared

EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
FPS = 8.0
SQUARE_OF_TEN = {"corners": ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)), "width_m": 10, "length_m": 10}


def density_rule(**more: Any) -> CrowdDensity:
    settings = {"id": "hall", "type": "crowd_density", "zone": EVERYWHERE, "max_people": 10, "for_s": 3.0, **more}
    settings = {key: value for key, value in settings.items() if value is not None}
    return CrowdDensity(CrowdDensitySettings.model_validate(settings))


def people(number: int, **more: Any) -> list[Track]:
    """So many apart from each other, eight in a row."""
    return [
        at((0.06 + 0.12 * (index % 8), 0.12 + 0.1 * (index // 8)), track_id=index, width=0.03, height=0.08, **more)
        for index in range(number)
    ]


class Looks:
    """A detector that sees so many when it looks closer; counts how often it was asked."""

    labels = frozenset({"person"})

    def __init__(self, number: int, **more: Any) -> None:
        tracks = people(number)
        self.found = [Detection(**{"label": "person", "score": 0.8, "box": track.box, **more}) for track in tracks]
        self.asked = 0

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        self.asked += 1
        assert all(0.0 <= part.left < part.right <= 1.0 and 0.0 <= part.top < part.bottom <= 1.0 for part in parts)
        return list(self.found)


def watch(
    rule: CrowdDensity,
    seconds: float,
    tracks: Callable[[float], list[Track]],
    *,
    start: float = 0.0,
    closer: Looks | None = None,
) -> list[Occurrence]:
    found = []
    for number in range(round(seconds * FPS)):
        moment = number / FPS
        found += rule.update(Tick(captured_at=start + moment, tracks=tuple(tracks(moment)), closer=closer))
    return found


def test_too_many_for_long_enough_are_reported_once() -> None:
    (found,) = watch(density_rule(), 30.0, lambda _: people(11))
    assert found.started_at == pytest.approx(0.0, abs=0.2)
    assert found.captured_at == pytest.approx(3.0, abs=0.2)
    assert found.details == {"people": 11, "at_most": 10.0}
    assert len(found.tracks) == 11


@pytest.mark.parametrize(
    "tracks",
    [
        pytest.param(lambda _: people(10), id="as many as allowed"),
        pytest.param(lambda _: people(20, label="car"), id="no people"),
        pytest.param(lambda _: people(20, is_measured=False), id="predicted only"),
        pytest.param(lambda moment: people(15 if 5.0 <= moment < 6.5 else 5), id="short"),
        pytest.param(lambda moment: people(15 if int(moment * FPS) % 3 == 0 else 5), id="flicker of false boxes"),
    ],
)
def test_what_is_not_too_many_for_long_stays_silent(tracks: Callable[[float], list[Track]]) -> None:
    assert watch(density_rule(), 20.0, tracks) == []


def test_flickering_detections_do_not_hide_a_crowd() -> None:
    found = watch(density_rule(), 20.0, lambda moment: people(5 if int(moment * FPS) % 3 == 0 else 12))
    assert len(found) == 1


def test_only_those_in_the_zone_count() -> None:
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    assert watch(density_rule(zone=left_half), 10.0, lambda _: people(16)) == []
    assert len(watch(density_rule(zone=left_half), 10.0, lambda _: people(24))) == 1


def test_a_crowd_that_goes_and_comes_is_reported_again_and_one_that_wavers_is_not() -> None:
    rule = density_rule()
    assert len(watch(rule, 10.0, lambda _: people(14))) == 1
    assert watch(rule, 10.0, lambda _: people(10), start=10.0) == []
    assert watch(rule, 10.0, lambda _: people(14), start=20.0) == []
    assert watch(rule, 15.0, lambda _: people(2), start=30.0) == []
    assert len(watch(rule, 10.0, lambda _: people(14), start=45.0)) == 1


def test_a_closer_look_finds_whom_the_tracks_lack() -> None:
    looks = Looks(16)
    (found,) = watch(density_rule(), 10.0, lambda _: people(4), closer=looks)
    assert found.details["people"] == 16
    assert looks.asked == 5


def test_who_is_tracked_and_found_again_counts_once() -> None:
    assert watch(density_rule(), 10.0, lambda _: people(10), closer=Looks(10)) == []


def test_nobody_looks_closer_where_hardly_anybody_is() -> None:
    looks = Looks(100)
    assert watch(density_rule(max_people=50), 10.0, lambda _: people(2), closer=looks) == []
    assert looks.asked == 0


@pytest.mark.parametrize("unfit", [{"label": "car"}, {"score": 0.2}])
def test_a_closer_look_counts_only_people_of_whom_it_is_sure(unfit: dict[str, Any]) -> None:
    assert watch(density_rule(), 10.0, lambda _: people(4), closer=Looks(16, **unfit)) == []


def test_a_closer_look_heeds_the_sizes_and_the_confidence_of_the_rule() -> None:
    for settings in ({"min_size": 0.1}, {"max_size": 0.05}, {"min_confidence": 0.9}):
        assert watch(density_rule(**settings), 10.0, lambda _: people(4), closer=Looks(16)) == []


def test_people_on_a_square_metre_are_counted_on_calibrated_ground() -> None:
    zone = SQUARE_OF_TEN["corners"]
    inside = [
        at((0.25 + 0.06 * (n % 8), 0.3 + 0.06 * (n // 8)), track_id=n, width=0.02, height=0.05) for n in range(22)
    ]
    rule = partial(density_rule, zone=zone, ground=SQUARE_OF_TEN, max_people=None)
    assert len(watch(rule(max_per_m2=0.2), 10.0, lambda _: inside)) == 1
    assert watch(rule(max_per_m2=0.25), 10.0, lambda _: inside) == []


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"max_people": None}, "exactly one of max_people and max_per_m2"),
        ({"max_per_m2": 1.0, "ground": SQUARE_OF_TEN}, "exactly one of max_people and max_per_m2"),
        ({"max_people": None, "max_per_m2": 1.0}, "needs a ground"),
        ({"max_people": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        density_rule(**wrong)


def test_a_zone_beyond_the_horizon_has_no_area() -> None:
    steep = {"corners": ((0.45, 0.5), (0.55, 0.5), (1.0, 1.0), (0.0, 1.0)), "width_m": 4, "length_m": 20}
    with pytest.raises(ValidationError, match="horizon"):
        density_rule(max_people=None, max_per_m2=1.0, ground=steep)


def test_settings_of_another_rule_are_a_defect() -> None:
    settings = LineCrossingSettings.model_validate({"id": "x", "type": "line_crossing", "line": ((0, 0), (1, 1))})
    with pytest.raises(TypeError):
        CrowdDensity(settings)


class RealLooks:
    def __init__(self, detector: Detector, frame: DecodedFrame) -> None:
        self.labels = detector.labels
        self._detector, self._frame = detector, frame

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        return look_closer(self._detector, self._frame, parts)


@pytest.mark.slow
@pytest.mark.shared_data
def test_a_real_hall_holds_more_than_twenty_and_less_than_eighty() -> None:
    detector = create_detector(AnalysisSettings(detector=str(shared("data/models/yolox_nano.onnx"))))
    rules = {most: density_rule(max_people=most) for most in (20, 80)}
    found, rate, tracker = [], FrameRate(4.0), Tracker(aspect=16 / 9)
    for frame in FileVideo(shared("data/videos/density_hall_overhead.mp4")).frames():
        if rate.take(frame.captured_at):
            (seen,) = detector.detect([frame.rgb()])
            tracks = tracker.update(seen, frame.captured_at)
            closer = RealLooks(detector, frame)
            tick = Tick(captured_at=frame.captured_at, tracks=tracks, pixels=frame, closer=closer)
            found += [
                (most, occurrence.captured_at) for most, rule in rules.items() for occurrence in rule.update(tick)
            ]
    ((most, at_s),) = found
    assert most == 20
    assert 2.0 <= at_s <= 14.0
