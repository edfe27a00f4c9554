from __future__ import annotations

import os

import pytest

from core.demo.footprint import Footprint, footprint, growth


def at(rss_mib: float, threads: int = 10) -> Footprint:
    return Footprint(threads=threads, handles=20, rss_mib=rss_mib)


def test_this_process_has_threads_handles_and_memory() -> None:
    here = footprint([os.getpid()])
    assert here.threads >= 1
    assert here.handles >= 1
    assert here.rss_mib > 1.0


def test_a_process_that_is_gone_counts_nothing() -> None:
    assert footprint([2**30]) == Footprint(threads=0, handles=0, rss_mib=0.0)


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ([100.0] * 9, 0.0),
        ([50.0, 80.0, 95.0, *[100.0] * 6], 0.0),  # the start is not growth
        ([float(100 + 10 * step) for step in range(9)], 30.0),
        ([100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 900.0, 100.0], 0.0),  # nor is one peak
        ([100.0], 0.0),
    ],
)
def test_growth_is_what_goes_on_after_the_start(memory: list[float], expected: float) -> None:
    assert growth([at(value) for value in memory]).rss_mib == pytest.approx(expected)


def test_growth_of_threads_is_told_apart() -> None:
    assert growth([at(1.0, threads=10 + step) for step in range(9)]).threads == 3
