from __future__ import annotations

import argparse
import json

import pytest

from connectors.milestone.simulator.media.vps_driver import DriverReport
from connectors.milestone.vps.bench import COMMAND, VpsBenchResult
from connectors.milestone.vps.statistics import LagHistogram
from core.errors import UsageError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return COMMAND.run(parser.parse_args(arguments))


def result(**changes: int) -> VpsBenchResult:
    driver = DriverReport(camera="camera-1", url="wss://x", pictures=100, metadata=100)
    for name, value in changes.items():
        setattr(driver, name, value)
    driver.lags_ms.extend(float(number) for number in range(100))
    return VpsBenchResult(
        fps=12.5,
        seconds=8.0,
        drivers=[driver],
        frames_dropped=0,
        metadata_dropped=0,
        arrival_to_sent=LagHistogram(),
        front_cpu_s=0.1,
    )


@pytest.mark.slow
def test_boxes_of_every_picture_return_in_order_through_three_processes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--cameras", "2", "--seconds", "1.5", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["in_order"]
    assert document["faulty"] == 0
    assert document["frames"] >= 2 * 12
    assert document["metadata"] >= document["frames"] - 10
    assert 0 < document["lag_ms"]["p50"] < 1000


def test_lags_are_told_as_percentiles() -> None:
    assert result().lags_ms() == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 99.0}


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"metadata": 97}, True),
        ({"metadata": 50}, False),
        ({"pictures": 0, "metadata": 0}, False),
        ({"out_of_order": 1}, False),
        ({"unusable": 1}, False),
        ({"of_no_picture": 1}, False),
    ],
)
def test_it_is_good_when_all_came_back_in_order(changes: dict[str, int], is_good: bool) -> None:
    assert result(**changes).is_good is is_good


@pytest.mark.parametrize("arguments", [("--cameras", "0"), ("--fps", "0"), ("--seconds", "-1")])
def test_senseless_numbers_are_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="more than 0"):
        run(*arguments)
