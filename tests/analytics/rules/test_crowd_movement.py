from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from analytics.detect.factory import create_detector
from analytics.filevideo import FileVideo
from analytics.rate import FrameRate
from analytics.rules.crowd_movement import CrowdMovement, CrowdMovementSettings
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.track.tracker import Tracker
from config.model import AnalysisSettings
from core.contracts import Detector
from core.types import Box, Detection, Occurrence, Picture, Point, Tick, Track
from tests.analytics.rules.pictures import HEIGHT, WIDTH, Grey, Still, shifted, texture
from tests.analytics.rules.walks import at
from tests.shared import shared

pytestmark = pytest.mark.slow

EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
ALL_KINDS = ("running", "dispersal", "gathering")
BODY = 0.1
ASPECT = 16 / 9
FPS = 8.0
Story = Callable[[float], list[Track]]


def crowd_rule(**more: Any) -> CrowdMovement:
    settings = {"id": "square", "type": "crowd_movement", "zone": EVERYWHERE, "kinds": ALL_KINDS, **more}
    return CrowdMovement(CrowdMovementSettings.model_validate(settings))


def person(place: Point, track_id: int, **more: Any) -> Track:
    """A person, ``BODY`` high; places in picture heights from the left and the top."""
    return at(
        (place[0] / ASPECT, place[1]), track_id=track_id, **{"width": 0.3 * BODY / ASPECT, "height": BODY, **more}
    )


def watch(rule: CrowdMovement, story: Story, seconds: float, *, start: float = 0.0) -> list[Occurrence]:
    found = []
    for number in range(round(seconds * FPS)):
        moment = number / FPS
        found += rule.update(Tick(captured_at=start + moment, tracks=tuple(story(moment))))
    return found


def kinds(found: list[Occurrence]) -> list[object]:
    return [occurrence.details["statistic"] for occurrence in found]


def stream(number: int, speed: float) -> Story:
    """So many cross the picture from left to right, at a speed in body lengths a second, and come in again."""

    def at_moment(moment: float) -> list[Track]:
        tracks = []
        for index in range(number):
            way = 0.11 * index + speed * BODY * moment
            turn, x = divmod(way, 1.6)
            tracks.append(person((0.1 + x, 0.3 + 0.04 * index), 1000 * int(turn) + index + 1))
        return tracks

    return at_moment


def scatter(number: int, speed: float, from_s: float) -> Story:
    """So many stand around a place, and make off from it in all directions."""

    def at_moment(moment: float) -> list[Track]:
        radius = 0.1 + max(0.0, moment - from_s) * speed * BODY
        angles = [2 * math.pi * index / number for index in range(number)]
        places = [(0.9 + radius * math.cos(angle), 0.55 + radius * math.sin(angle)) for angle in angles]
        return [person(place, index) for index, place in enumerate(places) if 0.1 < place[1] < 1.0]

    return at_moment


def gather(number: int, from_s: float) -> Story:
    """So many stand far apart, and walk to a place."""

    def at_moment(moment: float) -> list[Track]:
        radius = max(0.12, 0.42 - max(0.0, moment - from_s) * 0.8 * BODY)
        angles = [2 * math.pi * index / number for index in range(number)]
        radii = [radius * (1.0 if index % 2 else 0.6) for index in range(number)]
        return [
            person((0.9 + far * math.cos(angle), 0.55 + far * math.sin(angle)), index)
            for index, (angle, far) in enumerate(zip(angles, radii, strict=True))
        ]

    return at_moment


def bus(moment: float) -> list[Track]:
    """A bus with its passengers drives through."""
    left = 0.05 + 0.15 * moment
    riders = [at((left + 0.04 * seat + 0.03, 0.55), track_id=10 + seat, width=0.03, height=0.1) for seat in range(7)]
    return [at((left + 0.17, 0.62), track_id=1, label="bus", width=0.36, height=0.3), *riders]


