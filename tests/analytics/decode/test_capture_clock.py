from __future__ import annotations

import pytest

from analytics.decode.capture_clock import CaptureClock
from core.types import Packet

START = 1_800_000_000.0
FPS = 12.5


def packet(captured_s: float, received_s: float) -> Packet:
    return Packet(codec="h264", data=b"x", captured_at=START + captured_s, is_key=True, received_at=received_s)


class Stream:
    """Packets of one camera, a delay after they were captured by a clock that can be set."""

    def __init__(self) -> None:
        self.watch = CaptureClock()
        self.number = 0
        self.now = 0.0
        self.ahead = 0.0

    def flow(self, seconds: float, delay: float = 0.1) -> list[float]:
        jumps = []
        for _ in range(round(seconds * FPS)):
            self.now += 1 / FPS
            jumps.append(self.watch.jump_s(packet(self.now + self.ahead, self.now + delay), self.number))
        return [jump for jump in jumps if jump]

    def burst(self, seconds: float) -> list[float]:
        """What the recorder had buffered comes at once."""
        times = [self.now - seconds + step / FPS for step in range(round(seconds * FPS))]
        jumps = [self.watch.jump_s(packet(at + self.ahead, self.now), self.number) for at in times]
        return [jump for jump in jumps if jump]

    def outage(self, seconds: float) -> None:
        self.now += seconds
        self.number += 1


@pytest.mark.parametrize("step_s", [30.0, 3600.0, -30.0, 3.0, -3.0])
def test_a_clock_that_is_set_is_told_once_with_its_step(step_s: float) -> None:
    stream = Stream()
    assert stream.flow(5.0) == []
    stream.ahead += step_s
    assert stream.flow(5.0) == [pytest.approx(step_s, abs=0.05)]


@pytest.mark.parametrize("step_s", [30.0, -30.0])
def test_a_clock_that_is_set_while_the_stream_is_away_is_told_once_the_next_has_settled(step_s: float) -> None:
    stream = Stream()
    stream.burst(4.0)
    stream.flow(5.0)
    stream.outage(7.0)
    stream.ahead += step_s
    assert stream.burst(4.0) == []
    assert stream.flow(5.0) == [pytest.approx(step_s, abs=0.1)]


def test_the_burst_at_the_start_of_a_stream_is_no_jump() -> None:
    stream = Stream()
    assert stream.burst(4.0) + stream.flow(5.0) == []
    stream.outage(3.0)
    assert stream.burst(4.0) + stream.flow(5.0) == []


def test_what_a_network_held_up_and_dropped_is_no_jump() -> None:
    stream = Stream()
    stream.flow(5.0)
    assert stream.flow(2.0, delay=6.0) == [], "late"
    stream.now += 10.0
    assert stream.flow(5.0) == [], "nothing for ten seconds, and on time again"


def test_a_clock_that_drifts_is_no_jump() -> None:
    stream = Stream()
    for _ in range(600):
        stream.ahead -= 0.0005
        assert stream.flow(1.0) == []
    assert stream.ahead < -0.25


def test_pictures_in_decode_order_are_no_jump() -> None:
    watch = CaptureClock()
    watch.jump_s(packet(0.0, 0.0), 0)
    order = [0, 3, 1, 2, 6, 4, 5]
    moments = [(3.0 + (group * 6 + step) / FPS, 3.0 + group) for group in range(5) for step in order]
    assert [watch.jump_s(packet(captured, received), 0) for captured, received in moments] == [0.0] * len(moments)
