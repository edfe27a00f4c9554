from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.detect import onnx
from analytics.detect.network import Floats
from analytics.detect.onnx import LOW_SCORE, Candidates, OnnxDetector
from analytics.models.manifest import InputFormat, VerifiedModel
from config.model import AnalysisSettings
from core.errors import ModelError
from core.types import Detection, Picture
from tests.analytics.detect.onnx_file import INT64, constant_model, verified

SIZE = (64, 32)
SHAPE = (1, 3, 32, 64)
PERSON, CAR, TRUCK = 0, 1, 2


class Rows(OnnxDetector):
    """One output N x 6: left, top, right, bottom, score, class."""

    family: ClassVar[str] = "yolox"

    def prepare(self, format_: InputFormat) -> None:
        pass

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Candidates:
        rows = outputs[0][outputs[0][:, 4] >= min_score]
        return Candidates(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.intp))


def model_of(*rows: Sequence[float], fit: str = "stretch") -> VerifiedModel:
    values = np.array(rows, np.float32).reshape(-1, 6)
    return verified(constant_model([values], shape=SHAPE), "yolox", SIZE, fit=fit)


def found(*rows: Sequence[float], picture: Picture | None = None, fit: str = "stretch") -> list[Detection]:
    (detections,) = Rows(model_of(*rows, fit=fit)).detect([blank(64, 32) if picture is None else picture])
    return detections


def blank(width: int, height: int) -> Picture:
    return np.zeros((height, width, 3), np.uint8)


def edges(detection: Detection) -> tuple[float, float, float, float]:
    box = detection.box
    return box.left, box.top, box.right, box.bottom


def test_boxes_are_shares_of_the_picture() -> None:
    (person,) = found((16, 8, 32, 24, 0.9, PERSON), picture=blank(1920, 1080))
    assert edges(person) == pytest.approx((0.25, 0.25, 0.5, 0.75))
    assert person.label == "person"
    assert person.score == pytest.approx(0.9)


def test_a_letterboxed_box_is_a_share_of_the_picture_not_of_the_canvas() -> None:
    """A 32 x 32 picture fills the left half of the 64 x 32 input."""
    (person,) = found((8, 8, 16, 24, 0.9, PERSON), picture=blank(100, 100), fit="letterbox")
    assert edges(person) == pytest.approx((0.25, 0.25, 0.5, 0.75))


def test_what_reaches_out_of_the_picture_is_cut_and_what_lies_outside_is_dropped() -> None:
    inside, *others = found(
        (-16, -8, 16, 64, 0.9, PERSON),
        (70, 0, 80, 10, 0.8, PERSON),
        (-9, -9, -1, -1, 0.8, CAR),
        (40, 9, 40, 9, 0.7, CAR),
    )
    assert edges(inside) == pytest.approx((0.0, 0.0, 0.25, 1.0))
    assert others == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_figures_that_are_no_numbers_make_no_box_out_of_order(bad: float) -> None:
    for detection in found((bad, 8, 32, 24, 0.9, PERSON), (1, 2, bad, 9, 0.8, CAR)):
        left, top, right, bottom = edges(detection)
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_nothing_found_is_an_empty_list_for_each_picture() -> None:
    detector = Rows(model_of((0, 0, 32, 32, 0.05, PERSON)))
    assert detector.detect([blank(64, 32), blank(10, 200)]) == [[], []]
    assert detector.detect([]) == []


def test_of_boxes_that_overlap_the_best_stays_and_the_best_comes_first() -> None:
    detections = found(
        (40, 0, 60, 30, 0.6, PERSON),
        (0, 0, 20, 30, 0.7, PERSON),
        (1, 0, 21, 30, 0.9, PERSON),
        (0, 1, 20, 31, 0.8, PERSON),
    )
    assert [detection.score for detection in detections] == pytest.approx([0.9, 0.6])


