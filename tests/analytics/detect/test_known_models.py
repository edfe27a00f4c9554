"""The five models that Vigie knows, on a real picture: one person, and nobody."""

from __future__ import annotations

from functools import cache

import pytest

from analytics.detect.factory import create_detector
from analytics.detect.onnx import OnnxDetector
from analytics.filevideo import FileVideo
from config.model import AnalysisSettings
from core.types import Box, Detection, Picture
from tests.shared import shared

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

MODELS = ("nanodet_m_320", "nanodet_m_416", "picodet_s_320_coco", "picodet_s_416_coco", "yolox_nano")
EMPTY_S, PERSON_S = 1.0, 10.0
"""From the data set's own truth: nobody before 6.3 s, one person from then to 19.5 s."""
CLEAR = 0.5


@cache
def picture_at(seconds: float) -> Picture:
    with FileVideo(shared("data/videos/zone_presence_table.mp4")) as video:
        return next(frame.rgb() for frame in video.frames() if frame.captured_at >= seconds)


def detector_of(name: str) -> OnnxDetector:
    detector = create_detector(AnalysisSettings(detector=str(shared(f"data/models/{name}.onnx"))))
    assert isinstance(detector, OnnxDetector)
    return detector


@cache
def found(name: str, seconds: float) -> list[Detection]:
    (detections,) = detector_of(name).detect([picture_at(seconds)])
    return detections


def persons(name: str, seconds: float) -> list[Box]:
    return [one.box for one in found(name, seconds) if one.label == "person" and one.score >= CLEAR]


def iou(one: Box, other: Box) -> float:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared_area = max(width, 0.0) * max(height, 0.0)
    return shared_area / (one.width * one.height + other.width * other.height - shared_area)


@pytest.mark.parametrize("name", MODELS)
def test_the_one_person_is_found_once(name: str) -> None:
    (box,) = persons(name, PERSON_S)
    assert 0.3 < box.height < 1
    assert box.height > box.width


@pytest.mark.parametrize("name", MODELS)
def test_nobody_is_found_in_the_empty_room(name: str) -> None:
    assert persons(name, EMPTY_S) == []


@pytest.mark.parametrize("name", MODELS)
def test_the_families_agree_on_where_the_person_is(name: str) -> None:
    (box,) = persons(name, PERSON_S)
    (reference,) = persons("picodet_s_416_coco", PERSON_S)
    assert iou(box, reference) > 0.7


@pytest.mark.parametrize("name", MODELS)
def test_a_picture_scaled_beforehand_gives_the_same_person(name: str) -> None:
    """The pipeline asks the decoder for the size that the model takes."""
    detector = detector_of(name)
    with FileVideo(shared("data/videos/zone_presence_table.mp4")) as video:
        frame = next(frame for frame in video.frames() if frame.captured_at >= PERSON_S)
        scaled = frame.rgb(*detector.picture_size(frame.width, frame.height))
    (detections,) = detector.detect([scaled])
    (box,) = [one.box for one in detections if one.label == "person" and one.score >= CLEAR]
    assert iou(box, persons(name, PERSON_S)[0]) > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_the_same_picture_always_gives_the_same_detections(name: str) -> None:
    detector, picture = detector_of(name), picture_at(PERSON_S)
    alone, again = detector.detect([picture, picture])
    assert alone == again == found(name, PERSON_S)


def test_a_letterboxed_model_sees_a_tall_picture_undistorted() -> None:
    """The person's part of the picture, cut out: the box must fall where it was."""
    (box,) = persons("yolox_nano", PERSON_S)
    picture = picture_at(PERSON_S)
    width = picture.shape[1]
    left, right = int((box.left - 0.05) * width), int((box.right + 0.05) * width)
    (detections,) = detector_of("yolox_nano").detect([picture[:, left:right]])
    best = max(detections, key=lambda one: one.score)
    back = Box(
        left=(left + best.box.left * (right - left)) / width,
        top=best.box.top,
        right=(left + best.box.right * (right - left)) / width,
        bottom=best.box.bottom,
    )
    assert best.label == "person"
    assert iou(back, box) > 0.7
