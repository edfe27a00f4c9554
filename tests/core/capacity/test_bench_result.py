from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.capacity.bench_life import Reading, TakenAlert, Window
from core.capacity.bench_result import StreamsResult
from core.capacity.bench_site import Plan
from core.types import Alert, Priority, RuleState
from tests.core.capacity.figures import MACHINE

PLAN = Plan(
    streams=4,
    workers=2,
    seconds=10.0,
    fps=5.0,
    width=800,
    height=500,
    stream_fps=25.0,
    detector="/models/yolox_nano.onnx",
)
WHOLE: Mapping[str, float] = {
    "packets_in": 250.0,
    "frames_analysed": 50.0,
    "decode_s": 0.2,
    "inference_s": 0.8,
    "alert_delay/0.2": 10.0,
}
"""What each camera counts in ten seconds."""


def _alert(jpeg: bytes = b"x" * 38_500) -> Alert:
    return Alert(
        alert_id=UUID(int=1),
        camera_id="camera-1",
        rule_id="passage",
        rule_type="line_crossing",
        rule_name="",
        priority=Priority.LOW,
        state=RuleState.ARMED,
        captured_at=0.0,
        started_at=0.0,
        snapshot_jpeg=jpeg,
    )


def _window(streams: int = 4, grown: Mapping[str, float] = WHOLE, **values: Any) -> Window:
    cameras = [f"camera-{number}" for number in range(1, streams + 1)]
    usual: dict[str, Any] = {
        "began_at": 0.0,
        "wall_s": 10.0,
        "cpu_s": 4.4,
        "supervisor_cpu_s": 0.1,
        "server_cpu_s": 0.3,
        "others_cpu_s": 1.0,
        "before": dict.fromkeys(cameras, Reading(100.0, {"frames_analysed": 7.0})),
        "after": dict.fromkeys(cameras, Reading(110.0, {**grown, "frames_analysed": grown["frames_analysed"] + 7.0})),
        "supervisor_mb": 150.0,
        "workers_mb": 600.0,
        "joules": None,
        "alerts": tuple(TakenAlert(0.01 * number, 5.0, _alert()) for number in range(20)),
    }
    return Window(**{**usual, **values})


def _result(**values: Any) -> StreamsResult:
    usual: dict[str, Any] = {
        "plan": PLAN,
        "machine": MACHINE,
        "window": _window(),
        "few": _window(streams=2, workers_mb=580.0),
        "idle_watts": None,
    }
    return StreamsResult(**{**usual, **values})


def test_the_document_tells_rates_costs_and_delays() -> None:
    document = _result().as_json()
    assert document["streams"] == 4
    assert document["analysed_fps_per_stream"] == [5.0, 5.0, 5.0, 5.0]
    assert (document["decode_cpu_s"], document["inference_cpu_s"], document["cpu_s"]) == (0.8, 3.2, 4.4)
    assert document["overhead_ratio"] == 1.1
    assert document["rss_mb"] == 750.0
    assert document["rss_mb_per_added_stream"] == 10.0
    assert document["decode_to_alert_p95_ms"] == pytest.approx(197.5)
    assert document["capture_to_alert_p95_ms"] == 190.0
    assert document["watts"] is None
    assert (document["broken_limits"], document["good"]) == ([], True)


@pytest.mark.parametrize(
    ("result", "broken"),
    [
        pytest.param(_result(window=_window(cpu_s=5.2)), "overhead_ratio", id="costly"),
        pytest.param(
            _result(window=_window(grown={**WHOLE, "frames_analysed": 47.0})), "analysed_fps_per_stream", id="slow"
        ),
        pytest.param(
            _result(window=_window(grown={**WHOLE, "alert_delay/2": 10.0})), "decode_to_alert_p95_ms", id="late"
        ),
        pytest.param(_result(window=_window(workers_mb=800.0)), "rss_mb_per_added_stream", id="large"),
    ],
)
def test_a_promise_that_is_not_kept_is_named(result: StreamsResult, broken: str) -> None:
    assert result.broken_limits == [broken]


def test_what_is_kept_prices_a_looked_at_picture_and_a_megapixel() -> None:
    measured = _result().measurement()
    assert measured is not None
    decoding, detector = measured.decoding["h264"], measured.detectors["yolox_nano.onnx"]
    assert decoding.core_s_per_megapixel == pytest.approx(0.8 / (1000 * 0.4))
    assert detector.core_s == pytest.approx(3.2 / 200)
    assert detector.overhead_cores == pytest.approx(0.4 / 10 / 4)
    assert (detector.worker_mb, detector.stream_mb) == (280.0, 10.0)
    assert detector.others_cores == pytest.approx(0.1)
    assert measured.alert_kb == pytest.approx(40.0)


def test_pictures_on_which_the_detector_rested_do_not_make_it_look_cheap() -> None:
    measured = _result(window=_window(grown={**WHOLE, "frames_gated": 25.0})).measurement()
    assert measured is not None
    assert measured.detectors["yolox_nano.onnx"].core_s == pytest.approx(3.2 / 100)


@pytest.mark.parametrize(
    "unfit", [{"plan": replace(PLAN, is_quiet=True)}, {"few": None}], ids=["quiet", "too few streams"]
)
def test_what_says_nothing_of_a_busy_site_is_not_kept(unfit: dict[str, Any]) -> None:
    assert _result(**unfit).measurement() is None


def test_power_is_told_over_what_the_idle_machine_draws() -> None:
    result = _result(window=_window(joules=350.0), idle_watts=20.0)
    measured = result.measurement()
    assert result.watts == 35.0
    assert measured is not None
    assert measured.power is not None
    assert measured.power.watts_per_core == pytest.approx(15.0 / 0.57)
