from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from analytics.decode.frame import DecodedFrame
from analytics.detect.closer import look_closer
from analytics.detect.density import DensityModel
from analytics.detect.density_look import DensityReadings
from analytics.detect.factory import create_detector
from analytics.filevideo import FileVideo
from analytics.models.manifest import DensityManifest, VerifiedDensityModel
from analytics.rate import FrameRate
from analytics.rules.crowd_density import CrowdDensity, CrowdDensitySettings
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.track.tracker import Tracker
from config.model import AnalysisSettings
from core.contracts import Detector
from core.errors import ModelError
from core.types import Box, Detection, Occurrence, Polygon, Tick, Track
from tests.analytics.detect.onnx_file import density_document
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


class Map:
    """A density map with so many people; notes near how many it was asked."""

    def __init__(self, people: float) -> None:
        self.people = people
        self.asked: list[int] = []

    def __call__(self, zone: Polygon, seen: Sequence[Box]) -> float:
        assert zone == EVERYWHERE
        self.asked.append(len(seen))
        return self.people


def watch(
    rule: CrowdDensity,
    seconds: float,
    tracks: Callable[[float], list[Track]],
    *,
    start: float = 0.0,
    closer: Looks | None = None,
    density: Map | None = None,
) -> list[Occurrence]:
    found = []
    for number in range(round(seconds * FPS)):
        moment = number / FPS
        seen = tuple(tracks(moment))
        found += rule.update(Tick(captured_at=start + moment, tracks=seen, closer=closer, density=density))
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


@pytest.mark.parametrize(
    ("detected", "mapped", "told"),
    [
        (14, 60.0, {"people": 60, "detector": 14, "density_map": 60}),
        (40, 12.0, {"people": 40, "detector": 40, "density_map": 12}),
    ],
)
def test_of_a_crowd_the_higher_of_detector_and_density_map_counts_and_both_are_told(
    detected: int, mapped: float, told: dict[str, int]
) -> None:
    looks, density = Looks(detected), Map(mapped)
    (found,) = watch(density_rule(max_people=30), 10.0, lambda _: people(4), closer=looks, density=density)
    assert found.details == {"at_most": 30.0, **told}
    assert density.asked == [detected] * 5


def test_a_density_map_is_not_asked_where_the_detector_sees_no_crowd() -> None:
    density = Map(1700.0)
    assert watch(density_rule(max_people=20), 10.0, lambda _: people(4), closer=Looks(11), density=density) == []
    assert watch(density_rule(max_people=20), 10.0, lambda _: [], closer=Looks(30), density=density) == []
    assert density.asked == []


def test_without_a_closer_look_the_tracks_say_whether_there_is_a_crowd() -> None:
    density = Map(50.0)
    assert watch(density_rule(max_people=20), 10.0, lambda _: people(11), density=density) == []
    (found,) = watch(density_rule(max_people=20), 10.0, lambda _: people(15), density=density)
    assert (found.details["people"], found.details["detector"]) == (50, 15)


def test_a_density_map_that_fails_costs_its_frames_and_not_what_the_detector_counts() -> None:
    class Broken(Map):
        def __call__(self, zone: Polygon, seen: Sequence[Box]) -> float:
            super().__call__(zone, seen)
            raise ModelError("the model cannot be run")

    rule, density, found = density_rule(max_people=20), Broken(0.0), []
    for number in range(80):
        with suppress(ModelError):
            seen = tuple(people(4))
            found += rule.update(Tick(captured_at=number / FPS, tracks=seen, closer=Looks(30), density=density))
    assert [occurrence.details["people"] for occurrence in found] == [30]
    assert len(density.asked) == 5


def test_what_the_density_map_told_goes_with_the_crowd() -> None:
    rule, density = density_rule(max_people=20), Map(50.0)
    assert len(watch(rule, 10.0, lambda _: people(15), density=density)) == 1
    assert watch(rule, 15.0, lambda _: people(2), density=density, start=10.0) == []
    assert len(watch(rule, 10.0, lambda _: people(15), density=density, start=25.0)) == 1


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


def mcnn(name: str) -> DensityModel:
    """The research model, in place: its licence lets nobody copy it."""
    path = shared(f"data/models/{name}.onnx")
    data = path.read_bytes()
    manifest = DensityManifest.model_validate(density_document(data))
    return DensityModel(VerifiedDensityModel(path=path, manifest=manifest, data=data))


def pictures(clip: str, every_s: float, most: int) -> list[DecodedFrame]:
    rate = FrameRate(1.0 / every_s)
    with FileVideo(shared(f"data/videos/{clip}")) as video:
        return [frame for frame in video.frames() if rate.take(frame.captured_at)][:most]


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["mcnn_shtechA", "mcnn_shtechB"])
def test_a_real_density_map_tells_of_a_hall_and_invents_people_only_where_nobody_confirms_them(name: str) -> None:
    model = mcnn(name)
    somebody = at((0.5, 0.9)).box
    for frame in pictures("density_hall_overhead.mp4", 4.0, 2):
        assert 8.0 < model.map_of(frame).sum() < 46.0
    for frame in pictures("vehicles_street.mp4", 4.0, 2):
        readings = DensityReadings(model.map_of, frame)
        assert model.map_of(frame).sum() > 10.0
        assert readings(EVERYWHERE, []) == 0.0
        assert readings(EVERYWHERE, [somebody]) < model.map_of(frame).sum()