def test_a_crowd_that_runs_is_reported_once() -> None:
    (found,) = watch(crowd_rule(), stream(15, 2.5), 6.0)
    assert found.details["statistic"] == "running"
    assert found.captured_at < 3.0
    assert len(found.tracks) >= 5


class NamesFights(Detector):
    """A model with a class for fights: it sees one in some pictures, in one box around two people."""

    def __init__(self, label: str, sees: Callable[[int], bool]) -> None:
        self._label = label
        self._sees = sees
        self._asked = 0

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({"person", self._label})

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        self._asked += 1
        around = Box(left=0.4, top=0.3, right=0.6, bottom=0.9)
        found = [Detection(label=self._label, score=0.6, box=around)] if self._sees(self._asked) else []
        return [found for _ in pictures]


def through_the_tracker(detector: Detector, rule: CrowdMovement, fps: float = FPS) -> list[Occurrence]:
    tracker, found = Tracker(), list[Occurrence]()
    for number in range(80):
        (detections,) = detector.detect([np.zeros((36, 64, 3), np.uint8)])
        tracks = tracker.update(detections, number / fps)
        found += rule.update(Tick(captured_at=number / fps, tracks=tracks))
    return found


@pytest.mark.parametrize("fps", [2.0, 5.0, 30.0])
def test_a_fight_is_told_at_any_rate_of_pictures(fps: float) -> None:
    detector = NamesFights("Violence", lambda _: True)
    assert len(through_the_tracker(detector, crowd_rule(kinds=["fight"]), fps)) == 1


@pytest.mark.parametrize(
    ("label", "asked", "alerts"), [("fight", "fight", 1), ("fight", "running", 0), ("hug", "fight", 0)]
)
def test_a_fight_that_a_model_names_is_told_once_where_it_is_asked_for(label: str, asked: str, alerts: int) -> None:
    found = through_the_tracker(NamesFights(label, lambda _: True), crowd_rule(kinds=[asked]))
    assert [occurrence.details["kind"] for occurrence in found] == ["fight"] * alerts
    assert all(occurrence.captured_at - occurrence.started_at == pytest.approx(1.0) for occurrence in found)


def test_a_fight_that_a_model_sees_for_a_moment_only_is_none() -> None:
    assert (
        through_the_tracker(NamesFights("violence", lambda number: 20 <= number < 27), crowd_rule(kinds=["fight"]))
        == []
    )


def test_a_fight_outside_of_the_zone_is_not_told() -> None:
    corner = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
    assert through_the_tracker(NamesFights("fight", lambda _: True), crowd_rule(kinds=["fight"], zone=corner)) == []


@pytest.mark.parametrize(
    "story",
    [
        pytest.param(stream(15, 0.8), id="walking crowd"),
        pytest.param(stream(15, 1.3), id="hurrying crowd"),
        pytest.param(stream(1, 3.0), id="one runner"),
        pytest.param(stream(4, 3.0), id="four runners"),
        pytest.param(
            lambda moment: [*stream(12, 0.8)(moment), person((0.2 + 0.3 * moment, 0.9), 99)], id="one among many"
        ),
        pytest.param(bus, id="bus with passengers"),
        pytest.param(scatter(15, 0.8, 1.0), id="people part after a talk"),
    ],
)
def test_what_is_no_crowd_in_a_hurry_stays_silent(story: Story) -> None:
    assert watch(crowd_rule(), story, 5.0) == []


def test_cyclists_are_no_runners() -> None:
    def race(moment: float) -> list[Track]:
        riders = stream(8, 4.0)(moment)
        return [
            *riders,
            *(
                at(t.box.ground_point, track_id=50 + t.track_id, label="bicycle", width=0.05, height=0.1)
                for t in riders
            ),
        ]

    assert watch(crowd_rule(), race, 4.0) == []


