"""What PicoDet and NanoDet share; both are tried, each with its own levels and cell centres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.detect.distances import DistanceDetector
from analytics.detect.nanodet import NanoDet
from analytics.detect.onnx import Candidates
from analytics.detect.picodet import PicoDet
from core.errors import ModelError
from tests.analytics.detect.onnx_file import constant_model, verified

WIDTH, HEIGHT = 96, 64
FAMILIES = pytest.mark.parametrize("family", [PicoDet, NanoDet])
Outputs = list[NDArray[np.float32]]


class Hit(NamedTuple):
    level: int
    column: int
    row: int
    label: int
    score: float
    distances: tuple[float, float, float, float]
    """Left, top, right, bottom, in strides."""


def cells(stride: int) -> tuple[int, int]:
    return -(-WIDTH // stride), -(-HEIGHT // stride)


def outputs_of(family: type[DistanceDetector], *hits: Hit) -> Outputs:
    """Distances that lie between two bins are a mixture of both."""
    counts = [columns * rows for columns, rows in map(cells, family.strides)]
    scores = [np.zeros((1, count, 3), np.float32) for count in counts]
    bins = [np.full((1, count, 4, 8), -50, np.float32) for count in counts]
    for hit in hits:
        cell = hit.row * cells(family.strides[hit.level])[0] + hit.column
        scores[hit.level][0, cell, hit.label] = hit.score
        for side, distance in enumerate(hit.distances):
            low = min(int(distance), 6)
            with np.errstate(divide="ignore"):
                bins[hit.level][0, cell, side, low : low + 2] = np.log([1 - distance + low, distance - low])
    return scores + [array.reshape(1, -1, 32) for array in bins]


def detector_of(family: type[DistanceDetector], outputs: Outputs) -> DistanceDetector:
    data = constant_model([np.nan_to_num(output, neginf=-1e9) for output in outputs], shape=(1, 3, HEIGHT, WIDTH))
    return family(verified(data, family.family, (WIDTH, HEIGHT)))


def decoded(family: type[DistanceDetector], *hits: Hit, min_score: float = 0.1) -> Candidates:
    outputs = outputs_of(family, *hits)
    return detector_of(family, outputs_of(family)).decode(outputs, min_score)


@FAMILIES
def test_every_level_gives_boxes_around_its_cells_in_its_own_stride(family: type[DistanceDetector]) -> None:
    for level, stride in enumerate(family.strides):
        columns, rows = cells(stride)
        found = decoded(family, Hit(level, columns - 1, rows - 1, 0, 0.9, (1, 2, 3, 4)))
        x, y = (columns - 1) * stride + family.offset(stride), (rows - 1) * stride + family.offset(stride)
        assert found.boxes.tolist() == [pytest.approx([x - stride, y - 2 * stride, x + 3 * stride, y + 4 * stride])]


@FAMILIES
def test_a_distance_is_the_mean_of_its_distribution(family: type[DistanceDetector]) -> None:
    (box,) = decoded(family, Hit(0, 5, 3, 0, 0.9, (0.25, 6.75, 7, 0))).boxes
    x, y = 5 * 8 + family.offset(8), 3 * 8 + family.offset(8)
    assert box == pytest.approx([x - 2, y - 54, x + 56, y], abs=1e-4)


@FAMILIES
def test_a_flat_distribution_is_its_middle(family: type[DistanceDetector]) -> None:
    outputs = outputs_of(family, Hit(0, 0, 0, 0, 0.9, (0, 0, 0, 0)))
    outputs[len(family.strides)][:] = 1000.0
    (box,) = detector_of(family, outputs_of(family)).decode(outputs, 0.1).boxes
    assert box[2:] - box[:2] == pytest.approx([56, 56])


@FAMILIES
def test_the_best_class_counts_and_weak_cells_are_left_out(family: type[DistanceDetector]) -> None:
    outputs = outputs_of(family, Hit(0, 1, 1, 1, 0.5, (1, 1, 1, 1)), Hit(1, 1, 1, 2, 0.3, (1, 1, 1, 1)))
    outputs[0][0, 13] = [0.4, 0.5, 0.2]
    detector = detector_of(family, outputs_of(family))
    found = detector.decode(outputs, 0.1)
    assert found.classes.tolist() == [1, 2]
    assert found.scores == pytest.approx([0.5, 0.3])
    assert len(detector.decode(outputs, 0.4).boxes) == 1
    assert len(detector.decode(outputs, 0.6).boxes) == 0


@FAMILIES
def test_a_whole_detection_from_picture_to_normalised_box(family: type[DistanceDetector]) -> None:
    hit = Hit(1, 2, 1, 1, 0.8, (1, 1, 1, 1))
    ((car,),) = detector_of(family, outputs_of(family, hit)).detect([np.zeros((480, 640, 3), np.uint8)])
    x, y = 2 * 16 + family.offset(16), 16 + family.offset(16)
    assert car.label == "car"
    assert car.box.centre == pytest.approx((x / WIDTH, y / HEIGHT))
    assert (car.box.width, car.box.height) == pytest.approx((32 / WIDTH, 32 / HEIGHT))


@FAMILIES
@pytest.mark.parametrize("damage", ["an output less", "another order", "other classes", "other bins", "other cells"])
def test_outputs_of_another_shape_are_refused_when_the_model_is_opened(
    family: type[DistanceDetector], damage: str
) -> None:
    outputs = outputs_of(family)
    if damage == "an output less":
        outputs.pop()
    elif damage == "another order":
        outputs.reverse()
    elif damage == "other classes":
        outputs[0] = np.zeros((1, outputs[0].shape[1], 80), np.float32)
    elif damage == "other bins":
        outputs[-1] = outputs[-1][:, :, :28]
    else:
        outputs[0] = outputs[0][:, 1:]
    with pytest.raises(ModelError, match="its family gives outputs"):
        detector_of(family, outputs)


@FAMILIES
def test_an_input_that_is_no_multiple_of_the_stride_has_cells_to_its_edge(family: type[DistanceDetector]) -> None:
    """96 x 64 has 1.5 x 1 cells of 64 pixels, and 100 pixels have 13 of 8: both are rounded up."""
    columns, rows = cells(64)
    assert (columns, rows) == (2, 1)
    other = [
        np.zeros((1, -(-100 // stride) * -(-64 // stride), last), np.float32)
        for last in (3, 32)
        for stride in family.strides
    ]
    data = constant_model(other, shape=(1, 3, 64, 100))
    family(verified(data, family.family, (100, 64)))
