from __future__ import annotations

import pytest

from core.capacity.cost import Stream, budget_of, cost_of
from tests.core.capacity.figures import measurement

MODEL = "/models/yolox_nano.onnx"


def test_a_stream_like_those_of_the_bench_costs_what_was_measured() -> None:
    cost = cost_of(measurement(), detector=MODEL, fps=5.0, stream=Stream())
    assert cost is not None
    assert (cost.decode, cost.inference, cost.overhead) == pytest.approx((0.02, 0.08, 0.01))
    assert cost.cores == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("fps", "stream", "cores"),
    [
        pytest.param(10.0, Stream(), 0.02 + 0.16 + 0.02, id="twice the rate"),
        pytest.param(2.0, Stream(), 0.02 + 0.032 + 0.01, id="receiving costs the same at a lower rate"),
        pytest.param(5.0, Stream(megapixels=2.0), 0.1 + 0.08 + 0.01, id="a larger picture is only dearer to decode"),
        pytest.param(5.0, Stream(fps=12.5), 0.01 + 0.08 + 0.01, id="fewer pictures come"),
        pytest.param(10.0, Stream(fps=4.0), 0.0032 + 0.064 + 0.01, id="no more is analysed than comes"),
        pytest.param(5.0, Stream(codec="hevc"), 0.11, id="a codec not measured costs as H.264 does"),
    ],
)
def test_cost_follows_rate_size_and_codec(fps: float, stream: Stream, cores: float) -> None:
    cost = cost_of(measurement(), detector=MODEL, fps=fps, stream=stream)
    assert cost is not None
    assert cost.cores == pytest.approx(cores)


def test_a_detector_that_was_not_measured_has_no_cost() -> None:
    assert cost_of(measurement(), detector="other.onnx", fps=5.0, stream=Stream()) is None


def test_a_part_of_the_machine_is_left_free() -> None:
    assert budget_of(4) == pytest.approx(3.4)