def test_neighbours_that_overlap_less_both_stay() -> None:
    assert len(found((0, 0, 20, 30, 0.9, PERSON), (10, 0, 30, 30, 0.8, PERSON))) == 2


def test_a_car_and_a_truck_at_one_place_are_one_vehicle_but_a_person_before_it_stays() -> None:
    place = (0, 0, 20, 30)
    detections = found((*place, 0.7, CAR), (*place, 0.8, TRUCK), (*place, 0.6, PERSON))
    assert [detection.label for detection in detections] == ["truck", "person"]


def test_three_hundred_boxes_are_enough() -> None:
    rows = [(x / 10, 0, x / 10 + 0.05, 0.05, 0.5, PERSON) for x in range(600)]
    assert len(found(*rows)) == 300


def test_weak_detections_are_given_for_the_tracker_and_a_lower_setting_gives_more() -> None:
    model = model_of((0, 0, 20, 30, 0.15, PERSON), (30, 0, 50, 30, 0.06, PERSON))
    picture = blank(64, 32)
    assert [
        len(Rows.from_model(model, AnalysisSettings(min_confidence=least)).detect([picture])[0])
        for least in (0.9, LOW_SCORE, 0.05)
    ] == [1, 1, 2]


def test_the_labels_are_the_classes_of_the_manifest() -> None:
    detector = Rows(model_of())
    assert detector.labels == {"person", "car", "truck"}
    assert detector.manifest.name == "m"


@pytest.mark.parametrize(
    ("shape", "is_good"),
    [
        ((1, 3, 32, 64), True),
        (("N", 3, "H", "W"), True),
        ((1, 3, 64, 32), False),
        ((1, 32, 64, 3), False),
        ((2, 3, 32, 64), False),
        ((3, 32, 64), False),
        ((1, 1, 32, 64), False),
    ],
)
def test_the_input_must_be_what_the_manifest_says(shape: Sequence[int | str], is_good: bool) -> None:
    model = verified(constant_model([np.zeros((0, 6), np.float32)], shape=shape), "yolox", SIZE)
    if is_good:
        Rows(model)
    else:
        with pytest.raises(ModelError, match=r"m\.onnx does not fit its manifest: its input is"):
            Rows(model)


def test_planes_last_is_a_layout_of_its_own() -> None:
    model = verified(constant_model([np.zeros((0, 6), np.float32)], shape=(1, 32, 64, 3)), "yolox", SIZE, layout="nhwc")
    assert Rows(model).detect([blank(9, 9)]) == [[]]


@pytest.mark.parametrize(("inputs", "element"), [(("a", "b"), 1), (("a",), INT64)])
def test_a_second_input_or_one_of_integers_does_not_fit(inputs: Sequence[str], element: int) -> None:
    data = constant_model([np.zeros((0, 6), np.float32)], shape=SHAPE, inputs=inputs, element=element)
    with pytest.raises(ModelError, match="its input is tensor"):
        Rows(verified(data, "yolox", SIZE))