def test_people_seen_from_above_are_measured_by_their_width() -> None:
    def above(moment: float) -> list[Track]:
        tracks = stream(10, 1.4)(moment)
        return [at(t.box.ground_point, track_id=t.track_id, width=0.07 / ASPECT, height=0.07) for t in tracks]

    assert watch(crowd_rule(), above, 6.0) == []


@pytest.mark.slow
def test_where_people_usually_run_running_is_normal() -> None:
    rule = crowd_rule()
    usual = stream(15, 1.5)
    assert watch(rule, usual, 120.0) == []
    assert watch(rule, lambda moment: stream(15, 1.9)(moment + 120.0), 6.0, start=120.0) == []
    assert kinds(watch(rule, lambda moment: stream(15, 3.5)(moment + 126.0), 6.0, start=126.0)) == ["running"]


def test_fifteen_who_make_off_in_all_directions_are_a_dispersal() -> None:
    found = watch(crowd_rule(kinds=["dispersal"]), scatter(15, 2.0, 2.0), 6.0)
    assert kinds(found) == ["dispersal"]
    assert 2.0 < found[0].captured_at < 5.0


def test_a_crowd_that_runs_one_way_is_no_dispersal() -> None:
    assert watch(crowd_rule(kinds=["dispersal"]), stream(15, 2.5), 6.0) == []


def test_fifteen_who_come_together_are_a_gathering() -> None:
    found = watch(crowd_rule(kinds=["gathering"]), gather(15, 25.0), 60.0)
    assert kinds(found) == ["gathering"]
    assert 25.0 < found[0].captured_at < 45.0


@pytest.mark.parametrize("story", [gather(15, -60.0), stream(15, 0.8), gather(4, 25.0)], ids=["stand", "pass", "few"])
def test_who_stands_together_all_along_or_passes_or_is_few_is_no_gathering(story: Story) -> None:
    assert watch(crowd_rule(kinds=["gathering"]), story, 60.0) == []


