from __future__ import annotations

import pytest

from core.capacity.cost import Stream
from core.capacity.measurement import MeasuredPower
from core.capacity.sizing import Wish, sizes
from core.errors import UsageError
from tests.core.capacity.figures import measurement

WISH = Wish(detector="yolox_nano.onnx", fps=5.0, stream=Stream(), mbit_s=2.0)


def test_cores_memory_and_network_follow_the_number_of_streams() -> None:
    small, large = sizes(measurement(), WISH, [8, 100])
    assert (small.cores_busy, large.cores_busy) == pytest.approx((0.88, 11.0))
    assert large.cores == pytest.approx(11.0 / 0.85)
    assert large.memory_mb == pytest.approx(1536 + 150 + 14 * 250 + 100 * 10)
    assert large.network_mbit_s == 200.0
    assert (small.suggestion, large.suggestion) == ("2 cores, 4 GB", "16 cores, 8 GB")


def test_what_no_machine_holds_is_spread_over_several() -> None:
    (size,) = sizes(measurement(), WISH, [1000])
    assert size.machines == 3
    assert size.suggestion == "3 machines of 48 cores, 16 GB"


def test_what_is_not_known_is_not_told() -> None:
    (size,) = sizes(measurement(), WISH, [8])
    assert size.as_json()["watts"] is None
    assert size.as_json()["disk_gb_per_day"] is None


def test_power_and_disk_are_told_where_they_are_known() -> None:
    power = MeasuredPower(idle_watts=20.0, watts_per_core=10.0)
    wish = Wish(detector="yolox_nano.onnx", fps=5.0, stream=Stream(), mbit_s=2.0, alerts_per_day=100.0)
    (size,) = sizes(measurement(power=power), wish, [100])
    assert size.watts == pytest.approx(20.0 + 110.0)
    assert size.disk_gb_per_day == pytest.approx(0.4)


def test_a_detector_that_was_not_measured_is_wrong_use_that_names_the_measured() -> None:
    wish = Wish(detector="other.onnx", fps=5.0, stream=Stream(), mbit_s=2.0)
    with pytest.raises(UsageError, match=r"other\.onnx") as caught:
        sizes(measurement(), wish, [8])
    assert "yolox_nano.onnx" in caught.value.remedy