@pytest.mark.parametrize("data", [b"weights", b"", b"\x08\x08", constant_model([], shape=SHAPE)[:-20]])
def test_what_onnxruntime_cannot_open_is_a_model_error_with_its_reason(data: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX model that can be run") as caught:
        Rows(verified(data, "yolox", SIZE))
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


def test_a_model_is_not_opened_as_another_family() -> None:
    data = constant_model([np.zeros((0, 6), np.float32)], shape=SHAPE)
    with pytest.raises(ModelError, match="a picodet model, opened as yolox"):
        Rows(verified(data, "picodet", SIZE))


@pytest.mark.parametrize(
    ("fit", "picture", "scaled"),
    [
        ("stretch", (1920, 1080), (64, 32)),
        ("letterbox", (1920, 1080), (57, 32)),
        ("letterbox", (1920, 480), (64, 16)),
        ("letterbox", (10, 5), (64, 32)),
        ("letterbox", (100_000, 10), (64, 1)),
    ],
)
def test_a_picture_is_scaled_to_the_input_with_or_without_its_aspect(
    fit: str, picture: tuple[int, int], scaled: tuple[int, int]
) -> None:
    assert Rows(model_of(fit=fit)).picture_size(*picture) == scaled


def test_a_picture_given_in_the_scaled_size_is_not_scaled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = Rows(model_of(fit="letterbox"))
    monkeypatch.setattr(cv2, "resize", lambda *_: pytest.fail("scaled"))
    size = detector.picture_size(1920, 1080)
    assert detector.detect([blank(*size)]) == [[]]


def format_of(**changes: object) -> InputFormat:
    return InputFormat.model_validate({"width": 4, "height": 2, "colour": "rgb", "fit": "letterbox"} | changes)


RED = np.tile(np.array([200, 100, 50], np.uint8), (2, 2, 1))


def test_the_tensor_has_the_picture_top_left_and_the_rest_padded() -> None:
    tensor = onnx._to_tensor(RED, (2, 2), format_of(pad=7))
    assert tensor.shape == (1, 3, 2, 4)
    assert tensor.dtype == np.float32
    assert tensor[0, :, 0, 0].tolist() == [200, 100, 50]
    assert tensor[0, :, :, 2:].tolist() == [[[7, 7], [7, 7]]] * 3


def test_mean_and_deviation_belong_to_the_planes_in_the_order_of_the_model() -> None:
    rgb = onnx._to_tensor(RED, (2, 2), format_of(mean=(10, 20, 30), std=(2, 4, 5)))
    bgr = onnx._to_tensor(RED, (2, 2), format_of(mean=(10, 20, 30), std=(2, 4, 5), colour="bgr"))
    assert rgb[0, :, 0, 0].tolist() == [95, 20, 4]
    assert bgr[0, :, 0, 0].tolist() == [20, 20, 34]


def test_planes_last_holds_the_same_values() -> None:
    changes = {"mean": (10, 20, 30), "std": (2, 4, 5), "colour": "bgr"}
    first, last = (onnx._to_tensor(RED, (2, 2), format_of(layout=layout, **changes)) for layout in ("nchw", "nhwc"))
    assert np.array_equal(first.transpose(0, 2, 3, 1), last)
    assert last.dtype == np.float32
    assert last.flags.c_contiguous


def boxes_strategy() -> st.SearchStrategy[list[tuple[float, float, float, float, float, int]]]:
    corner, extent = st.integers(0, 90), st.integers(1, 40)
    row = st.builds(
        lambda x, y, w, h, s, g: (x / 100, y / 100, min(1.0, (x + w) / 100), min(1.0, (y + h) / 100), s / 1000, g),
        corner, corner, extent, extent, st.integers(101, 999), st.integers(0, 2),
    )  # fmt: skip
    return st.lists(row, max_size=12, unique_by=lambda row: row[4])


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared)


@given(boxes_strategy())
def test_suppression_is_the_greedy_one_within_each_group(
    rows: list[tuple[float, float, float, float, float, int]],
) -> None:
    expected: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: -rows[index][4]):
        same = [kept for kept in expected if rows[kept][5] == rows[index][5]]
        overlaps = [iou(rows[kept], rows[index]) for kept in same]
        assume(all(abs(overlap - 0.6) > 1e-4 for overlap in overlaps))
        if all(overlap <= 0.6 for overlap in overlaps):
            expected.append(index)
    values = np.array(rows, np.float32).reshape(-1, 6)
    assert onnx._suppress(values[:, :4], values[:, 4], values[:, 5].astype(np.intp), 0.1) == expected


def test_one_detector_serves_several_threads_with_the_same_results() -> None:
    detector = Rows(model_of((16, 8, 32, 24, 0.9, PERSON)))
    results: list[list[Detection]] = []
    threads = [threading.Thread(target=lambda: results.extend(detector.detect([blank(64, 32)] * 10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 40
    assert all(result == results[0] for result in results)