def test_a_crowd_outside_the_zone_does_not_count() -> None:
    rule = crowd_rule(zone=((0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (0.0, 0.1)))
    assert watch(rule, stream(15, 2.5), 6.0) == []


def test_it_fires_again_after_it_was_over() -> None:
    rule = crowd_rule(kinds=["running"])
    first = watch(rule, stream(15, 2.5), 4.0)
    assert watch(rule, lambda moment: stream(15, 0.5)(moment + 20.0), 10.0, start=4.0) == []
    again = watch(rule, lambda moment: stream(15, 2.5)(moment + 40.0), 4.0, start=14.0)
    assert kinds(first) == kinds(again) == ["running"]


def calm(moment: float) -> list[Track]:
    return stream(4, 0.3)(moment)


def film(rule: CrowdMovement, pictures: Iterator[Grey], *, people: Story = calm) -> list[Occurrence]:
    found = []
    for number, grey in enumerate(pictures):
        moment = number / FPS
        found += rule.update(Tick(captured_at=moment, tracks=tuple(people(moment)), pixels=Still(grey)))
    return found


def turmoil(seconds: float = 8.0) -> Iterator[Grey]:
    """Patches of different surfaces that are pushed about, each its own way and another way each time."""
    random = np.random.default_rng(3)
    patches = [texture(80, 60, seed=seed) for seed in range(12)]
    offsets = np.zeros((12, 2))
    for _ in range(round(seconds * FPS)):
        offsets = np.clip(offsets + random.uniform(-6.0, 6.0, (12, 2)), -15, 15)
        grey = np.zeros((HEIGHT, WIDTH), np.uint8)
        for index, (patch, offset) in enumerate(zip(patches, offsets, strict=True)):
            row, column = divmod(index, 4)
            grey[row * 60 : row * 60 + 60, column * 80 : column * 80 + 80] = shifted(patch, *offset)
        yield grey


def shaken(seconds: float = 8.0) -> Iterator[Grey]:
    random = np.random.default_rng(4)
    scene = texture()
    for _ in range(round(seconds * FPS)):
        yield shifted(scene, *random.uniform(-3.0, 3.0, 2))


def panned(seconds: float = 8.0) -> Iterator[Grey]:
    wide = texture(WIDTH * 4, HEIGHT)
    for number in range(round(seconds * FPS)):
        left = round(10 * number) % (3 * WIDTH)
        yield wide[:, left : left + WIDTH].copy()


def lit(seconds: float = 8.0) -> Iterator[Grey]:
    """The light is switched every second."""
    scene = texture()
    for number in range(round(seconds * FPS)):
        yield scene if number // 8 % 2 else (scene * 0.4).astype(np.uint8)


def test_turmoil_that_fills_the_zone_is_reported_once() -> None:
    (found,) = film(crowd_rule(), turmoil())
    assert found.details == {"kind": "running", "statistic": "turmoil", "people": 4}
    assert found.captured_at < 5.0


@pytest.mark.parametrize("pictures", [shaken, panned, lit], ids=["shaken", "panned", "lit"])
def test_what_happens_to_the_whole_picture_is_no_turmoil(pictures: Callable[[], Iterator[Grey]]) -> None:
    assert film(crowd_rule(), pictures()) == []


def test_turmoil_without_people_or_of_one_person_or_in_a_vehicle_is_none_of_a_crowd() -> None:
    assert film(crowd_rule(), turmoil(), people=lambda _: []) == []
    assert film(crowd_rule(), turmoil(), people=lambda _: [person((0.5, 0.5), 1)]) == []
    tram = at((0.5, 1.0), track_id=9, label="bus", width=1.0, height=1.0)
    assert film(crowd_rule(), turmoil(), people=lambda moment: [*calm(moment), tram]) == []
    cars = [at((0.1 * index, 0.1), track_id=20 + index, label="car", width=0.01, height=0.01) for index in range(5)]
    assert film(crowd_rule(), turmoil(), people=lambda moment: [*calm(moment), *cars]) == []


def test_who_does_not_ask_for_running_hears_nothing_of_turmoil() -> None:
    assert film(crowd_rule(kinds=["dispersal"]), turmoil()) == []


@pytest.mark.parametrize("wrong", [{"kinds": []}, {"kinds": ["flying"]}, {"min_people": 2}, {"zone": ((0, 0), (1, 1))}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        crowd_rule(**wrong)


def test_settings_of_another_rule_are_a_defect() -> None:
    settings = LineCrossingSettings.model_validate({"id": "x", "type": "line_crossing", "line": ((0, 0), (1, 1))})
    with pytest.raises(TypeError):
        CrowdMovement(settings)


def test_it_costs_less_than_five_milliseconds_a_picture() -> None:
    rule, people, pictures = crowd_rule(), stream(50, 0.8), list(turmoil(4.0))
    ticks = [
        Tick(captured_at=number / FPS, tracks=tuple(people(number / FPS)), pixels=Still(grey))
        for number, grey in enumerate(pictures)
    ]
    started = time.process_time()
    for tick in ticks:
        rule.update(tick)
    assert (time.process_time() - started) / len(ticks) < 0.005


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(("clip", "fires"), [("crowd_rush_stampede", True), ("abandoned_veo_backpack", False)])
def test_a_real_rush_fires_and_a_real_hall_does_not(clip: str, fires: bool) -> None:
    model = shared("data/models/yolox_nano.onnx")
    detector = create_detector(AnalysisSettings(detector=str(model)))
    rule, rate, found = crowd_rule(kinds=["running", "dispersal"]), FrameRate(FPS), []
    tracker = Tracker(aspect=ASPECT)
    for frame in FileVideo(shared(f"data/videos/{clip}.mp4")).frames():
        if rate.take(frame.captured_at):
            (seen,) = detector.detect([frame.rgb()])
            tracks = tracker.update(seen, frame.captured_at)
            found += rule.update(Tick(captured_at=frame.captured_at, tracks=tracks, pixels=frame))
        if found:
            break
    assert bool(found) is fires
