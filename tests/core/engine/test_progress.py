from __future__ import annotations

from collections.abc import Callable

import pytest

from core.clock import ManualClock
from core.engine.progress import STUCK_S, Progress

Statistics = Callable[[int], dict[str, float]]
"""What a camera tells in its n-th second."""


def first_stuck(statistics: Statistics, seconds: int = 60) -> tuple[int, dict[str, str]] | None:
    clock = ManualClock()
    progress = Progress(clock)
    for second in range(seconds):
        if found := progress.stuck({"cam": statistics(second)}):
            return second, found
        clock.advance(1.0)
    return None


@pytest.mark.parametrize(
    ("statistics", "what"),
    [
        (lambda n: {"queue_length": 5.0 + n, "decode_s": 3.0, "frames_decoded": 9.0}, "decoding"),
        (
            lambda n: {"frames_analysed": 9.0, "inference_s": 1.0, "frames_skipped": 8.0 * n, "decode_s": 0.1 * n},
            "analysis",
        ),
    ],
)
def test_a_thread_that_finishes_nothing_while_work_waits_is_stuck(statistics: Statistics, what: str) -> None:
    assert first_stuck(statistics) == (int(STUCK_S), {"cam": what})


@pytest.mark.parametrize(
    "statistics",
    [
        lambda _n: {},
        lambda n: {"packets_in": 25.0 * n, "decode_s": 0.01 * n},
        lambda n: {"packets_in": 25.0 * n, "corrupt": 25.0 * n, "queue_length": 3.0},
        lambda n: {"packets_in": 25.0 * n, "queue_length": 3.0 if n == 4 else 0.0},
        lambda n: {"frames_skipped": 1.0 if n > 3 else 0.0, "frames_analysed": 7.0},
        lambda n: {"frames_skipped": 7.0 * n, "frames_analysed": 1.0 * (n // 10)},
    ],
    ids=[
        "no stream",
        "a stream without a key frame",
        "a stream that is damaged throughout",
        "a burst before the stream was lost",
        "one picture skipped before the stream was lost",
        "a detector that takes ten seconds",
    ],
)
def test_a_camera_without_work_or_with_slow_work_is_not_stuck(statistics: Statistics) -> None:
    assert first_stuck(statistics) is None


def test_a_camera_in_a_new_process_is_looked_at_anew() -> None:
    clock = ManualClock()
    progress = Progress(clock)
    for second in range(int(STUCK_S)):
        assert not progress.stuck({"cam": {"frames_skipped": float(second)}})
        clock.advance(1.0)
    progress.forget("cam")
    assert not progress.stuck({"cam": {"frames_skipped": 99.0}})
