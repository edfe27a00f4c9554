from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.detect.onnx import Candidates
from analytics.detect.yolox import Yolox
from core.errors import ModelError
from tests.analytics.detect.onnx_file import constant_model, verified

SIZE = (64, 32)
"""8 x 4 cells of 8 pixels, then 4 x 2 of 16, then 2 x 1 of 32."""
CELLS = 32 + 8 + 2
SECOND, THIRD = 32, 40


def silent() -> NDArray[np.float32]:
    return np.zeros((1, CELLS, 8), np.float32)


def detector_of(*outputs: NDArray[np.float32]) -> Yolox:
    return Yolox(verified(constant_model(outputs, shape=(1, 3, 32, 64)), "yolox", SIZE))


def decoded(output: NDArray[np.float32], min_score: float = 0.1) -> Candidates:
    return detector_of(silent()).decode([output], min_score)


@pytest.mark.parametrize(
    ("row", "centre"),
    [
        (0, (0, 0)),
        (7, (56, 0)),
        (8, (0, 8)),
        (SECOND - 1, (56, 24)),
        (SECOND, (0, 0)),
        (SECOND + 5, (16, 16)),
        (THIRD, (0, 0)),
        (THIRD + 1, (32, 0)),
    ],
)
def test_a_cell_is_where_its_row_says(row: int, centre: tuple[int, int]) -> None:
    output = silent()
    output[0, row, 4:6] = 1
    box = decoded(output).boxes[0]
    assert ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) == pytest.approx(centre)


@pytest.mark.parametrize(("row", "stride"), [(9, 8), (SECOND + 5, 16), (THIRD + 1, 32)])
def test_offset_and_log_size_are_in_strides_of_the_level(row: int, stride: int) -> None:
    output = silent()
    plain = silent()
    plain[0, row, 4:6] = output[0, row, 4:6] = 1
    output[0, row, :4] = [0.25, -0.5, np.log(0.5), np.log(3)]
    corner = decoded(plain).boxes[0].reshape(2, 2).mean(axis=0)
    x, y = corner + np.array([0.25, -0.5]) * stride
    assert decoded(output).boxes[0] == pytest.approx(
        [x - stride / 4, y - 1.5 * stride, x + stride / 4, y + 1.5 * stride]
    )


def test_the_score_is_objectness_times_the_best_class() -> None:
    output = silent()
    output[0, 3, 4:] = [0.8, 0.3, 0.1, 0.5]
    found = decoded(output)
    assert found.scores == pytest.approx([0.4])
    assert found.classes.tolist() == [2]


def test_cells_below_the_score_are_left_out() -> None:
    output = silent()
    output[0, 3, 4:6], output[0, 4, 4:6], output[0, 5, 4:6] = (1, 0.5), (0.7, 0.7), (0.4, 1)
    assert decoded(output, 0.45).scores == pytest.approx([0.5, 0.49])
    assert len(decoded(output, 0.6).boxes) == 0


def test_a_whole_detection_from_picture_to_normalised_box() -> None:
    output = silent()
    output[0, SECOND + 5, :6] = [0.5, 0, np.log(1), np.log(1), 0.9, 0.9]
    ((person,),) = detector_of(output).detect([np.zeros((100, 100, 3), np.uint8)])
    box = person.box
    assert person.label == "person"
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((16 / 64, 8 / 32, 32 / 64, 24 / 32))


@pytest.mark.parametrize(
    "outputs",
    [
        [np.zeros((1, CELLS, 85), np.float32)],
        [np.zeros((1, CELLS - 1, 8), np.float32)],
        [np.zeros((CELLS, 8), np.float32)],
        [silent(), silent()],
    ],
)
def test_outputs_of_another_shape_are_refused_when_the_model_is_opened(outputs: list[NDArray[np.float32]]) -> None:
    with pytest.raises(ModelError, match="yolox gives one output"):
        detector_of(*outputs)
