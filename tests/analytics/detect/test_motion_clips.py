"""The motion detector on real clips, against what other eyes saw in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.commands.analyse import analyse_file
from analytics.detect.motion import MotionDetector
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.track.assignment import assign
from analytics.track.overlap import overlaps
from config.model import AnalysisSettings
from core.types import Detection, Picture
from tests.analytics.track.clear_mot import read_mot
from tests.shared import shared

pytestmark = [pytest.mark.slow, pytest.mark.shared_data, pytest.mark.timeout(180)]

Boxes = NDArray[np.float64]
"""Rows of centre x, centre y, width, height, normalised."""

PETS = "data/videos/persons_pets2009_vtest.mp4"
PETS_SIZE = (768, 576)
PETS_SCALE = ((0.3, 0.102), (0.9, 0.255))
TABLE = "data/videos/zone_presence_table.mp4"
SURE, LIKELY = 0.9, 0.5
"""Scores of the public detections: those that must be found, and those that may."""
OVERLAP = 0.3
EVERY = 2
START = 20


def pictures(path: Path, detector: MotionDetector) -> Iterator[tuple[int, Picture]]:
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % EVERY == 0:
                width, height = detector.picture_size(frame.width, frame.height)
                scaled = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
                yield number, np.asarray(scaled, np.uint8)


def rows(found: list[Detection]) -> Boxes:
    return np.array([(*d.box.centre, d.box.width, d.box.height) for d in found], dtype=float).reshape(-1, 4)


def public(least: float) -> dict[int, Boxes]:
    """Public detections of MOTChallenge PETS09-S2L1, whose frames are those of the clip."""
    seen = read_mot(shared("data/mot/PETS09-S2L1/det.txt"))
    size = np.array([*PETS_SIZE, *PETS_SIZE], dtype=float)
    return {
        frame - 1: np.array([np.array(box) / size for _, box, score in entries if score > least]).reshape(-1, 4)
        for frame, entries in seen.items()
    }


def pairs(one: Boxes, other: Boxes) -> int:
    return len(assign(1 - overlaps(one, other), 1 - OVERLAP))


@pytest.mark.parametrize(
    ("scale", "recall", "precision"),
    [pytest.param(PETS_SCALE, 0.94, 0.88, id="scale given"), pytest.param(None, 0.91, 0.88, id="scale learnt")],
)
def test_pedestrians_are_found_as_a_trained_detector_finds_them(
    scale: tuple[tuple[float, float], tuple[float, float]] | None, recall: float, precision: float
) -> None:
    """Measured at five pictures a second: recall 0.97 and 0.95, precision 0.92 and 0.92 (IoU 0.3)."""
    must, may = public(SURE), public(LIKELY)
    detector = MotionDetector(fps=10 / EVERY, ground_scale=scale)
    wanted = found = right = given = 0
    for number, picture in pictures(shared(PETS), detector):
        boxes = rows([d for d in detector.detect([picture])[0] if d.score >= 0.35 and d.label != "car"])
        if number >= START:
            wanted += len(must[number])
            found += pairs(must[number], boxes)
            given += len(boxes)
            right += pairs(may[number], boxes)
    assert found / wanted >= recall
    assert right / given >= precision


def test_people_who_come_to_a_table_are_counted_as_the_exposure_changes() -> None:
    rules = [
        ZonePresenceSettings(
            id="table",
            type="zone_presence",
            zone=((0.45, 0.55), (0.78, 0.55), (0.78, 1), (0.45, 1)),
            classes=("person",),
            dwell_s=2.0,
        ),
        LineCrossingSettings(id="exit", type="line_crossing", line=((0.8, 0.6), (0.8, 1)), classes=("person",)),
        LineCrossingSettings(id="left", type="line_crossing", line=((0.2, 0.55), (0.2, 1)), classes=("person",)),
    ]
    alerts = analyse_file(shared(TABLE), rules, AnalysisSettings(fps=5.0)).alerts
    moments = {rule.id: [alert.captured_at for alert in alerts if alert.rule_id == rule.id] for rule in rules}
    assert moments["table"] == pytest.approx([8.8, 25.4, 53.2, 77.3, 94.7, 126.5], abs=1.5)
    assert moments["exit"] == pytest.approx([18.98, 43.96, 69.01, 85.86, 118.87, 134.97], abs=1.5)
    assert moments["left"] == []
